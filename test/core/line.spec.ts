import { PoolExhaustedError } from 'nestjs-conn-pool/core';
import { garbageCollector } from './garbage-collector.js';
import { follow, poolsUnderTest, rejection } from './pools-under-test.js';

describe('the line', () => {
  const make = poolsUnderTest();

  it('is first come, first served', async () => {
    const { pool, take, clock } = make({ max: 2 });
    const held = await take(2);
    const order: number[] = [];
    for (let i = 0; i < 50; i++) {
      void pool.acquire().then((lease) => {
        order.push(i);
        lease.release();
      });
    }
    for (const lease of held) lease.release();
    await clock.settle();
    expect(order).toEqual(Array.from({ length: 50 }, (_, i) => i));
  });

  it('serves a higher priority first, and first come within it', async () => {
    const { pool, take, clock } = make({ max: 1 });
    const [lease] = await take(1);
    const order: string[] = [];
    for (const [name, priority] of [
      ['a', 0],
      ['b', 5],
      ['c', -5],
      ['d', 5],
      ['e', 0],
      ['f', 1.5],
    ] as const)
      void pool.acquire({ priority }).then((got) => {
        order.push(name);
        got.release();
      });
    lease?.release();
    await clock.settle();
    expect(order).toEqual(['b', 'd', 'f', 'a', 'e', 'c']);
  });

  it('[B11] cannot be overtaken: a released connection belongs to the waiter at once', async () => {
    const { pool, take, clock } = make({ max: 1 });
    const [lease] = await take(1);
    const first = follow(pool.acquire());
    lease?.release();
    expect(pool.stats()).toMatchObject({ idle: 0, leased: 1, waiting: 0 });
    const newcomer = follow(pool.acquire());
    expect(pool.tryAcquire()).toBe(undefined);
    await clock.settle();
    expect([first.now.state, newcomer.now.state]).toEqual(['resolved', 'pending']);
  });

  it('cannot be overtaken in any gap of a microtask', async () => {
    for (let gap = 0; gap < 8; gap++) {
      const { pool, take, clock } = make({ max: 1 });
      const [lease] = await take(1);
      const order: string[] = [];
      const join = (name: string) =>
        pool.acquire().then((got) => {
          order.push(name);
          return got;
        });
      const first = join('first');
      const second = join('second');
      lease?.release();
      for (let i = 0; i < gap; i++) await undefined;
      const late = join('late');
      (await first).release();
      for (let i = 0; i < gap; i++) await undefined;
      (await second).release();
      (await late).release();
      await clock.settle();
      expect(order).toEqual(['first', 'second', 'late']);
    }
  });

  it('is not overtaken by an acquire that finds a place for a dial', async () => {
    const { pool, connector, clock } = make({ max: 2 });
    const gates = [connector.dial.gate(), connector.dial.gate()];
    const order: string[] = [];
    for (const name of ['a', 'b', 'c'])
      void pool.acquire().then((lease) => {
        order.push(name);
        lease.release();
      });
    await clock.settle();
    gates[1]?.resolve(); // the dial that was begun second is done first
    await clock.settle();
    gates[0]?.resolve();
    await clock.settle();
    expect(order).toEqual(['a', 'b', 'c']);
  });

  it('holds 25 000 on 3 connections, in order', async () => {
    const { pool } = make({ max: 3, acquireTimeout: 0 });
    const order: number[] = [];
    const all = Array.from({ length: 25_000 }, async (_, i) => {
      const lease = await pool.acquire();
      order.push(i);
      await undefined;
      lease.release();
    });
    await Promise.all(all);
    expect(order.every((i, at) => i === at)).toBe(true);
    expect(pool.stats()).toMatchObject({ waiting: 0, idle: 3, size: 3 });
  });

  it('[B13] outlives 20 000 that gave up: none stays in it, and the next is served', async () => {
    const { pool, take, clock, connector } = make({ max: 1 });
    const [lease] = await take(1);
    const expired = Array.from({ length: 20_000 }, () => follow(pool.acquire({ timeout: 100 })));
    await clock.advance(100);
    expect(expired.every(({ now }) => now.state === 'rejected')).toBe(true);
    expect(pool.stats()).toMatchObject({ waiting: 0, size: 1, totals: { timeouts: 20_000 } });
    const waiter = follow(pool.acquire());
    lease?.release();
    await clock.settle();
    expect(waiter.now.state).toBe('resolved');
    expect(connector.dial.count).toBe(1);
  });

  it('[B12] keeps the connection when the one in front gives up in the same instant as it comes', async () => {
    const { pool, take, clock } = make({ max: 1 });
    const [lease] = await take(1);
    const abort = new AbortController();
    const first = follow(pool.acquire({ signal: abort.signal }));
    const second = follow(pool.acquire());
    abort.abort(new Error('changed my mind'));
    lease?.release();
    await clock.settle();
    expect([first.now.state, second.now.state]).toEqual(['rejected', 'resolved']);
    if (second.now.state === 'resolved') second.now.value.release();
    expect(pool.stats()).toMatchObject({ idle: 1, leased: 0 });
  });

  it('[B12] keeps the connection when it is given back to a line of dead ones only', async () => {
    const { pool, take, clock } = make({ max: 1 });
    const [lease] = await take(1);
    const aborts = Array.from({ length: 100 }, () => new AbortController());
    const dead = aborts.map(({ signal }) => follow(pool.acquire({ signal })));
    for (const abort of aborts) abort.abort();
    lease?.release();
    await clock.settle();
    expect(dead.every(({ now }) => now.state === 'rejected')).toBe(true);
    expect(pool.stats()).toMatchObject({ idle: 1, leased: 0, waiting: 0 });
    expect(pool.tryAcquire()).toBeDefined();
  });

  it('[B11] [B15] an abort after the grant leaves the lease with its holder', async () => {
    const { pool, take } = make({ max: 1 });
    const [lease] = await take(1);
    const abort = new AbortController();
    const waiting = pool.acquire({ signal: abort.signal });
    lease?.release(); // granted here
    abort.abort(new Error('too late'));
    const granted = await waiting;
    expect(granted.active).toBe(true);
    expect(pool.stats()).toMatchObject({ leased: 1, totals: { aborted: 0 } });
    granted.release();
  });

  it('[B16] stays whole when waiters leave it in any order', async () => {
    const { pool, take, clock } = make({ max: 1 });
    let seed = 7;
    const dice = (sides: number) => (seed = (seed * 48_271) % 2_147_483_647) % sides;
    for (let round = 0; round < 20; round++) {
      const lease = (await take(1))[0];
      const waiters = Array.from({ length: 40 }, (_, i) => ({
        i,
        abort: new AbortController(),
        priority: dice(3),
      }));
      const served: number[] = [];
      for (const { i, abort, priority } of waiters)
        pool.acquire({ signal: abort.signal, priority }).then(
          (got) => {
            served.push(i);
            got.release();
          },
          () => undefined,
        );
      const staying = [...waiters];
      for (let leaving = 0; leaving < 30; leaving++)
        staying.splice(dice(staying.length), 1)[0]?.abort.abort();
      expect(pool.stats().waiting).toBe(10);
      lease?.release();
      await clock.settle();
      const expected = [...staying].sort((a, b) => b.priority - a.priority || a.i - b.i).map(({ i }) => i);
      expect(served).toEqual(expected);
    }
  });

  it('[B25] shows who holds what, since when and from where, when a nested acquire waits for its own caller', async () => {
    const { pool, clock } = make({ max: 1, leakThreshold: '5s', acquireTimeout: '10s' });
    await pool.start();
    const nested = follow(pool.use(() => pool.acquire()));
    await clock.advance('7s');
    const [row] = pool.inspect();
    expect(row?.state).toBe('leased');
    expect(row?.lease?.held).toBe(7_000);
    expect(row?.lease?.stack).toContain('line.spec');
    await clock.advance('3s');
    expect(nested.now).toMatchObject({
      error: { code: 'ERR_ACQUIRE_TIMEOUT', phase: 'wait', stats: { leased: 1 } },
    });
  });

  describe('is bounded by maxWaiting', () => {
    it('[B20] and refuses the newcomer at once, with the numbers', async () => {
      const { pool, take, clock, said } = make({ max: 1, maxWaiting: 2, name: 'thrift' });
      const [lease] = await take(1);
      const waiters = [follow(pool.acquire()), follow(pool.acquire())];
      const error = await rejection(pool.acquire());
      expect(error).toBeInstanceOf(PoolExhaustedError);
      expect(error).toMatchObject({
        code: 'ERR_POOL_EXHAUSTED',
        pool: 'thrift',
        maxWaiting: 2,
        stats: { waiting: 2 },
      });
      expect((error as Error).message).toContain('thrift');
      expect(pool.stats().totals.refused).toBe(1);
      expect(said('exhausted')).toMatchObject([{ leased: 1, waiting: 2 }]);
      lease?.release();
      await clock.settle();
      expect(waiters[0]?.now.state).toBe('resolved');
      const again = follow(pool.acquire());
      await clock.settle();
      expect(again.now.state).toBe('pending');
    });

    it('[B20] has a place again when one gives up', async () => {
      const { pool, take, clock } = make({ max: 1, maxWaiting: 1 });
      await take(1);
      const abort = new AbortController();
      follow(pool.acquire({ signal: abort.signal }));
      expect(await rejection(pool.acquire())).toBeInstanceOf(PoolExhaustedError);
      abort.abort();
      const next = follow(pool.acquire());
      await clock.settle();
      expect(next.now.state).toBe('pending');
    });

    it('0: nobody waits for others, but for a dial there is room', async () => {
      const { pool, take } = make({ max: 6, maxWaiting: 0 });
      await take(6);
      expect(await rejection(pool.acquire())).toBeInstanceOf(PoolExhaustedError);
      expect(pool.stats().totals.refused).toBe(1);
    });

    it('0: refuses nobody while a connection is idle', async () => {
      const { pool, take, fill } = make({ max: 2, maxWaiting: 0 });
      await fill(2);
      const leases = await take(2);
      for (const lease of leases) lease.release();
      expect(pool.stats()).toMatchObject({ idle: 2, totals: { refused: 0 } });
    });
  });

  it('takes one timer for all, and none when nobody waits', async () => {
    const { pool, clock, take, fill } = make({ max: 1, idleTimeout: 0, maxLifetime: 0 });
    await fill(1);
    let armed = 0;
    const setTimeout = clock.setTimeout.bind(clock);
    clock.setTimeout = (callback, ms) => {
      armed++;
      return setTimeout(callback, ms);
    };
    for (let i = 0; i < 1_000; i++) (await pool.acquire()).release();
    expect(armed).toBeLessThan(5);
    await take(1);
    for (let i = 0; i < 1_000; i++) follow(pool.acquire({ timeout: 1_000 + (i % 7) }));
    await clock.settle();
    expect(armed).toBeLessThan(15);
    expect(clock.pending).toBeLessThan(5);
    expect(clock.refs).toBeGreaterThan(0);
  });

  it('[B14] forgets a waiter that gave up: nothing of it stays in memory', async () => {
    const { pool, take } = make({ max: 1, acquireTimeout: 0 });
    await take(1);
    const collect = garbageCollector();
    const gone = await (async () => {
      const refs: WeakRef<object>[] = [];
      for (let i = 0; i < 100; i++) {
        const abort = new AbortController();
        const waiting = pool.acquire({ signal: abort.signal });
        refs.push(new WeakRef(waiting), new WeakRef(abort.signal));
        abort.abort();
        await waiting.catch(() => undefined);
      }
      return refs;
    })();
    await collect();
    expect(gone.filter((ref) => ref.deref() !== undefined).length).toBeLessThan(5);
  });
});
