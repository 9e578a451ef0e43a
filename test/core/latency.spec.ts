import { KeyedConnPool } from 'nestjs-conn-pool/core';
import { SocketPool } from 'nestjs-conn-pool/net';
import { TcpPool } from 'nestjs-conn-pool/tcp';
import { FakeClock } from 'nestjs-conn-pool/testing';
import { BucketCounts } from '../../lib/core/bucket-counts.js';
import { Durations } from '../../lib/core/latency.js';
import { poolsUnderTest } from './pools-under-test.js';

describe('stats({ latency: true })', () => {
  const make = poolsUnderTest();

  it('says how long acquires waited, leases lasted and dials took, from the first time it is asked', async () => {
    const { pool, clock, connector } = make({ max: 1 });
    connector.dial.always({ after: 20 });
    const unmeasured = pool.acquire();
    await clock.advance(20);
    (await unmeasured).discard();
    await clock.settle();
    const nothing = { count: 0, min: 0, mean: 0, p50: 0, p90: 0, p95: 0, p99: 0, p999: 0, max: 0 };
    expect(pool.stats({ latency: true }).latency).toEqual({ wait: nothing, use: nothing, dial: nothing });
    expect(Object.isFrozen(pool.stats({ latency: true }).latency?.wait)).toBe(true);
    const first = pool.acquire();
    await clock.advance(20);
    const lease = await first;
    await clock.advance(300);
    lease.release();
    (await pool.acquire()).release();
    const { latency } = pool.stats({ latency: true });
    expect(latency?.dial.count).toBe(1);
    expect(latency?.dial.p50).toBeCloseTo(20, 0);
    expect(latency?.wait).toMatchObject({ count: 2, min: 0, p50: 0 });
    expect(latency?.wait.mean).toBeCloseTo(10, 0);
    expect(latency?.wait.p99).toBeCloseTo(20, 0);
    expect(latency?.use.count).toBe(2);
    // To one percent.
    expect(Math.abs((latency?.use.max ?? 0) - 300)).toBeLessThan(3);
    expect(Object.isFrozen(latency)).toBe(true);
  });

  it('is measured from this very turn on', async () => {
    const { pool } = make();
    await pool.warmUp(1);
    pool.stats({ latency: true });
    pool.tryAcquire()?.release();
    expect(pool.stats({ latency: true }).latency).toMatchObject({ wait: { count: 1 }, use: { count: 1 } });
  });

  it('is not there unless asked for', () => {
    const { pool } = make();
    expect('latency' in pool.stats()).toBe(false);
    expect('latency' in pool.stats({ latency: false })).toBe(false);
  });

  it('is of all keys together in a pool by keys, also of those that were there before', async () => {
    const clock = new FakeClock();
    const pool = new KeyedConnPool({ dial: (key: string) => ({ key }), close: () => undefined }, { clock });
    (await pool.acquire('early')).release();
    pool.stats({ latency: true });
    (await pool.acquire('early')).release();
    (await pool.acquire('late')).release();
    const { latency } = pool.stats({ latency: true });
    expect(latency?.use.count).toBe(2);
    expect(latency?.dial.count).toBe(1);
    await pool.close();
  });

  it('is no key, though keys may be objects', async () => {
    const dial = (key: object) => ({ key });
    const pool = new KeyedConnPool<object | null, object>({
      dial: (key) => dial(key ?? {}),
      close: () => undefined,
    });
    expect('latency' in pool.stats({ latency: true })).toBe(true);
    for (const key of [{ latency: 'a name' }, { latency: true, host: 'a' }, { host: 'a' }, null])
      expect(pool.stats(key)).toMatchObject({ key });
    await pool.close();
  });

  it('is refused what is neither yes nor no', () => {
    const { pool } = make();
    expect(() => pool.stats({ latency: 'yes' as never })).toThrow(
      /latency: got "yes"; allowed: true or false/,
    );
  });

  it.each([
    ['SocketPool', () => new SocketPool()],
    ['TcpPool', () => new TcpPool()],
  ])('is there in a %s', async (_kind, open) => {
    const pool = open();
    expect(pool.stats({ latency: true }).latency?.wait.count).toBe(0);
    expect('latency' in pool.stats()).toBe(false);
    await pool.close();
  });
});

describe('durations', () => {
  it.each([10, 0])('are those of the last minute at least and the last two at most: %d ms', (ms) => {
    const durations = new Durations();
    durations.summary(0);
    durations.record(ms, 0);
    expect(durations.summary(59_999).count).toBe(1);
    durations.record(ms, 60_000);
    expect(durations.summary(119_999).count).toBe(2);
    expect(durations.summary(120_000).count).toBe(1);
    expect(durations.summary(180_000).count).toBe(0);
    durations.record(ms, 200_000);
    durations.record(ms, 400_000);
    expect(durations.summary(400_000).count).toBe(1);
    expect(durations.summary(520_000).count).toBe(0);
  });

  it('have percentiles in which those that took no time count as well', () => {
    const durations = new Durations();
    durations.summary(0);
    for (let i = 0; i < 90; i++) durations.record(0, 0);
    for (let i = 1; i <= 10; i++) durations.record(i * 100, 0);
    const { p50, p90, p95, p99, p999, max, mean } = durations.summary(0);
    expect([p50, p90]).toEqual([0, 0]);
    const near = (value: number, wanted: number) => Math.abs(value / wanted - 1);
    expect(near(p95, 500)).toBeLessThan(0.01);
    expect(near(p99, 900)).toBeLessThan(0.01);
    expect(near(p999, 1000)).toBeLessThan(0.01);
    expect(near(max, 1000)).toBeLessThan(0.01);
    expect(near(mean, 55)).toBeLessThan(0.01);
  });

  it('are summed up without those that took no time, and without those that took some', () => {
    const some = new Durations();
    some.summary(0);
    some.record(5, 0);
    const { min, mean } = some.summary(0);
    expect(Math.abs(min / 5 - 1)).toBeLessThan(0.01);
    expect(Math.abs(mean / 5 - 1)).toBeLessThan(0.01);
    const none = new Durations();
    none.summary(0);
    none.record(0, 0);
    expect(none.summary(0)).toMatchObject({ count: 1, min: 0, mean: 0, p50: 0, p999: 0, max: 0 });
    expect(Object.isFrozen(none.summary(0))).toBe(true);
  });

  it('may be as short as a nanosecond and as long as a year', () => {
    const durations = new Durations();
    durations.summary(0);
    durations.record(1e-6, 0);
    expect(durations.summary(0).max).toBe(0.001);
    durations.record(365 * 24 * 3600_000, 0);
    expect(durations.summary(0)).toMatchObject({ count: 2 });
    expect(durations.summary(0).max).toBeGreaterThan(86_000_000);
    expect(durations.summary(0).max).toBeLessThan(87_300_000);
  });

  it('go to those who listen as they are, until they leave', () => {
    const durations = new Durations();
    durations.summary(0);
    const counts = durations.listen(new BucketCounts([10, 100]));
    for (const ms of [0, 10, 11, 100, 1000]) durations.record(ms, 0);
    const reading = { upTo: [2, 4], count: 5, sum: 1121 };
    expect(counts.read()).toEqual(reading);
    const others = durations.listen(new BucketCounts([10]));
    durations.leave(counts);
    durations.record(1, 0);
    expect(counts.read()).toEqual(reading);
    expect(others.read()).toEqual({ upTo: [1], count: 1, sum: 1 });
  });
});
