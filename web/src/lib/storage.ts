/* storage.ts - the browser's storage, which may be full, forbidden or filled by somebody else. */

export function readStored<T>(name: string, valid: (value: unknown) => value is T): T | null {
  try {
    const value: unknown = JSON.parse(localStorage.getItem(`aisle.${name}`) ?? 'null');
    return valid(value) ? value : null;
  } catch {
    return null;
  }
}

export function store(name: string, value: unknown): void {
  try {
    if (value === null) localStorage.removeItem(`aisle.${name}`);
    else localStorage.setItem(`aisle.${name}`, JSON.stringify(value));
  } catch {
    /* Private windows may forbid storage: the page then forgets, nothing else. */
  }
}

export function forgetAll(): void {
  try {
    for (const name of Object.keys(localStorage)) {
      if (name.startsWith('aisle.')) localStorage.removeItem(name);
    }
  } catch {
    /* As above. */
  }
}

export const isString = (value: unknown): value is string => typeof value === 'string';
export const isBoolean = (value: unknown): value is boolean => typeof value === 'boolean';
