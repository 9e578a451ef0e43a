// First seen in commons-pool (testExceptionInValidationDuringEviction: an exception in a validation ended the evictor,
// or left the object half evicted) and generic-pool#195 (a validation that rejects is an unhandled rejection, and its
// place is lost).
import { follow, poolsUnderTest } from '../core/pools-under-test.js';

describe('[R24] [B41] a check that ends in an error costs its connection and nothing else', () => {
  const make = poolsUnderTest();
  const options = { heartbeatInterval: '1m', idleTimeout: 0, maxLifetime: 0 } as const;

  it.each(['throw', 'fail'] as const)(
    'in the background (%s): the others are checked, and the next round comes',
    async (way) => {
      const { pool, connector, clock, fill } = make(options, { heartbeat: true });
      await pool.start();
      await fill(3);
      connector.heartbeat.next(way);
      await clock.advance('1m');
      expect(connector.heartbeat.count).toBe(3 + 3);
      expect(connector.closed).toEqual([connector.conns[0]]);
      expect(pool.stats()).toMatchObject({ idle: 2, checking: 0, size: 2 });
      await clock.advance('1m');
      expect(connector.heartbeat.count).toBe(3 + 3 + 2);
    },
  );

  it.each(['throw', 'fail'] as const)(
    'before a hand-out (%s): its place is there for another',
    async (way) => {
      const { pool, connector, clock, fill } = make({ ...options, max: 1 }, { heartbeat: true });
      await fill(1);
      clock.stall('61s');
      connector.heartbeat.next(way);
      const caller = follow(pool.acquire());
      await clock.advance('1s');
      expect(caller.now).toMatchObject({ state: 'resolved', value: { conn: connector.conns[1] } });
    },
  );
});
