import { follow, never, smallWorld } from './model-small-world.js';

it('overflow: what comes back beyond max is closed although somebody waits who would not take it', async () => {
  let dials = 0;
  const { pool, clock, make } = smallWorld(
    { dial: async () => ((dials += 1) > 2 ? never() : make()) },
    { max: 1, exhausted: 'overflow', idleTimeout: 0, dialTimeout: '1s' },
  );
  const leases = await Promise.all([pool.acquire(), pool.acquire()]);
  const fresh = follow(pool.acquire({ fresh: true }));
  leases.forEach((lease) => lease.release());
  await clock.advance('1m');
  expect([fresh.state, pool.stats().size]).toEqual(['rejected', 1]);
  await pool.close();
});
