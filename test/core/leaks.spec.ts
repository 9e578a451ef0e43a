import { poolsUnderTest } from './pools-under-test.js';

describe('leakThreshold', () => {
  const make = poolsUnderTest();

  it('[B64] reports a lease held longer, once, with the stack of its acquire', async () => {
    const { pool, clock, said } = make({ leakThreshold: '5s', name: 'thrift' });
    await pool.start();
    await clock.advance('1m');
    const [line, lease] = [thisLine(), await pool.acquire()];
    await clock.advance(4_999);
    expect(said('leak')).toEqual([]);
    await clock.advance(1);
    expect(said('leak')).toMatchObject([{ pool: 'thrift', id: lease.id }]);
    expect(said('leak')[0]?.heldMs).toBe(5_000);
    expect(said('leak')[0]?.stack).toContain(`leaks.spec.ts:${line}:`);
    expect(said('leak')[0]?.stack).not.toContain('lib/core');
    expect(said('leak')[0]?.stack).toMatch(/^ {4}at /);
    await clock.advance('1h');
    expect(said('leak')).toHaveLength(1);
    expect(pool.stats().totals.leaks).toBe(1);
    expect(lease.active).toBe(true);
  });

  it('[B64] tells when it has come back after all, once', async () => {
    const { pool, clock, said, take } = make({ leakThreshold: '5s' });
    await pool.start();
    for (const end of ['release', 'discard', 'detach'] as const) {
      const [lease] = await take(1);
      await clock.advance('7s');
      lease?.[end]();
      lease?.release();
      expect(said('leak-returned').at(-1)).toMatchObject({ id: lease?.id, heldMs: 7_000 });
    }
    expect(said('leak-returned')).toHaveLength(3);
  });

  it('says nothing of a lease that ended in time, nor of the next on the same connection', async () => {
    const { pool, clock, said } = make({ leakThreshold: '5s', max: 1 });
    await pool.start();
    for (let i = 0; i < 10; i++) {
      const lease = await pool.acquire();
      await clock.advance('4s');
      lease.release();
    }
    await clock.advance('1m');
    expect([said('leak'), said('leak-returned')]).toEqual([[], []]);
  });

  it('holds for use(), tryAcquire() and those who waited, each with its own stack', async () => {
    const { pool, clock, said, fill } = make({ leakThreshold: '5s', max: 2, idleTimeout: 0 });
    await pool.start();
    await fill(2);
    const work = () => new Promise<void>((resolve) => void clock.setTimeout(resolve, 6_000));
    const [usedAt] = [thisLine(), pool.use(work)];
    const [triedAt] = [thisLine(), pool.tryAcquire()];
    await clock.settle();
    expect(pool.stats().leased).toBe(2);
    const [waitedAt, waiting] = [thisLine(), pool.acquire()];
    await clock.advance('5s');
    expect(said('leak')).toHaveLength(2);
    await clock.advance('1s'); // the work of use() is done, its connection goes to the one who waits
    await waiting;
    await clock.advance('5s');
    const lines = said('leak').map(({ stack }) => Number(/leaks\.spec\.ts:(\d+)/.exec(stack)?.[1]));
    expect(lines).toEqual([usedAt, triedAt, waitedAt]);
  });

  it('counts from the lease, not from the acquire', async () => {
    const { pool, clock, said, connector } = make({ leakThreshold: '5s' });
    await pool.start();
    connector.dial.next({ after: '9s' });
    const acquiring = pool.acquire();
    await clock.advance('9s');
    await acquiring;
    await clock.advance(4_999);
    expect(said('leak')).toEqual([]);
    await clock.advance(1);
    expect(said('leak')).toHaveLength(1);
  });

  it('shows in inspect()', async () => {
    const { pool, take, clock } = make({ leakThreshold: '5s' });
    await take(1);
    await clock.advance('1s');
    expect(pool.inspect()[0]?.lease).toMatchObject({
      held: 1_000,
      stack: expect.stringContaining('pools-under-test'),
    });
  });

  it.each([0, Infinity])('%s: off', async (leakThreshold) => {
    const { pool, take, clock, said } = make({ leakThreshold });
    await pool.start();
    await take(1);
    await clock.advance('100h');
    expect(said('leak')).toEqual([]);
  });

  it('holds no process', async () => {
    const { pool, take, clock } = make({ leakThreshold: '5s' });
    await pool.start();
    await take(1);
    await clock.settle();
    expect(clock.pending).toBeGreaterThan(0);
    expect(clock.refs).toBe(0);
  });

  it('works without start()', async () => {
    const { take, clock, said } = make({ leakThreshold: '5s' });
    await take(1);
    await clock.advance('5s');
    expect(said('leak')).toHaveLength(1);
  });
});

/** The line of this file from which it is called. */
function thisLine(): number {
  return Number(/leaks\.spec\.ts:(\d+)/.exec(new Error().stack?.split('\n')[2] ?? '')?.[1]);
}
