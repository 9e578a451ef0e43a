// First seen in HikariCP (changelog of 2.3.7) and sqlx#2854: eight connections made at the start reach a max_lifetime
// of 30 minutes in the same instant, every 30 minutes; queries hang until all eight are made again. The same storm
// follows from a burst: PostHog#49745.
import { jest } from '@jest/globals';
import { poolsUnderTest } from '../core/pools-under-test.js';

describe('[R6] [B10] eight connections of one age', () => {
  const make = poolsUnderTest();
  afterEach(() => jest.restoreAllMocks());

  it('are replaced one after the other', async () => {
    let dice = 0;
    jest.spyOn(Math, 'random').mockImplementation(() => (dice += 1 / 8) % 1);
    const { pool, connector, clock } = make({ min: 8, max: 8, maxLifetime: '30m', idleTimeout: 0 });
    await pool.start();
    await clock.settle();
    connector.dial.always({ after: 500 });
    await clock.advance('26m');
    let fewest = 8;
    for (let passed = 0; passed < 4 * 60_000; passed += 250) {
      await clock.advance(250);
      fewest = Math.min(fewest, pool.stats().idle);
    }
    expect(connector.closed).toHaveLength(8);
    expect(fewest).toBe(7);
  });
});
