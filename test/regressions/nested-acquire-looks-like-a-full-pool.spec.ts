// First seen in knex#1040, #1909, #2302 and #4932: work that holds a connection acquires another; all that is said of
// the deadlock is that the pool is probably full.
import { follow, poolsUnderTest } from '../core/pools-under-test.js';

describe('[B25] a nested acquire that waits for its own caller', () => {
  const make = poolsUnderTest();

  it('is shown: who holds what, since when and from where', async () => {
    const { pool, clock } = make({ max: 1, leakThreshold: '5s', acquireTimeout: '10s' });
    await pool.start();
    const nested = follow(pool.use(() => pool.acquire()));
    await clock.advance('7s');
    const [row] = pool.inspect();
    expect(row?.state).toBe('leased');
    expect(row?.lease?.held).toBe(7_000);
    expect(row?.lease?.stack).toContain('nested-acquire');
    await clock.advance('3s');
    expect(nested.now).toMatchObject({
      error: { code: 'ERR_ACQUIRE_TIMEOUT', phase: 'wait', stats: { leased: 1 } },
    });
  });
});
