import { beforeEach, describe, expect, it } from 'vitest';
import {
  EventQueue,
  GATHER_MS,
  MAX_BATCH,
  MAX_PENDING,
  type Clock,
  type Delivery,
  type Pending,
  type ShopEvent,
  type Transport,
} from '../src/events/queue';

/** A clock that the test moves. */
class HandClock implements Clock {
  time = Date.UTC(2026, 10, 23);
  private timers: { at: number; run: () => void }[] = [];

  now = () => this.time;

  after = (ms: number, run: () => void) => {
    const timer = { at: this.time + ms, run };
    this.timers.push(timer);
    return () => {
      this.timers = this.timers.filter((other) => other !== timer);
    };
  };

  async pass(ms: number) {
    this.time += ms;
    const due = this.timers.filter((timer) => timer.at <= this.time);
    this.timers = this.timers.filter((timer) => timer.at > this.time);
    for (const timer of due) timer.run();
    for (let i = 0; i < 50; i++) await Promise.resolve();
  }
}

class Wire implements Transport {
  sent: { events: ShopEvent[]; token?: string }[] = [];
  beacons: ShopEvent[][] = [];
  saved: Pending[] = [];
  answer: Delivery = 'done';
  takesBeacons = true;

  send = async (events: ShopEvent[], token?: string) => {
    this.sent.push({ events, token });
    return this.answer;
  };
  beacon = (events: ShopEvent[]) => {
    if (this.takesBeacons) this.beacons.push(events);
    return this.takesBeacons;
  };
  load = () => this.saved;
  save = (pending: Pending[]) => {
    this.saved = pending;
  };
}

const view = (product_id: string) =>
  ({ type: 'view', product_id, session_id: 's', anonymous_id: 'a' }) as const;

let clock: HandClock;
let wire: Wire;
let queue: EventQueue;

beforeEach(() => {
  clock = new HandClock();
  wire = new Wire();
  queue = new EventQueue(wire, clock);
});

describe('the event queue', () => {
  it('gathers events into one batch', async () => {
    queue.add(view('p1'));
    queue.add(view('p2'));
    expect(wire.sent).toHaveLength(0);
    await clock.pass(GATHER_MS);
    expect(wire.sent.map(({ events }) => events.map((e) => e.product_id))).toEqual([['p1', 'p2']]);
    expect(queue.size).toBe(0);
  });

  it('sends an urgent event at once', async () => {
    queue.add(view('p1'), undefined, true);
    await clock.pass(0);
    expect(wire.sent).toHaveLength(1);
  });

  it('sends an event that is added right after there was nothing to send', async () => {
    void queue.flush();
    queue.add(view('p1'), undefined, true);
    await clock.pass(0);
    expect(wire.sent).toHaveLength(1);
  });

  it('takes along what is added while a batch travels', async () => {
    queue.add(view('p1'), undefined, true);
    queue.add(view('p2'));
    await clock.pass(0);
    expect(wire.sent.flatMap(({ events }) => events)).toHaveLength(2);
  });

  it('gives every event its own id and the time it happened', async () => {
    queue.add(view('p1'));
    await clock.pass(10);
    queue.add(view('p2'));
    await clock.pass(GATHER_MS);
    const [a, b] = wire.sent.flatMap(({ events }) => events);
    expect(a!.id).not.toBe(b!.id);
    expect(a!.id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    expect([a!.time, b!.time]).toEqual(['2026-11-23T00:00:00.000Z', '2026-11-23T00:00:00.010Z']);
  });

  it('tries again with the same ids and times, ever more slowly, until it is heard', async () => {
    wire.answer = 'retry';
    queue.add(view('p1'));
    await clock.pass(GATHER_MS);
    for (const wait of [2000, 4000, 8000]) {
      const before = wire.sent.length;
      await clock.pass(wait - 1);
      expect(wire.sent).toHaveLength(before);
      await clock.pass(1);
      expect(wire.sent).toHaveLength(before + 1);
    }
    wire.answer = 'done';
    await clock.pass(60_000);
    expect(queue.size).toBe(0);
    expect(new Set(wire.sent.map(({ events }) => JSON.stringify(events))).size).toBe(1);
  });

  it('keeps the events of a transport that throws', async () => {
    wire.send = () => Promise.reject(new TypeError('no network'));
    queue.add(view('p1'));
    await clock.pass(GATHER_MS);
    expect(queue.size).toBe(1);
  });

  it('never mixes shoppers in one batch and keeps the order', async () => {
    queue.add(view('p1'), 'ann');
    queue.add(view('p2'), 'bob');
    queue.add(view('p3'), 'bob');
    await clock.pass(GATHER_MS);
    expect(wire.sent.map(({ token, events }) => [token, events.length])).toEqual([
      ['ann', 1],
      ['bob', 2],
    ]);
  });

  it('splits what is too large for one batch', async () => {
    for (let i = 0; i < MAX_BATCH + 5; i++) queue.add(view(`p${i}`));
    await clock.pass(GATHER_MS);
    await clock.pass(GATHER_MS);
    expect(wire.sent.every(({ events }) => events.length <= MAX_BATCH)).toBe(true);
    expect(wire.sent.flatMap(({ events }) => events)).toHaveLength(MAX_BATCH + 5);
  });

  it('forgets the oldest when the server stays away', () => {
    for (let i = 0; i < MAX_PENDING + 10; i++) queue.add(view(`p${i}`));
    expect(queue.size).toBeLessThanOrEqual(MAX_PENDING);
  });

  it('leaves by beacon, and stores what no beacon took for the next page', async () => {
    queue.add(view('p1'));
    queue.leave();
    expect(wire.beacons.flat().map((e) => e.product_id)).toEqual(['p1']);
    expect(queue.size).toBe(0);

    wire.takesBeacons = false;
    queue.add(view('p2'));
    queue.leave();
    const next = new EventQueue(wire, clock);
    await clock.pass(GATHER_MS);
    expect(next.size).toBe(0);
    expect(wire.sent.at(-1)!.events.map((e) => e.product_id)).toEqual(['p2']);
  });

  it('repeats in the beacon what is still on its way', async () => {
    wire.send = () => new Promise(() => undefined);
    queue.add(view('p1'), undefined, true);
    queue.leave();
    expect(wire.beacons.flat()).toHaveLength(1);
  });

  it('sends nothing after it was cleared', async () => {
    queue.add(view('p1'));
    queue.clear();
    await clock.pass(GATHER_MS);
    expect(wire.sent).toHaveLength(0);
  });
});
