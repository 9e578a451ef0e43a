// First seen in reactor-pool#174: a pool of exactly ten whose allocator fails for a while. Each acquire that failed
// then took the permits of the nine it would have warmed up along, and the pool never came back to ten.
import { follow, poolsUnderTest } from '../core/pools-under-test.js';

describe('[R28] a pool of exactly ten whose dials work, then fail, then work', () => {
  const make = poolsUnderTest();

  it('has all ten places again', async () => {
    const { pool, connector, clock, take } = make({ min: 10, max: 10, dialBackoff: { max: '1s' } });
    await pool.start();
    await clock.settle();
    connector.dial.always('fail');
    pool.evictAll();
    for (let round = 0; round < 5; round++) {
      const failing = follow(pool.acquire());
      await clock.advance('2s');
      expect(failing.now).toMatchObject({ state: 'rejected', error: { code: 'ERR_DIAL' } });
    }
    connector.dial.always('ok');
    await clock.advance('2s');
    expect(pool.stats()).toMatchObject({ idle: 10, size: 10 });
    expect(await take(10)).toHaveLength(10);
  });
});
