/* identity.ts - who this browser is shopping as, and what it remembers of that. */
import type { Who } from '../api/client';
import type { Texts } from '../api/types';
import { anonymousId, isAnonymousId, uuid7 } from '../lib/ids';
import { readStored, store } from '../lib/storage';

export interface Shopper {
  userId: string;
  token: string;
  expiresAt: string;
  name: Texts;
}

export interface Identity {
  /** Also kept while a shopper is signed in, unused, until it is joined or replaced. */
  anonymousId: string;
  shopper: Shopper | null;
}

function isShopper(value: unknown): value is Shopper {
  const shopper = value as Shopper | null;
  return (
    typeof shopper?.userId === 'string' &&
    typeof shopper.token === 'string' &&
    typeof shopper.expiresAt === 'string' &&
    typeof shopper.name === 'object'
  );
}

export function loadIdentity(): Identity {
  const known = readStored('guest', isAnonymousId);
  const identity = {
    anonymousId: known ?? anonymousId(),
    shopper: readStored('shopper', isShopper),
  };
  saveIdentity(identity);
  return identity;
}

export function saveIdentity(identity: Identity): void {
  store('guest', identity.anonymousId);
  store('shopper', identity.shopper);
}

export function whoIs({ anonymousId, shopper }: Identity): Who {
  return shopper
    ? { kind: 'shopper', userId: shopper.userId, token: shopper.token }
    : { kind: 'guest', anonymousId };
}

const SESSION_GAP_MS = 30 * 60_000;
const session = { id: '', last: 0 };

/** One visit: ends after half an hour without an event. */
export function sessionId(now = Date.now()): string {
  if (now - session.last > SESSION_GAP_MS) session.id = uuid7(now);
  session.last = now;
  return session.id;
}
