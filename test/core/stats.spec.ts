import { jest } from '@jest/globals';
import type { PoolStats } from 'nestjs-conn-pool/core';
import { addsUp, follow, poolsUnderTest, rejection } from './pools-under-test.js';

describe('stats', () => {
  const make = poolsUnderTest();

  it('[X2] is a plain frozen object of one instant, as documented', () => {
    const { pool } = make({ name: 'thrift', max: 7, min: 2, maxIdle: 3 });
    const stats = pool.stats();
    expect(Object.getPrototypeOf(stats)).toBe(Object.prototype);
    expect(Object.isFrozen(stats)).toBe(true);
    expect(Object.isFrozen(stats.totals)).toBe(true);
    expect(Object.isFrozen(stats.totals.closed)).toBe(true);
    expect(JSON.parse(JSON.stringify(stats))).toEqual({
      name: 'thrift',
      state: 'open',
      max: 7,
      min: 2,
      maxIdle: 3,
      size: 0,
      idle: 0,
      leased: 0,
      dialing: 0,
      checking: 0,
      closing: 0,
      waiting: 0,
      totals: {
        acquired: 0,
        reused: 0,
        dialed: 0,
        dialFailures: 0,
        timeouts: 0,
        aborted: 0,
        refused: 0,
        lost: 0,
        heartbeats: 0,
        heartbeatFailures: 0,
        leaks: 0,
        detached: 0,
        closed: {
          'idle-timeout': 0,
          'max-lifetime': 0,
          'max-uses': 0,
          'heartbeat-failed': 0,
          'reset-failed': 0,
          lost: 0,
          discarded: 0,
          surplus: 0,
          evicted: 0,
          'pool-closed': 0,
          forced: 0,
        },
      },
    });
  });

  it('[X2] does not change after it was taken', async () => {
    const { pool, take } = make();
    const before = pool.stats();
    await take(2);
    expect([before.leased, before.totals.acquired]).toEqual([0, 0]);
    expect(pool.stats()).toMatchObject({ leased: 2, totals: { acquired: 2 } });
  });

  it('[C11] adds up at every instant, also inside every call and every event', async () => {
    const { pool, clock, connector } = make(
      { max: 3, min: 1, maxUses: 5, idleTimeout: '10s', dialTimeout: '1s', closeTimeout: '1s', maxIdle: 2 },
      { heartbeat: true, reset: true, isAlive: true, watch: true },
    );
    const wrong: [string, PoolStats][] = [];
    const check = (where: string) => {
      const stats = pool.stats();
      if (!addsUp(stats) || stats.size > 3) wrong.push([where, stats]);
      const rows = pool.inspect();
      if (rows.length !== stats.size) wrong.push([`${where}: inspect has ${rows.length}`, stats]);
    };
    for (const call of ['dial', 'heartbeat', 'reset', 'isAlive', 'watch', 'close'] as const)
      connector[call].tap(() => check(call));
    pool.events$.subscribe(({ type }) => check(type));
    let seed = 11;
    const dice = (sides: number) => (seed = (seed * 48_271) % 2_147_483_647) % sides;
    const random = jest.spyOn(Math, 'random').mockImplementation(() => dice(1000) / 1000);
    await pool.start();
    for (let step = 0; step < 400; step++) {
      const call = (['dial', 'heartbeat', 'reset', 'close'] as const)[dice(4)];
      if (dice(3) === 0)
        connector[call ?? 'dial'].next((['fail', 'throw', 'hang', 'sync'] as const)[dice(4)] ?? 'ok');
      if (dice(10) === 0) connector.live[dice(3)]?.die();
      if (dice(20) === 0) pool.evictAll();
      follow(
        pool.use(
          async () => {
            check('work');
            const held = dice(900);
            await new Promise<void>((resolve) => void clock.setTimeout(resolve, held));
            if (dice(5) === 0) throw new Error('work');
          },
          { timeout: 500, fresh: dice(10) === 0 },
        ),
      );
      check('after use');
      await clock.advance(dice(300));
      check('after time');
    }
    expect(wrong).toEqual([]);
    await clock.advance('1m');
    const { totals, waiting } = pool.stats();
    expect(waiting).toBe(0);
    for (const count of [
      totals.acquired,
      totals.dialFailures,
      totals.lost,
      totals.heartbeatFailures,
      totals.timeouts,
    ])
      expect(count).toBeGreaterThan(0);
    for (const call of ['dial', 'heartbeat', 'reset', 'isAlive', 'watch', 'close'] as const)
      connector[call].tap(undefined);
    random.mockRestore();
  });

  it('[C11] counts every acquire in exactly one bin', async () => {
    const { pool, clock, take, connector } = make({ max: 2, maxWaiting: 3 });
    await take(2); // 2 granted
    const abort = new AbortController();
    const waiting = [
      follow(pool.acquire({ timeout: 100 })),
      follow(pool.acquire({ signal: abort.signal })),
      follow(pool.acquire()),
    ];
    await rejection(pool.acquire()); // 1 refused
    abort.abort(); // 1 aborted
    await clock.advance(100); // 1 timed out
    const closing = pool.close({ drain: 0 }); // 1 told of the close
    await rejection(pool.acquire());
    await closing;
    expect(waiting.every(({ now }) => now.state === 'rejected')).toBe(true);
    expect(pool.stats().totals).toMatchObject({ acquired: 2, refused: 1, aborted: 1, timeouts: 1 });
    expect(connector.dial.count).toBe(2);
  });

  it('acquired counts acquire, tryAcquire and use; reused those on a connection that had served or been idle', async () => {
    const { pool, clock } = make();
    (await pool.acquire()).release();
    pool.tryAcquire()?.release();
    await pool.use(() => 1);
    await pool.warmUp(2);
    await Promise.all([pool.use(() => 1), pool.use(() => 1)]);
    await clock.settle();
    expect(pool.stats().totals).toMatchObject({ acquired: 5, reused: 4, dialed: 2 });
  });

  it('a lease on a warmed-up connection is a reused one', async () => {
    const { pool } = make();
    await pool.warmUp(1);
    const lease = await pool.acquire();
    expect(lease.reused).toBe(true);
    expect(pool.stats().totals.reused).toBe(1);
  });

  it('dialFailures counts attempts', async () => {
    const { pool, clock, connector } = make({ dialAttempts: 3 });
    connector.dial.always('fail');
    follow(pool.acquire());
    await clock.advance('10s');
    expect(pool.stats().totals).toMatchObject({ dialFailures: 3, dialed: 0 });
  });

  it('every close has exactly one reason', async () => {
    const { pool, clock, take, connector } = make(
      { max: 20, dialConcurrency: 20, maxIdle: 9 },
      { watch: true, reset: true, heartbeat: true },
    );
    const leases = await take(10);
    leases[0]?.conn.die();
    leases[0]?.discard('also');
    leases[1]?.discard();
    connector.reset.next('fail');
    leases[2]?.release();
    await clock.settle();
    pool.evictAll();
    leases[3]?.release();
    leases[4]?.discard();
    leases[5]?.conn.die();
    await clock.settle();
    await pool.close({ drain: 0 });
    const { closed } = pool.stats().totals;
    expect(closed).toMatchObject({ discarded: 2, 'reset-failed': 1, evicted: 1 });
    expect(Object.values(closed).reduce((sum, count) => sum + count, 0)).toBe(10);
    expect(connector.close.count).toBe(10);
    const told = connector.close.calls.map(({ context }) => context.reason);
    for (const [reason, count] of Object.entries(closed))
      expect(told.filter((one) => one === reason)).toHaveLength(count);
  });
});

describe('inspect', () => {
  const make = poolsUnderTest();

  it('has one row for each connection: id, state, age, idle time, uses, lease', async () => {
    const { pool, clock, take, connector } = make(
      { max: 6, idleTimeout: 0 },
      { heartbeat: true, reset: true },
    );
    const leases = await take(5);
    await clock.advance('10s');
    leases[0]?.release();
    leases[1]?.release();
    await clock.settle();
    await clock.advance('5s');
    connector.reset.next('hang');
    connector.close.next('hang');
    connector.dial.next('hang');
    leases[2]?.release();
    leases[3]?.discard();
    follow(pool.acquire({ fresh: true }));
    await clock.settle();
    connector.heartbeat.next('hang');
    void pool.heartbeat();
    const states = pool.inspect().map(({ state }) => state);
    expect(states.sort()).toEqual(['checking', 'checking', 'closing', 'dialing', 'leased', 'resetting']);
    await clock.settle();
    const rows = pool.inspect();
    const row = (state: string) => rows.find((one) => one.state === state);
    expect(row('idle')).toMatchObject({ age: 15_000, idle: 5_000, uses: 1 });
    expect(row('checking')).toMatchObject({ age: 15_000, idle: 5_000 });
    expect(row('leased')).toMatchObject({
      id: leases[4]?.id,
      age: 15_000,
      idle: 0,
      uses: 1,
      lease: { held: 15_000 },
    });
    expect(row('idle')?.lease).toBe(undefined);
    expect(row('leased')?.lease?.stack).toBe(undefined);
    expect(new Set(rows.map(({ id }) => id)).size).toBe(6);
    expect(rows).toHaveLength(pool.stats().size);
  });

  it('counts uses', async () => {
    const { pool } = make();
    for (let i = 0; i < 3; i++) (await pool.acquire()).release();
    expect(pool.inspect()).toMatchObject([{ uses: 3, state: 'idle' }]);
  });

  it('is empty for an empty pool', async () => {
    const { pool, fill } = make();
    expect(pool.inspect()).toEqual([]);
    await fill(1);
    await pool.close();
    expect(pool.inspect()).toEqual([]);
  });
});
