// First seen in lightning-pool (4.14.0): callers who timed out stay in the queue, the next release recurses through
// them, and from about 2 000 on the pool is dead.
import { follow, poolsUnderTest } from '../core/pools-under-test.js';

describe('[B13] the line', () => {
  const make = poolsUnderTest();

  it('outlives 20 000 that gave up: none stays in it, and the next is served', async () => {
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
});
