import { follow, smallWorld } from './model-small-world.js';

/** All idle ones are counted in before the first is asked; what its answer sets off may lend another to somebody. */
describe('a connection that is lent while heartbeat() asks the others', () => {
  it.each(['release', 'detach'] as const)(
    'and ends with %s: the report does not wait for it',
    async (how) => {
      let asked = 0;
      const { pool, clock } = smallWorld({
        heartbeat: () => {
          if ((asked += 1) !== 3) return;
          const lease = pool.tryAcquire();
          clock.setTimeout(() => lease?.[how](), 60_000);
        },
      });
      const leases = await Promise.all([pool.acquire(), pool.acquire()]);
      leases.forEach((lease) => lease.release());
      const report = follow(pool.heartbeat({ timeout: 0 }));
      await clock.advance('1s');
      expect(report).toMatchObject({ state: 'resolved', value: { failed: 0 } });
      await clock.advance('2m');
      await pool.close();
    },
  );
});
