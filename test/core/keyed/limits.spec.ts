import { AcquireTimeoutError, PoolExhaustedError } from 'nestjs-conn-pool/core';
import { follow, rejection } from '../pools-under-test.js';
import { keyedPoolsUnderTest } from './keyed-pools-under-test.js';

describe('max', () => {
  const make = keyedPoolsUnderTest();

  it('is 10 for all keys together, and never exceeded', async () => {
    const { pool, connector, clock } = make({ dialConcurrency: 20 });
    const acquires = Array.from({ length: 15 }, (_, i) => follow(pool.acquire(`k${i % 3}`)));
    await clock.settle();
    expect(acquires.filter(({ now }) => now.state === 'resolved')).toHaveLength(10);
    expect(pool.stats()).toMatchObject({ max: 10, size: 10, leased: 10, waiting: 5 });
    expect(connector.peak).toBe(10);
    await pool.close({ drain: 0 });
  });

  it('counts dials in flight and closes under way', async () => {
    const { pool, connector, clock, take } = make({ max: 2 });
    const dial = connector.dial.gate();
    const dialling = pool.acquire('a');
    const [held] = await take('b');
    const waiting = follow(pool.acquire('c'));
    await clock.settle();
    expect([pool.stats().dialing, waiting.now.state]).toEqual([1, 'pending']);
    const close = connector.close.gate();
    held?.discard();
    await clock.settle();
    expect([pool.stats().closing, waiting.now.state]).toEqual([1, 'pending']);
    close.resolve();
    await clock.settle();
    expect(waiting.now.state).toBe('resolved');
    dial.resolve();
    (await dialling).release();
    expect(connector.peak).toBe(2);
  });

  it('of Infinity is none', async () => {
    const { pool, take } = make({ max: Infinity, dialConcurrency: 100 });
    const leases = await take(...Array.from({ length: 50 }, (_, i) => `k${i}`));
    expect(pool.stats()).toMatchObject({ size: 50, max: Infinity });
    for (const lease of leases) lease.release();
    expect(pool.stats().idle).toBe(50);
  });

  it('has the idle connection of another key that was unused for the longest make room', async () => {
    const { pool, connector, clock, fill, said } = make({ max: 3 });
    await fill('a', 'b', 'c');
    // a is used again: b is the one unused for the longest.
    (await pool.acquire('a')).release();
    (await pool.acquire('d')).release();
    expect(connector.closed).toEqual([connector.conns[1]]);
    expect(said('close')).toMatchObject([{ key: 'b', reason: 'surplus' }]);
    (await pool.acquire('e')).release();
    (await pool.acquire('f')).release();
    await clock.settle();
    expect(said('close').map(({ key }) => key)).toEqual(['b', 'c', 'a']);
    expect(pool.keys()).toEqual(['d', 'e', 'f']);
    expect(connector.peak).toBe(3);
  });

  it('takes no more room than somebody needs', async () => {
    const { pool, connector, clock, fill } = make({ max: 4 });
    await fill('a', 'b', 'c', 'd');
    const close = connector.close.gate();
    const one = follow(pool.acquire('e'));
    await clock.settle();
    expect([connector.closed.length, pool.stats().closing]).toEqual([1, 1]);
    close.resolve();
    await clock.settle();
    expect(one.now.state).toBe('resolved');
    expect(pool.stats()).toMatchObject({ size: 4, idle: 3, leased: 1 });
  });

  it('makes no room among connections under a check', async () => {
    const { pool, connector, clock, fill } = make({ max: 1 }, { heartbeat: true });
    await fill('a');
    const check = connector.heartbeat.gate();
    void pool.heartbeat();
    const waiting = follow(pool.acquire('b'));
    await clock.settle();
    expect([connector.closed.length, waiting.now.state]).toEqual([0, 'pending']);
    check.resolve();
    await clock.settle();
    expect(waiting.now.state).toBe('resolved');
    expect(connector.closed).toEqual([connector.conns[0]]);
  });

  it('lets a fresh acquire of the same key have the place of an idle one', async () => {
    const { pool, connector, fill } = make({ max: 1 });
    await fill('a');
    const lease = await pool.acquire('a', { fresh: true });
    expect([lease.conn, lease.reused]).toEqual([connector.conns[1], false]);
    lease.release();
    expect(connector.closed).toEqual([connector.conns[0]]);
  });
});

describe('maxPerKey', () => {
  const make = keyedPoolsUnderTest();

  it('bounds each key by itself, and is max where nothing is said', async () => {
    const { pool, clock } = make({ max: 5, maxPerKey: 2 });
    const acquires = ['a', 'a', 'a', 'b', 'b', 'b', 'c'].map((key) => follow(pool.acquire(key)));
    await clock.settle();
    expect(acquires.map(({ now }) => now.state)).toEqual([
      'resolved',
      'resolved',
      'pending',
      'resolved',
      'resolved',
      'pending',
      'resolved',
    ]);
    expect([pool.stats('a').max, pool.stats('a').size, pool.stats('c').size]).toEqual([2, 2, 1]);
    expect(make({ max: 7 }).pool.stats('a').max).toBe(7);
    await pool.close({ drain: 0 });
  });

  it('keeps a key from evicting others for what it may not have', async () => {
    const { pool, connector, clock, fill, take } = make({ max: 3, maxPerKey: 1 });
    await fill('a', 'b');
    const [held] = await take('c');
    const waiting = follow(pool.acquire('c'));
    await clock.settle();
    expect([connector.closed.length, waiting.now.state]).toEqual([0, 'pending']);
    held?.release();
    await clock.settle();
    expect(waiting.now).toMatchObject({ state: 'resolved', value: { reused: true } });
  });
});

describe('maxIdle and maxIdlePerKey', () => {
  const make = keyedPoolsUnderTest();

  it('close the surplus at release, of all keys and of each', async () => {
    const { pool, fill, said } = make({ max: 10, maxIdle: 3, maxIdlePerKey: 2, dialConcurrency: 9 });
    await fill('a', 'a', 'a', 'b', 'b', 'c');
    expect(['a', 'b', 'c'].map((key) => pool.stats(key).idle)).toEqual([2, 1, 0]);
    expect(said('close').map(({ key, reason }) => [key, reason])).toEqual([
      ['a', 'surplus'],
      ['b', 'surplus'],
      ['c', 'surplus'],
    ]);
    expect([pool.stats().maxIdle, pool.stats('a').maxIdle, pool.stats().idle]).toEqual([3, 2, 3]);
    expect(pool.keys()).toEqual(['a', 'b']);
  });

  it.each([{ maxIdle: 0 }, { maxIdlePerKey: 0 }])('reuse nothing with %o', async (options) => {
    const { pool, connector, fill } = make(options);
    await fill('a');
    await fill('a');
    expect([connector.conns.length, connector.live.length, pool.keys()]).toEqual([2, 0, []]);
  });

  it('never keep a connection from whoever waits for it', async () => {
    const { pool, clock, take } = make({ max: 1, maxIdle: 0 });
    const [held] = await take('a');
    const waiting = follow(pool.acquire('a'));
    held?.release();
    await clock.settle();
    expect(waiting.now.state).toBe('resolved');
  });
});

describe('exhausted', () => {
  const make = keyedPoolsUnderTest();

  it("'fail' is told at once, with the key, once no idle one can make room", async () => {
    const { pool, connector, take, fill, said } = make({ name: 'tenants', max: 2, exhausted: 'fail' });
    await fill('a');
    const [, second] = await take('b', 'c');
    const error = await rejection(pool.acquire('a'));
    expect(error).toBeInstanceOf(PoolExhaustedError);
    expect(error).toMatchObject({ pool: 'tenants', key: 'a', maxWaiting: 0 });
    expect(String(error)).toContain('"a"');
    expect(said('exhausted')).toMatchObject([{ key: 'a' }]);
    second?.release();
    (await pool.acquire('a')).release();
    expect(pool.stats().totals.refused).toBe(1);
    expect(connector.peak).toBe(2);
  });

  it("'fail' counts the ceiling of one key, too", async () => {
    const { pool, take } = make({ maxPerKey: 1, exhausted: 'fail' });
    await take('a');
    await expect(pool.acquire('a')).rejects.toThrow(PoolExhaustedError);
    (await pool.acquire('b')).release();
  });

  it("'fail' counts what is being closed, of whatever key", async () => {
    const { pool, connector, clock, take } = make({ max: 1, exhausted: 'fail' });
    const [held] = await take('a');
    const close = connector.close.gate();
    held?.discard();
    await clock.settle();
    for (const key of ['a', 'b']) await expect(pool.acquire(key)).rejects.toThrow(PoolExhaustedError);
    close.resolve();
    await clock.settle();
    (await pool.acquire('b')).release();
  });

  it("'overflow' trims to max, not to maxIdle", async () => {
    const { pool, take } = make({ max: 2, maxIdle: 10, maxIdlePerKey: 10, exhausted: 'overflow' });
    for (const lease of await take('a', 'b', 'c', 'd')) lease.release();
    await Promise.resolve();
    expect([pool.stats().idle, pool.stats().totals.closed.surplus]).toEqual([2, 2]);
  });

  it("'overflow' dials beyond max, and trims at release", async () => {
    const { pool, take } = make({ max: 2, exhausted: 'overflow' });
    const leases = await take('a', 'b', 'c', 'd');
    expect(pool.stats()).toMatchObject({ size: 4, leased: 4 });
    for (const lease of leases) lease.release();
    await Promise.resolve();
    expect(pool.stats().idle).toBe(2);
  });

  it("'wait' is bounded by maxWaiting, of all keys together, and by the deadline of each", async () => {
    const { pool, clock, take, said } = make({ max: 1, maxWaiting: 2, acquireTimeout: '5s' });
    const [held] = await take('a');
    const waiting = [follow(pool.acquire('b')), follow(pool.acquire('c', { timeout: '1s' }))];
    expect(await rejection(pool.acquire('d'))).toMatchObject({
      code: 'ERR_POOL_EXHAUSTED',
      key: 'd',
      maxWaiting: 2,
    });
    await clock.advance('1s');
    expect(waiting.map(({ now }) => now.state)).toEqual(['pending', 'rejected']);
    await clock.advance('4s');
    const [first, second] = waiting.map(({ now }) => (now.state === 'rejected' ? now.error : undefined));
    expect(first).toBeInstanceOf(AcquireTimeoutError);
    expect(first).toMatchObject({ key: 'b', timeout: 5000, phase: 'wait' });
    expect(second).toMatchObject({ key: 'c', timeout: 1000 });
    expect(said('timeout').map(({ key }) => key)).toEqual(['c', 'b']);
    held?.release();
    expect(pool.stats()).toMatchObject({ waiting: 0, totals: { timeouts: 2, refused: 1 } });
  });
});
