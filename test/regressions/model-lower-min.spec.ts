import { smallWorld } from './model-small-world.js';

describe('upkeep', () => {
  it('a lower min lets go of what only min had spared', async () => {
    const { pool, clock } = smallWorld({}, { min: 1, idleTimeout: '1m', maxLifetime: 0 });
    (await pool.acquire()).release();
    await clock.advance('2m');
    expect(pool.stats().idle).toBe(1);
    pool.resize({ min: 0 });
    await clock.advance('2m');
    expect(pool.stats().idle).toBe(0);
    await pool.close();
  });
});
