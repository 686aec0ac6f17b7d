/* queue.ts - behaviour on its way to the server, delivered at least once.
 *
 * An event gets its time and id when it happens and keeps them through every retry, so the server
 * counts it once however often it arrives. Events go in batches: a little after the first of a
 * batch, at once when a batch is full, and by beacon when the page goes away. What neither reached
 * the server nor fitted a beacon is stored and goes with the next page. */
import type { EventDetails, EventType } from '../api/types';
import { uuid7 } from '../lib/ids';

export interface ShopEvent extends EventDetails {
  id: string;
  time: string;
  type: EventType;
  session_id: string;
  user_id?: string;
  anonymous_id?: string;
}

/** An event with the token of the shopper whom it names. */
export interface Pending {
  event: ShopEvent;
  token?: string;
}

export type Delivery = 'done' | 'retry';

export interface Transport {
  /** Sends one batch of one shopper; `retry` when the server was not there or too busy. */
  send(events: ShopEvent[], token?: string): Promise<Delivery>;
  /** Hands one batch to the browser for delivery after the page is gone; false if it refuses. */
  beacon(events: ShopEvent[], token?: string): boolean;
  load(): Pending[];
  save(pending: Pending[]): void;
}

export interface Clock {
  now(): number;
  after(ms: number, run: () => void): () => void;
}

export const MAX_BATCH = 50;
export const MAX_PENDING = 500;
export const GATHER_MS = 1500;
const FIRST_RETRY_MS = 2000;
const LAST_RETRY_MS = 60_000;

export const realClock: Clock = {
  now: () => Date.now(),
  after(ms, run) {
    const timer = setTimeout(run, ms);
    return () => clearTimeout(timer);
  },
};

/** The longest run of events at the front that may travel together. */
export function nextBatch(pending: Pending[]): Pending[] {
  const token = pending[0]?.token;
  const end = pending.findIndex((item, i) => i === MAX_BATCH || item.token !== token);
  return pending.slice(0, end < 0 ? pending.length : end);
}

export class EventQueue {
  private pending: Pending[];
  private running: Promise<void> | null = null;
  private failures = 0;
  private cancelTimer: (() => void) | null = null;

  constructor(
    private readonly transport: Transport,
    private readonly clock: Clock = realClock,
  ) {
    this.pending = transport.load().slice(-MAX_PENDING);
    transport.save([]);
    if (this.pending.length > 0) this.schedule(GATHER_MS);
  }

  get size(): number {
    return this.pending.length;
  }

  /** An `urgent` event does not wait for company: the next list should already know it. */
  add(event: Omit<ShopEvent, 'id' | 'time'>, token?: string, urgent = false): void {
    const now = this.clock.now();
    const whole: ShopEvent = { ...event, id: uuid7(now), time: new Date(now).toISOString() };
    this.pending.push({ event: whole, token });
    if (this.pending.length > MAX_PENDING) this.pending.shift();
    const atOnce = urgent || this.pending.length >= MAX_BATCH;
    if (atOnce && this.failures === 0) void this.flush();
    else this.schedule(GATHER_MS);
  }

  /** Sends what is pending, batch by batch, until nothing is left or the server does not answer. */
  flush(): Promise<void> {
    if (this.pending.length > 0) this.running ??= this.drain();
    return this.running ?? Promise.resolve();
  }

  private async drain(): Promise<void> {
    this.cancelTimer?.();
    this.cancelTimer = null;
    let delivery: Delivery = 'done';
    while (delivery === 'done' && this.pending.length > 0) {
      const batch = nextBatch(this.pending);
      delivery = await this.transport
        .send(
          batch.map((item) => item.event),
          batch[0]!.token,
        )
        .catch((): Delivery => 'retry');
      if (delivery === 'done') this.remove(batch);
    }
    // From here on nothing waits, so an event added later starts a run of its own.
    this.running = null;
    this.failures = delivery === 'done' ? 0 : this.failures + 1;
    if (this.pending.length > 0) this.schedule(this.retryDelay());
  }

  /** The page may be gone after this: everything that is not confirmed goes by beacon. */
  leave(): void {
    while (this.pending.length > 0) {
      const batch = nextBatch(this.pending);
      const events = batch.map((item) => item.event);
      if (!this.transport.beacon(events, batch[0]!.token)) break;
      this.remove(batch);
    }
    this.transport.save(this.pending);
  }

  /** Drops everything that has not been sent. */
  clear(): void {
    this.pending = [];
    this.transport.save([]);
  }

  private remove(batch: Pending[]): void {
    const gone = new Set(batch);
    this.pending = this.pending.filter((item) => !gone.has(item));
  }

  private retryDelay(): number {
    if (this.failures === 0) return GATHER_MS;
    return Math.min(LAST_RETRY_MS, FIRST_RETRY_MS * 2 ** (this.failures - 1));
  }

  private schedule(ms: number): void {
    this.cancelTimer ??= this.clock.after(ms, () => {
      this.cancelTimer = null;
      void this.flush();
    });
  }
}
