import { ConnPool, DialError, type DialFailedEvent } from 'nestjs-conn-pool/core';
import { FakeClock, fakeConnector } from 'nestjs-conn-pool/testing';
import { follow, poolsUnderTest, rejection } from './pools-under-test.js';

/** Each test fails when the documented default is another one. */
describe('defaults', () => {
  const make = poolsUnderTest();

  it("name: 'default'", async () => {
    const { pool, connector } = make();
    expect(pool.name).toBe('default');
    expect(pool.stats().name).toBe('default');
    await pool.acquire();
    expect(connector.dial.calls[0]?.context.pool).toBe('default');
  });

  it('max: 10', async () => {
    const { pool, connector, take } = make({ dialConcurrency: 100 });
    await take(10);
    const next = follow(pool.acquire());
    expect(pool.stats()).toMatchObject({ max: 10, leased: 10, waiting: 1 });
    expect(connector.dial.count).toBe(10);
    expect(next.now.state).toBe('pending');
    await pool.close({ drain: 0 });
  });

  it('min: 0', async () => {
    const { pool, connector, clock } = make();
    expect(pool.stats().min).toBe(0);
    await pool.start();
    await clock.advance('1h');
    expect(connector.dial.count).toBe(0);
  });

  it('maxIdle: as max, also after a resize', async () => {
    const { pool, fill } = make({ max: 12 });
    expect(pool.stats().maxIdle).toBe(12);
    await fill(12);
    expect(pool.stats().idle).toBe(12);
    pool.resize({ max: 20 });
    expect(pool.stats().maxIdle).toBe(20);
  });

  it("exhausted: 'wait'", async () => {
    const { pool, clock, take } = make({ max: 1 });
    const [lease] = await take(1);
    const waiter = follow(pool.acquire());
    await clock.settle();
    expect(waiter.now.state).toBe('pending');
    expect(pool.stats().size).toBe(1);
    lease?.release();
    await clock.settle();
    expect(waiter.now.state).toBe('resolved');
  });

  it('maxWaiting: Infinity', async () => {
    const { pool, take } = make({ max: 1 });
    await take(1);
    const waiters = Array.from({ length: 5_000 }, () => follow(pool.acquire()));
    await Promise.resolve();
    expect(pool.stats().waiting).toBe(5_000);
    expect(waiters.every(({ now }) => now.state === 'pending')).toBe(true);
  });

  it('acquireTimeout: 30 s', async () => {
    const { pool, clock, take } = make({ max: 1 });
    await take(1);
    const waiter = follow(pool.acquire());
    await clock.advance(29_999);
    expect(waiter.now.state).toBe('pending');
    await clock.advance(1);
    expect(waiter.now).toMatchObject({
      state: 'rejected',
      error: { code: 'ERR_ACQUIRE_TIMEOUT', timeout: 30_000 },
    });
  });

  it('dialTimeout: 10 s', async () => {
    const { pool, clock, connector } = make();
    connector.dial.next('hang');
    const waiter = follow(pool.acquire());
    await clock.advance(9_999);
    expect(waiter.now.state).toBe('pending');
    await clock.advance(1);
    expect(waiter.now).toMatchObject({
      error: { code: 'ERR_DIAL', cause: { call: 'dial', timeout: 10_000 } },
    });
  });

  it('heartbeatTimeout: 5 s', async () => {
    const { pool, clock, connector, fill, said } = make({}, { heartbeat: true });
    await fill(1);
    connector.heartbeat.next('hang');
    const report = follow(pool.heartbeat({ timeout: '1m' }));
    await clock.advance(4_999);
    expect(pool.stats().checking).toBe(1);
    await clock.advance(1);
    expect(pool.stats().checking).toBe(0);
    expect(said('heartbeat-failed')[0]?.cause).toMatchObject({ call: 'heartbeat', timeout: 5_000 });
    expect(report.now).toMatchObject({ value: { checked: 1, failed: 1 } });
  });

  it('resetTimeout: 5 s', async () => {
    const { pool, clock, connector, take, said } = make({}, { reset: true });
    const [lease] = await take(1);
    connector.reset.next('hang');
    lease?.release();
    await clock.advance(4_999);
    expect(pool.stats().checking).toBe(1);
    await clock.advance(1);
    expect(pool.stats().checking).toBe(0);
    expect(said('reset-failed')[0]?.cause).toMatchObject({ call: 'reset', timeout: 5_000 });
  });

  it('closeTimeout: 5 s', async () => {
    const { pool, clock, connector, take, said } = make();
    const [lease] = await take(1);
    connector.close.next('hang');
    lease?.discard();
    await clock.advance(4_999);
    expect(pool.stats().closing).toBe(1);
    await clock.advance(1);
    expect(pool.stats().size).toBe(0);
    expect(said('close-failed')[0]?.cause).toMatchObject({ call: 'close', timeout: 5_000 });
  });

  it('dialAttempts: 1', async () => {
    const { pool, connector, clock } = make();
    connector.dial.always('fail');
    const acquiring = follow(pool.acquire());
    await clock.settle();
    expect(acquiring.now).toMatchObject({ state: 'rejected', error: { code: 'ERR_DIAL', attempts: 1 } });
    await clock.advance('1m');
    expect(connector.dial.count).toBe(1);
  });

  it('dialBackoff: from 100 ms to 5 s, doubling, with full jitter', async () => {
    const random = Math.random;
    try {
      for (const [dice, expected] of [
        [0.999_999_9, [100, 200, 400, 800, 1600, 3200, 5000, 5000, 5000]],
        [0.5, [50, 100, 200, 400, 800, 1600, 2500, 2500, 2500]],
      ] as const) {
        Math.random = () => dice;
        const { pool, connector, clock, said } = make({ dialAttempts: 9, acquireTimeout: 0 });
        connector.dial.always('fail');
        const acquiring = rejection(pool.acquire());
        await clock.advance('1m');
        expect(await acquiring).toBeInstanceOf(DialError);
        const delays = said('dial-failed').map((event: DialFailedEvent) => Math.round(event.retryInMs));
        expect(delays).toEqual(expected);
      }
    } finally {
      Math.random = random;
    }
  });

  it('dialConcurrency: 4', async () => {
    const { pool, connector, clock } = make();
    connector.dial.always('hang');
    for (let i = 0; i < 8; i++) follow(pool.acquire());
    await clock.settle();
    expect(connector.dial.open).toHaveLength(4);
    expect(pool.stats().dialing).toBe(4);
  });

  it('idleTimeout: 2 min', async () => {
    const { pool, clock, fill, connector } = make();
    await pool.start();
    await fill(1);
    await clock.advance(119_999);
    expect(pool.stats().idle).toBe(1);
    await clock.advance(1);
    expect(pool.stats().size).toBe(0);
    expect(connector.close.calls[0]?.context.reason).toBe('idle-timeout');
  });

  it('heartbeatInterval: 60 s', async () => {
    const { pool, clock, fill, connector } = make({ idleTimeout: 0 }, { heartbeat: true });
    await pool.start();
    await fill(1);
    await clock.advance(59_999);
    expect(connector.heartbeat.count).toBe(1);
    await clock.advance(1);
    expect(connector.heartbeat.count).toBe(2);
  });

  it('maxLifetime: 30 min, lifetimeJitter: 0.1', async () => {
    const random = Math.random;
    try {
      for (const [dice, least, most] of [
        [0, 0.9, 1],
        [0.999_999_9, 0.9, 1],
      ] as const) {
        Math.random = () => dice;
        const { pool, clock, fill, said } = make({ idleTimeout: 0 });
        await pool.start();
        await fill(1);
        await clock.advance(30 * 60_000 * least - 1);
        expect(pool.stats().idle).toBe(1);
        await clock.advance(30 * 60_000 * (most - least) + 2);
        expect(pool.stats().size).toBe(0);
        expect(said('close')[0]?.reason).toBe('max-lifetime');
      }
    } finally {
      Math.random = random;
    }
  });

  it('lifetimeJitter: 0.1, and no other, of the lifetime', async () => {
    const { pool, clock, fill, said } = make({ idleTimeout: 0, max: 50, dialConcurrency: 50 });
    await pool.start();
    await fill(50);
    const ends: number[] = [];
    for (let minute = 26; minute <= 30; minute++) {
      const before = said('close').length;
      await clock.advance(minute === 26 ? '26m' : '1m');
      ends.push(said('close').length - before);
    }
    expect(ends[0]).toBe(0); // none before 27 min …
    expect(ends[1]).toBe(0);
    for (const ended of ends.slice(2)) expect(ended).toBeGreaterThan(0); // … and then in every minute up to the 30th
    await clock.advance(2);
    expect(said('close')).toHaveLength(50);
  });

  it('maxUses: Infinity', async () => {
    const { pool, connector } = make();
    for (let use = 0; use < 2_000; use++) (await pool.acquire()).release();
    expect(connector.dial.count).toBe(1);
    expect(connector.close.count).toBe(0);
  });

  it("order: 'lifo'", async () => {
    const { pool, take } = make();
    const leases = await take(3);
    for (const lease of leases) lease.release();
    expect((await pool.acquire()).id).toBe(leases[2]?.id);
  });

  it('leakThreshold: off', async () => {
    const { pool, clock, take, said } = make();
    await pool.start();
    await take(1);
    await clock.advance('24h');
    expect(said('leak')).toEqual([]);
    expect(pool.stats().totals.leaks).toBe(0);
    expect(pool.inspect()[0]?.lease?.stack).toBe(undefined);
  });

  it("startup: 'background'", async () => {
    const { pool, connector, clock } = make({ min: 1 });
    connector.dial.always('hang');
    await pool.start();
    await clock.settle();
    expect(connector.dial.count).toBe(1);
  });

  it('drain: 10 s', async () => {
    const { pool, clock, take } = make();
    const [lease] = await take(1);
    const closing = follow(pool.close());
    await clock.advance(9_999);
    expect(lease?.active).toBe(true);
    expect(closing.now.state).toBe('pending');
    await clock.advance(1);
    expect(lease?.active).toBe(false);
    expect(closing.now).toMatchObject({ value: { forced: 1 } });
  });

  it('meta: undefined', async () => {
    const { pool, connector } = make();
    await pool.acquire();
    expect(connector.dial.calls[0]?.context.meta).toBe(undefined);
  });

  it('priority: 0, fresh: false', async () => {
    const { pool, take, clock } = make({ max: 1 });
    const [lease] = await take(1);
    const order: string[] = [];
    const join = (name: string, options?: { priority?: number }) =>
      pool.acquire(options).then((got) => {
        order.push(name);
        expect(got.reused).toBe(true);
        got.release();
      });
    void join('low', { priority: -1 });
    void join('plain');
    void join('zero', { priority: 0 });
    void join('high', { priority: 1 });
    lease?.release();
    await clock.settle();
    expect(order).toEqual(['high', 'plain', 'zero', 'low']);
  });

  it('clock: the monotonic one of the machine', async () => {
    const before = performance.now();
    const pool = new ConnPool(fakeConnector());
    const lease = await pool.acquire();
    const { age } = pool.inspect()[0] ?? { age: NaN };
    expect(age).toBeGreaterThanOrEqual(0);
    expect(age).toBeLessThanOrEqual(performance.now() - before);
    lease.release();
    const report = await pool.close();
    expect(report).toMatchObject({ closed: 1, forced: 0 });
  });

  it('without a connector call nobody misses it: no heartbeat, reset, isAlive, watch', async () => {
    const { pool, clock, fill } = make({ idleTimeout: 0 });
    await pool.start();
    await fill(2);
    await clock.advance('10m');
    expect(pool.stats()).toMatchObject({ idle: 2, totals: { heartbeats: 0, heartbeatFailures: 0 } });
    expect(await pool.heartbeat()).toMatchObject({ failed: 0 });
  });

  it('the clock of a test is asked, not the machine', async () => {
    const clock = new FakeClock(5);
    const pool = new ConnPool(fakeConnector(), { clock });
    const lease = await pool.acquire();
    await clock.advance('1h');
    expect(pool.inspect()[0]?.age).toBe(3_600_000);
    lease.release();
    await pool.close();
  });
});
