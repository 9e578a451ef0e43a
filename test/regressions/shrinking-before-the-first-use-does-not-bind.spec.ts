// First seen in deadpool at f2728ab (0.13.0): max_size(10), resize(2) before any use, then ten objects are lent under a
// status of `max_size: 2, size: 10`.
import { follow, poolsUnderTest } from '../core/pools-under-test.js';

describe('[R18] a pool of ten that is made one of two', () => {
  const make = poolsUnderTest();

  it('lends two, when nobody has used it yet', async () => {
    const { pool, connector, clock } = make({ max: 10, dialConcurrency: 10 });
    pool.resize({ max: 2 });
    const callers = Array.from({ length: 10 }, () => follow(pool.acquire()));
    await clock.settle();
    expect(callers.filter(({ now }) => now.state === 'resolved')).toHaveLength(2);
    expect(pool.stats()).toMatchObject({ max: 2, size: 2, waiting: 8 });
    expect(connector.dial.count).toBe(2);
  });
});
