// First seen in tarn#61: after some acquires have timed out, a later one fails at once with the error of an earlier.
import { follow, poolsUnderTest, rejection } from '../core/pools-under-test.js';

describe('[B18] a timeout', () => {
  const make = poolsUnderTest();

  it('leaves no trace for a later acquire', async () => {
    const { pool, clock, take } = make({ max: 1, acquireTimeout: 100 });
    const [lease] = await take(1);
    for (let i = 0; i < 3; i++) {
      const waiter = rejection(pool.acquire());
      await clock.advance(100);
      await waiter;
    }
    const later = follow(pool.acquire());
    await clock.advance(99);
    expect(later.now.state).toBe('pending');
    lease?.release();
    await clock.settle();
    expect(later.now.state).toBe('resolved');
    await clock.advance('1h');
    expect(later.now).toMatchObject({ value: { active: true } });
  });

  it('of one that was served in time does not come to the next', async () => {
    const { pool, clock, take } = make({ max: 1, acquireTimeout: 100 });
    const [lease] = await take(1);
    const served = follow(pool.acquire());
    await clock.advance(50);
    lease?.release();
    await clock.advance(10);
    const next = follow(pool.acquire());
    await clock.advance(99);
    expect([served.now.state, next.now.state]).toEqual(['resolved', 'pending']);
    await clock.advance(1);
    expect(next.now.state).toBe('rejected');
  });
});
