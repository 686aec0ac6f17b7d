/* transport.ts - how batches of events leave the browser. */
import { queryString } from '../api/client';
import { readStored, store } from '../lib/storage';
import type { Delivery, Pending, ShopEvent, Transport } from './queue';

const STORED = 'events';

const isPending = (value: unknown): value is Pending[] =>
  Array.isArray(value) && value.every((item) => typeof item?.event?.id === 'string');

/** A refused event stays refused; only an absent or overloaded server is worth another try. */
function judge(status: number): Delivery {
  return status >= 500 || status === 429 || status === 408 ? 'retry' : 'done';
}

export function createTransport(key: string): Transport {
  return {
    async send(events: ShopEvent[], token?: string) {
      const response = await fetch('/v1/events', {
        method: 'POST',
        headers: {
          'Content-Type': 'application/json',
          Authorization: `Bearer ${key}`,
          ...(token ? { 'X-Shopper-Token': token } : {}),
        },
        body: JSON.stringify({ events }),
        keepalive: true,
      });
      return judge(response.status);
    },
    beacon(events: ShopEvent[], token?: string) {
      /* A string body travels as text/plain: no preflight, and no header is possible or needed. */
      return navigator.sendBeacon(
        `/v1/events${queryString({ key, token })}`,
        JSON.stringify({ events }),
      );
    },
    load: () => readStored(STORED, isPending) ?? [],
    save: (pending) => store(STORED, pending.length > 0 ? pending : null),
  };
}
