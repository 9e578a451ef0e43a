// First seen in Npgsql#6514 (one place, a timeout of 5 s: the waiter is told after 5 s, and of exhaustion),
// commons-pool POOL-189 and lightning-pool, whose waiters are never told at all when the close comes during a create.
import { follow, poolsUnderTest } from '../core/pools-under-test.js';

describe('[R13] [B55] a close while others wait', () => {
  const make = poolsUnderTest();

  it('tells the one behind the only connection at once, and that the pool is closed', async () => {
    const { pool, clock, take } = make({ max: 1, acquireTimeout: '5s' });
    const [lease] = await take(1);
    const waiter = follow(pool.acquire());
    await clock.advance('1s');
    void pool.close();
    await clock.settle();
    expect(waiter.now).toMatchObject({ state: 'rejected', error: { code: 'ERR_POOL_CLOSED' } });
    lease?.release();
  });

  it('[C10] tells all of them in the same tick, also those for whom a dial is under way', async () => {
    const { pool, take, connector } = make({ max: 2 });
    await take(1);
    connector.dial.next('hang');
    const waiters = Array.from({ length: 5 }, () => follow(pool.acquire({ timeout: 0 })));
    await Promise.resolve();
    void pool.close();
    expect(pool.stats().waiting).toBe(0);
    for (let microtask = 0; microtask < 3; microtask++) await undefined;
    for (const { now } of waiters)
      expect(now).toMatchObject({ state: 'rejected', error: { code: 'ERR_POOL_CLOSED' } });
  });
});
