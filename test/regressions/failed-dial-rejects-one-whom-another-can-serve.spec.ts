// First seen in the discussion of node-redis PR #3401, lightning-pool and sequelize-pool: of twenty creates half fail,
// and each failure rejects whoever is first in the queue, though the others could have served everybody.
import { follow, poolsUnderTest } from '../core/pools-under-test.js';

describe('[B5] twenty dials', () => {
  const make = poolsUnderTest();

  it('of which half fail serve everybody', async () => {
    const { pool, connector, clock } = make({ max: 20, dialConcurrency: 20 });
    for (let i = 0; i < 20; i++) connector.dial.next(i % 2 === 0 ? 'fail' : 'ok');
    let served = 0;
    const all = Array.from({ length: 20 }, () => follow(pool.use(async () => void served++)));
    await clock.advance('29s');
    expect(all.filter(({ now }) => now.state === 'rejected')).toEqual([]);
    expect(served).toBe(20);
  });
});
