/* viewed.ts - the product that this shopper looked at last, in this browser. */
import type { Identity } from '../state/identity';
import { readStored, store } from './storage';

interface Viewed {
  who: string;
  id: string;
}

const isViewed = (value: unknown): value is Viewed =>
  typeof (value as Viewed | null)?.who === 'string' && typeof (value as Viewed).id === 'string';

const nameOf = ({ shopper, anonymousId }: Identity) => shopper?.userId ?? anonymousId;

export function lastViewed(identity: Identity): string | null {
  const viewed = readStored('viewed', isViewed);
  return viewed?.who === nameOf(identity) ? viewed.id : null;
}

export function rememberViewed(identity: Identity, id: string): void {
  store('viewed', { who: nameOf(identity), id });
}
