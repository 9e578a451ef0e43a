import { channel, tracingChannel } from 'node:diagnostics_channel';
import { ConnPool, KeyedConnPool, type PoolEvent } from 'nestjs-conn-pool/core';
import { FakeClock } from 'nestjs-conn-pool/testing';
import { PoolChannels } from '../../lib/core/pool-channels.js';
import { eventsOf } from '../../lib/core/pool-events.js';
import { poolsUnderTest, rejection } from './pools-under-test.js';

const TYPES: Record<PoolEvent['type'], true> = {
  started: true,
  dialed: true,
  'dial-failed': true,
  recovered: true,
  'backoff-entered': true,
  'backoff-left': true,
  waited: true,
  acquired: true,
  released: true,
  lost: true,
  checked: true,
  'heartbeat-failed': true,
  'reset-failed': true,
  close: true,
  'close-failed': true,
  exhausted: true,
  timeout: true,
  leak: true,
  'leak-returned': true,
  generation: true,
  state: true,
  closed: true,
};

describe('the channels of diagnostics_channel', () => {
  const make = poolsUnderTest();
  const ends: (() => void)[] = [];
  afterEach(() => ends.splice(0).forEach((end) => end()));

  /** What a channel says, until the end of the test. */
  function listen(name: string): unknown[] {
    const heard: unknown[] = [];
    const listener = (message: unknown): void => void heard.push(message);
    channel(name).subscribe(listener);
    ends.push(() => channel(name).unsubscribe(listener));
    return heard;
  }

  it('tell each event under the name of its type, also when nobody subscribes to the pool', async () => {
    const dialed = listen('conn-pool:dialed');
    const released = listen('conn-pool:released');
    const { pool, said } = make({ name: 'thrift' });
    (await pool.acquire()).release();
    expect(dialed).toEqual(said('dialed'));
    expect(released).toEqual(said('released'));
    expect(released).toMatchObject([{ pool: 'thrift', id: 1 }]);
  });

  it('tell once that a pool is closed, whatever is asked of it afterwards', async () => {
    const closed = listen('conn-pool:closed');
    const { pool } = make({ name: 'thrift' });
    await pool.close();
    pool.resize({ max: 2 });
    pool.evictAll();
    await pool.close();
    expect(closed).toMatchObject([{ pool: 'thrift' }]);
  });

  it.each(Object.keys(TYPES))('have one for %s', (type) => {
    const heard = listen(`conn-pool:${type}`);
    const event = { type, pool: 'thrift' } as PoolEvent;
    new PoolChannels().publish(event);
    expect(heard).toEqual([event]);
  });

  it.each(['waited', 'acquired', 'released'] as const)('tell %s to who listens to it alone', async (type) => {
    const heard = listen(`conn-pool:${type}`);
    const pool = new ConnPool({ dial: () => ({}), close: () => undefined }, { clock: new FakeClock() });
    (await pool.acquire()).release();
    expect(heard).toMatchObject([{ type, id: 1 }]);
    await pool.close();
  });

  it('are found by a pool that is in use already, at the next turn of the event loop, until they leave', async () => {
    const clock = new FakeClock();
    const pool = new ConnPool({ dial: () => ({}), close: () => undefined }, { clock });
    (await pool.acquire()).release();
    const acquired = listen('conn-pool:acquired');
    await clock.settle();
    (await pool.acquire()).release();
    expect(acquired).toMatchObject([{ type: 'acquired', id: 1 }]);
    for (const end of ends.splice(0)) end();
    await clock.settle();
    (await pool.acquire()).release();
    expect(acquired).toHaveLength(1);
    await pool.close();
  });

  it('are found by a pool by keys that is in use already, at the next turn of the event loop', async () => {
    const clock = new FakeClock();
    const pool = new KeyedConnPool({ dial: (key: string) => ({ key }), close: () => undefined }, { clock });
    (await pool.acquire('a')).release();
    const acquired = listen('conn-pool:acquired');
    await clock.settle();
    (await pool.acquire('a')).release();
    expect(acquired).toMatchObject([{ type: 'acquired', key: 'a' }]);
    await pool.close();
  });

  it.each(['dialed', 'close'] as const)(
    'of %s are found by a pool that was not heard before, at the next turn of the event loop',
    async (type) => {
      const clock = new FakeClock();
      const pool = new ConnPool({ dial: () => ({}), close: () => undefined }, { clock });
      (await pool.acquire()).discard();
      const heard = listen(`conn-pool:${type}`);
      await clock.settle();
      (await pool.acquire()).discard();
      expect(heard).toMatchObject([{ type, id: 2 }]);
      await pool.close();
    },
  );

  it('leave it to a pool to be heard at once by who subscribes to itself', async () => {
    const clock = new FakeClock();
    const pool = new ConnPool({ dial: () => ({}), close: () => undefined }, { clock });
    (await pool.acquire()).discard();
    const heard: PoolEvent[] = [];
    eventsOf(pool)?.rare.subscribe((event) => void heard.push(event));
    (await pool.acquire()).discard();
    expect(heard).toMatchObject([
      { type: 'dialed', id: 2 },
      { type: 'close', id: 2 },
    ]);
    await pool.close();
  });

  it('trace an acquire from its call to its end', async () => {
    const heard: [string, object][] = [];
    const tell =
      (name: string) =>
      (message: unknown): void =>
        void heard.push([name, { ...(message as object) }]);
    const subscribers = {
      start: tell('start'),
      end: tell('end'),
      asyncStart: tell('asyncStart'),
      asyncEnd: tell('asyncEnd'),
      error: tell('error'),
    };
    const { pool } = make({ name: 'thrift', max: 1 });
    await pool.warmUp(1);
    const tracing = tracingChannel('conn-pool:acquire');
    tracing.subscribe(subscribers);
    ends.push(() => tracing.unsubscribe(subscribers));
    const lease = await pool.acquire();
    expect(heard).toMatchObject([
      ['start', { pool: 'thrift' }],
      ['end', { pool: 'thrift' }],
      ['asyncStart', { id: 1, reused: true }],
      ['asyncEnd', { id: 1, result: lease }],
    ]);
    heard.length = 0;
    const reason = new Error('enough');
    const error = await rejection(pool.acquire({ signal: AbortSignal.abort(reason) }));
    expect(error).toBe(reason);
    expect(heard.map(([name]) => name)).toEqual(['start', 'end', 'error', 'asyncStart', 'asyncEnd']);
    expect(heard[2]?.[1]).toMatchObject({ error: reason });
    lease.release();
    heard.length = 0;
    await pool.use(() => undefined);
    expect(heard.map(([name]) => name)).toEqual(['start', 'end', 'asyncStart', 'asyncEnd']);
  });

  it('trace also for who subscribes to the end only, from the next turn of the event loop on', async () => {
    const ends: unknown[] = [];
    const asyncEnd = (message: unknown): void => void ends.push((message as { id: number }).id);
    const { pool, clock } = make();
    (await pool.acquire()).release();
    const tracing = tracingChannel('conn-pool:acquire');
    const subscribers = { asyncEnd } as never;
    tracing.subscribe(subscribers);
    await clock.settle();
    (await pool.acquire()).release();
    (await pool.acquire()).release();
    expect(ends.length).toBeGreaterThan(0);
    expect(new Set(ends)).toEqual(new Set([1]));
    tracing.unsubscribe(subscribers);
    await clock.settle();
    (await pool.acquire()).release();
    const count = ends.length;
    await clock.settle();
    (await pool.acquire()).release();
    expect(ends).toHaveLength(count);
  });

  it.each(['end', 'asyncStart', 'asyncEnd', 'error'] as const)(
    'trace for who subscribes to %s alone, also before there was the pool',
    async (name) => {
      let heard = 0;
      const tracing = tracingChannel('conn-pool:acquire');
      const subscribers = { [name]: () => (heard += 1) } as never;
      tracing.subscribe(subscribers);
      ends.push(() => tracing.unsubscribe(subscribers));
      const { pool } = make();
      await rejection(pool.acquire({ signal: AbortSignal.abort() }));
      expect(heard).toBe(1);
    },
  );

  it('trace for who subscribes to the end only in a pool by keys, too', async () => {
    let ended = 0;
    const clock = new FakeClock();
    const pool = new KeyedConnPool({ dial: (key: string) => ({ key }), close: () => undefined }, { clock });
    (await pool.acquire('a')).release();
    const tracing = tracingChannel('conn-pool:acquire');
    const subscribers = { asyncEnd: () => (ended += 1) } as never;
    tracing.subscribe(subscribers);
    ends.push(() => tracing.unsubscribe(subscribers));
    for (let turn = 0; turn < 2; turn += 1) {
      await clock.settle();
      (await pool.acquire('a')).release();
    }
    expect(ended).toBeGreaterThan(0);
    await pool.close();
  });

  it('trace for which key, and refuse wrong options all the same', async () => {
    const keys: unknown[] = [];
    const start = (message: unknown): void => void keys.push((message as { key: unknown }).key);
    const tracing = tracingChannel('conn-pool:acquire');
    const subscribers = { start } as never;
    tracing.subscribe(subscribers);
    ends.push(() => tracing.unsubscribe(subscribers));
    const pool = new KeyedConnPool({ dial: (key: string) => ({ key }), close: () => undefined });
    (await pool.acquire('acme')).release();
    expect(keys).toEqual(['acme']);
    expect(await rejection(pool.acquire('acme', null as never))).toMatchObject({
      code: 'ERR_INVALID_OPTIONS',
    });
    await pool.close();
  });
});
