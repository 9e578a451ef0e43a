import { PoolExhaustedError } from 'nestjs-conn-pool/core';
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
});
