/* setup.mjs - what browsers have and Node 18 keeps behind a flag. */
import { webcrypto } from 'node:crypto';

if (!('crypto' in globalThis)) {
  Object.defineProperty(globalThis, 'crypto', { value: webcrypto });
}
