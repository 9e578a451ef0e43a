import { follow, poolsUnderTest, rejection } from '../pools-under-test.js';

describe('close()', () => {
  const make = poolsUnderTest();

  it('is not put off by a later call that would give more time', async () => {
    const { pool, take, clock } = make();
    await take(1);
    const closing = follow(pool.close({ drain: 100 }));
    void pool.close({ drain: '1h' });
    await clock.advance(99);
    expect(closing.now.state).toBe('pending');
    await clock.advance(1);
    expect(closing.now).toMatchObject({ state: 'resolved', value: { forced: 1, durationMs: 100 } });
  });

  it('reports what it has closed itself, and nothing of before', async () => {
    const { pool, take, clock, connector } = make();
    const leases = await take(4);
    connector.close.next('fail');
    leases[0]?.discard();
    leases[1]?.discard();
    await clock.settle();
    connector.close.next('fail');
    leases[2]?.release();
    const closing = pool.close({ drain: 0 });
    await clock.settle();
    const report = await closing;
    expect(report).toEqual({ closed: 2, forced: 1, failed: 1, durationMs: 0 });
    expect(Object.isFrozen(report)).toBe(true);
  });
});

describe('the error of an acquire that timed out', () => {
  const make = poolsUnderTest();
  const timedOut = async () => {
    const { pool, take, clock } = make({ max: 1 });
    await take(1);
    const acquire = rejection(pool.acquire({ timeout: 10 }));
    await clock.advance(10);
    return (await acquire) as Error;
  };

  it('costs no stack, which would show the inside of the pool only; other errors keep theirs', async () => {
    expect((await timedOut()).stack).not.toContain('\n    at ');
    expect(new Error('another').stack).toContain('\n    at ');
  });

  it('comes also where the length of stacks is not to be changed', async () => {
    const before = Object.getOwnPropertyDescriptor(Error, 'stackTraceLimit') as PropertyDescriptor;
    Object.defineProperty(Error, 'stackTraceLimit', { ...before, writable: false });
    try {
      expect(await timedOut()).toMatchObject({ code: 'ERR_ACQUIRE_TIMEOUT' });
    } finally {
      Object.defineProperty(Error, 'stackTraceLimit', before);
    }
  });
});
