import { channel, tracingChannel } from 'node:diagnostics_channel';
import { NEVER } from 'rxjs';
import { ConnPool, KeyedConnPool, type PoolEvent } from 'nestjs-conn-pool/core';
import { FakeClock } from 'nestjs-conn-pool/testing';
import { BucketCounts } from '../../lib/core/bucket-counts.js';
import { PoolChannels } from '../../lib/core/pool-channels.js';
import { eventsOf } from '../../lib/core/pool-events.js';
import { follow, poolsUnderTest, rejection } from './pools-under-test.js';

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

describe('what events$ tells of borrowings', () => {
  const make = poolsUnderTest();

  it('is each hand-out and each return, with the connection and how long it took', async () => {
    const { pool, clock, connector, said } = make({ max: 1 });
    connector.dial.always({ after: 20 });
    const first = pool.acquire();
    await clock.advance(20);
    const lease = await first;
    const second = pool.acquire();
    await clock.advance(30);
    lease.release();
    (await second).release();
    await clock.advance(5);
    pool.tryAcquire()?.release();
    const pool_ = { pool: 'default', id: 1 };
    expect(said('waited')).toEqual([
      { type: 'waited', ...pool_, durationMs: 20 },
      { type: 'waited', ...pool_, durationMs: 30 },
    ]);
    expect(said('acquired')).toEqual([
      { type: 'acquired', ...pool_, reused: false, durationMs: 20 },
      { type: 'acquired', ...pool_, reused: true, durationMs: 30 },
      { type: 'acquired', ...pool_, reused: true, durationMs: 0 },
    ]);
    expect(said('released')).toEqual([
      { type: 'released', ...pool_, by: 'release', durationMs: 30 },
      { type: 'released', ...pool_, by: 'release', durationMs: 0 },
      { type: 'released', ...pool_, by: 'release', durationMs: 0 },
    ]);
  });

  it.each([1000, Infinity])('is a wait of a millisecond, too, of %d that it may take', async (timeout) => {
    const { pool, clock, said } = make({ max: 1 });
    const lease = await pool.acquire();
    const next = pool.acquire({ timeout });
    await clock.advance(1);
    lease.release();
    await next;
    expect(said('waited')).toMatchObject([{ durationMs: 0 }, { durationMs: 1 }]);
  });

  it('is in order: a connection is dialled before it is lent, and given back before it is lent on', async () => {
    const { pool, clock, events } = make({ max: 1 });
    const lease = await pool.acquire();
    const next = pool.acquire();
    lease.release();
    (await next).discard();
    await clock.settle();
    expect(events.map(({ type }) => type)).toEqual([
      'dialed',
      'waited',
      'acquired',
      'released',
      'waited',
      'acquired',
      'released',
      'close',
    ]);
  });

  it('says how each lease has ended', async () => {
    const { pool, clock, said, take } = make({ max: 4 });
    const [released, discarded, detached] = await take(4);
    released?.release();
    discarded?.discard();
    detached?.detach();
    await clock.advance(7);
    await Promise.all([pool.close({ drain: 0 }), clock.settle()]);
    expect(said('released').map(({ id, by, durationMs }) => [id, by, durationMs])).toEqual([
      [1, 'release', 0],
      [2, 'discard', 0],
      [3, 'detach', 0],
      [4, 'force', 7],
    ]);
  });

  it('begins with the subscription, in the middle of a lease as well, and ends with it', async () => {
    const clock = new FakeClock();
    const { pool } = make({ clock });
    const events = eventsOf(pool);
    expect(events?.borrowingsWanted).toBe(true);
    const lease = await pool.acquire();
    await clock.advance(9);
    const heard: PoolEvent[] = [];
    const subscription = pool.events$.subscribe((event) => heard.push(event));
    lease.release();
    subscription.unsubscribe();
    (await pool.acquire()).release();
    expect(heard).toEqual([{ type: 'released', pool: 'default', id: 1, by: 'release', durationMs: 9 }]);
  });

  it('is kept from those who want only the rest', async () => {
    const { pool, clock } = make();
    const rare: string[] = [];
    eventsOf(pool)?.rare.subscribe(({ type }) => rare.push(type));
    (await pool.acquire()).discard();
    await clock.settle();
    expect(rare).toEqual(['dialed', 'close']);
  });

  it('has the key in a pool by keys, also for keys that were there before the subscription', async () => {
    const clock = new FakeClock();
    const pool = new KeyedConnPool({ dial: (key: string) => ({ key }), close: () => undefined }, { clock });
    (await pool.acquire('early')).release();
    const heard: [string, unknown][] = [];
    const subscription = pool.events$.subscribe(({ type, key }) => heard.push([type, key]));
    (await pool.acquire('early')).release();
    (await pool.acquire('late')).release();
    subscription.unsubscribe();
    (await pool.acquire('early')).release();
    expect(heard).toEqual([
      ['acquired', 'early'],
      ['released', 'early'],
      ['dialed', 'late'],
      ['waited', 'late'],
      ['acquired', 'late'],
      ['released', 'late'],
    ]);
    await pool.close();
  });
});

describe('what events$ tells besides', () => {
  const make = poolsUnderTest();

  it('is the back-off, from the first failure to the first success', async () => {
    const { pool, clock, connector, said } = make({
      dialAttempts: 9,
      dialBackoff: { initial: 100, max: 100 },
    });
    const cause = new Error('refused');
    connector.dial.next({ fail: cause }, { fail: cause });
    const acquired = pool.acquire();
    await clock.advance('1s');
    (await acquired).release();
    const [entered] = said('backoff-entered');
    expect(said('backoff-entered')).toMatchObject([{ pool: 'default', cause }]);
    expect(entered?.retryInMs).toBeGreaterThan(0);
    expect(entered?.retryInMs).toBeLessThanOrEqual(100);
    expect(said('backoff-left')).toHaveLength(1);
    expect(said('backoff-left')[0]?.durationMs).toBe(said('recovered')[0]?.downMs);
  });

  it('is the back-off after a connection that died unused, and after one that died in its first use', async () => {
    const { pool, clock, connector, said } = make({ max: 2 }, { watch: true });
    await pool.warmUp(1);
    connector.conns[0]?.die(new Error('hung up'));
    expect(said('backoff-entered')).toMatchObject([{ cause: new Error('hung up') }]);
    await clock.advance('1m');
    const lease = await pool.acquire();
    expect(said('backoff-left')).toHaveLength(1);
    lease.conn.die();
    lease.discard();
    expect(said('backoff-entered')).toHaveLength(2);
  });

  it('is each check, each failed check and each failed reset, with how long it took', async () => {
    const { pool, clock, connector, said, take } = make({}, { heartbeat: true, reset: true });
    const leases = await take(2);
    leases[0]?.release();
    await clock.settle();
    connector.heartbeat.next({ after: 11 });
    const report = pool.heartbeat();
    await clock.advance(11);
    await report;
    expect(said('checked')).toEqual([{ type: 'checked', pool: 'default', id: 1, durationMs: 11 }]);
    connector.heartbeat.next({ after: 13, fail: new Error('silent') });
    const other = pool.heartbeat();
    await clock.advance(13);
    await other;
    expect(said('heartbeat-failed')).toMatchObject([{ id: 1, durationMs: 13 }]);
    connector.reset.always({ after: 3, fail: new Error('dirty') });
    leases[1]?.release();
    await clock.advance(3);
    expect(said('reset-failed')).toMatchObject([{ id: 2, durationMs: 3 }]);
  });

  it('is how old what is lost was, how long a close took, what an acquire that timed out was given', async () => {
    const { pool, clock, connector, said, take } = make({ max: 1 }, { watch: true });
    const [lease] = await take(1);
    const late = rejection(pool.acquire({ timeout: 40 }));
    await clock.advance(50);
    await late;
    connector.close.always({ after: 6 });
    lease?.conn.die();
    lease?.release();
    await clock.advance(6);
    expect(said('timeout')).toMatchObject([{ durationMs: 40 }]);
    expect(said('lost')).toMatchObject([{ ageMs: 50 }]);
    expect(said('close')).toMatchObject([{ reason: 'lost', durationMs: 6 }]);
  });

  it('is how long the close took of what a dial has yielded too late', async () => {
    const { pool, clock, connector, said } = make({ max: 1, dialTimeout: 10, drain: 0 });
    connector.dial.next({ after: 20 });
    void rejection(pool.acquire({ timeout: 10 }));
    await clock.advance(15);
    connector.close.next({ after: 7 });
    await clock.advance(5);
    await clock.advance(7);
    expect(said('close')).toMatchObject([{ id: 1, reason: 'surplus', durationMs: 7 }]);
  });

  it('is each generation', () => {
    const { pool, said } = make();
    pool.evictAll();
    pool.evictAll();
    expect(said('generation').map(({ generation }) => generation)).toEqual([1, 2]);
  });
});

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

describe('a pool that nobody looks at', () => {
  it('starts, and hands a connection from one borrower to the next', async () => {
    const clock = new FakeClock();
    const pool = new ConnPool({ dial: () => ({}), close: () => undefined }, { clock, max: 1 });
    await pool.start();
    const lease = await pool.acquire();
    const next = pool.acquire();
    lease.release();
    const { reused } = await next;
    expect(reused).toBe(true);
    await pool.close({ drain: 0 });
  });

  it('starts, by keys as well', async () => {
    const pool = new KeyedConnPool({ dial: (key: string) => ({ key }), close: () => undefined });
    await pool.start();
    await pool.close();
  });
});

describe('the events of a pool, to the library’s own', () => {
  const make = poolsUnderTest();

  it('are none of a pool that is not of the library', () => {
    expect(eventsOf({ events$: NEVER } as never)).toBeUndefined();
  });

  it('come with what keeps dials from succeeding now, also if nobody has listened', async () => {
    const clock = new FakeClock();
    const cause = new Error('refused');
    let fails = false;
    const dial = (): object => {
      if (fails) throw cause;
      return {};
    };
    const pool = new ConnPool({ dial, close: () => undefined }, { clock, dialAttempts: 1 });
    const keyed = new KeyedConnPool({ dial, close: () => undefined }, { clock, dialAttempts: 1 });
    const troubles = () => [pool, keyed].map((each) => eventsOf(each)?.dialTroubles());
    const acquires = () => Promise.all([pool.acquire(), keyed.acquire('a')].map(rejection));
    expect(troubles()).toEqual([[], []]);
    fails = true;
    await acquires();
    expect(troubles()).toEqual([[{ cause }], [{ cause, key: 'a' }]]);
    await clock.advance(60_000);
    // The key is forgotten: nobody wants it.
    expect(troubles()).toEqual([[{ cause }], []]);
    fails = false;
    for (const lease of [await pool.acquire(), await keyed.acquire('a')]) lease.release();
    expect(troubles()).toEqual([[], []]);
    await Promise.all([pool.close(), keyed.close()]);
  });

  it('come with it also where dials succeed, but are of no use', async () => {
    const { pool, clock, connector } = make({ max: 1 }, { watch: true });
    const lease = await pool.acquire();
    lease.conn.die();
    lease.discard();
    await clock.settle();
    expect(eventsOf(pool)?.dialTroubles()).toHaveLength(1);
    await clock.advance(60_000);
    expect(eventsOf(pool)?.dialTroubles()).toEqual([]);
    expect(connector.dial.calls).toHaveLength(1);
  });

  it('tell of a leak that came back to those who want only the rest', async () => {
    const clock = new FakeClock();
    const pool = new ConnPool({ dial: () => ({}), close: () => undefined }, { clock, leakThreshold: 100 });
    const types: string[] = [];
    eventsOf(pool)?.rare.subscribe(({ type }) => void types.push(type));
    const lease = await pool.acquire();
    await clock.advance(100);
    lease.release();
    expect(types).toEqual(['dialed', 'leak', 'leak-returned']);
    await pool.close();
  });

  it('end with the pool', async () => {
    const { pool } = make();
    let ended = false;
    eventsOf(pool)?.rare.subscribe({ complete: () => (ended = true) });
    await pool.close();
    expect(ended).toBe(true);
  });

  it('tell how long it all takes, from then on', async () => {
    const { pool } = make();
    const wait = eventsOf(pool)
      ?.latencies()
      .wait.listen(new BucketCounts([1]));
    (await pool.acquire()).release();
    expect(wait?.read()).toEqual({ upTo: [1], count: 1, sum: 0 });
  });

  it('tell of the end of a lease also if whoever hears of it first wants to know more', async () => {
    const { pool, said } = make();
    const lease = await pool.acquire();
    lease.signal.addEventListener('abort', () => void pool.stats({ latency: true }));
    await pool.close({ drain: 0 });
    expect(said('released')).toMatchObject([{ id: 1, by: 'force' }]);
  });
});

describe('those who watch waits', () => {
  const make = poolsUnderTest();

  it('are enough for it: nobody else need look, and one who leaves takes no other along', async () => {
    const clock = new FakeClock();
    const pool = new ConnPool({ dial: () => ({}), close: () => undefined }, { clock, max: 1 });
    const told: string[] = [];
    const watch = (name: string) => eventsOf(pool)?.watchWaits(() => void told.push(name));
    await pool.warmUp(1);
    const lease = await pool.acquire();
    const endFirst = watch('first');
    const alone = pool.acquire();
    expect(told).toEqual(['first']);
    watch('second');
    const both = pool.acquire();
    expect(told).toEqual(['first', 'first', 'second']);
    endFirst?.();
    const last = pool.acquire();
    expect(told).toEqual(['first', 'first', 'second', 'second']);
    lease.release();
    for (const each of [alone, both, last]) (await each).release();
    await pool.close();
  });

  it('are told of each acquire that stands in line when it begins and how it ends, until they leave', async () => {
    const { pool } = make({ name: 'thrift', max: 1 });
    const told: unknown[] = [];
    const end = eventsOf(pool)?.watchWaits((name, key) => {
      told.push(['waits', name, key]);
      return (outcome) => told.push(outcome);
    });
    eventsOf(pool)?.watchWaits(() => undefined);
    const lease = await pool.acquire();
    (follow(pool.acquire()), lease.release());
    await new Promise(setImmediate);
    const gone = new AbortController();
    const refused = rejection(pool.acquire({ signal: gone.signal }));
    gone.abort();
    const error = await refused;
    end?.();
    void rejection(pool.acquire());
    expect(told).toEqual([
      ['waits', 'thrift', undefined],
      { id: 1, reused: false },
      ['waits', 'thrift', undefined],
      { id: 1, reused: true },
      ['waits', 'thrift', undefined],
      { error },
    ]);
  });
});
