// First seen in generic-pool#161, #175, #183, #194, #197 and #273, and worked round in Haraka, sequelize and
// node-mssql: a create that always fails is called again at once, without end (54 149 calls in 300 ms), and no acquire
// ever settles.
import { follow, poolsUnderTest, rejection } from '../core/pools-under-test.js';

describe('[B1] a dial that always fails', () => {
  const make = poolsUnderTest();

  it('lets nothing spin: the back-off bounds the calls of an outage, also with a throw at once', async () => {
    const random = Math.random;
    Math.random = () => 0.5;
    try {
      for (const way of ['fail', 'throw'] as const) {
        const { pool, connector, clock } = make({ dialAttempts: 1_000_000, acquireTimeout: '1m' });
        connector.dial.always(way);
        // Ends the test where an engine that spins would never let the event loop turn again.
        connector.dial.tap(() => connector.dial.count === 1_000 && connector.dial.always('hang'));
        for (let i = 0; i < 100; i++) follow(pool.acquire());
        await clock.advance('1m');
        // 4 at once, then at most 4 for each delay of 50, 100, 200 … 2500 ms
        expect(connector.dial.count).toBeLessThanOrEqual(4 * (6 + 60_000 / 2_500 + 2));
        expect(connector.dial.count).toBeGreaterThan(5);
        expect(clock.fired).toBeLessThan(1_000);
        expect(pool.stats()).toMatchObject({ waiting: 0, totals: { timeouts: 100 } });
      }
    } finally {
      Math.random = random;
    }
  });

  it('is not attempted again when nobody needs it any more', async () => {
    const { pool, connector, clock } = make({
      dialAttempts: 100,
      acquireTimeout: 50,
      dialBackoff: { initial: '1s' },
    });
    connector.dial.always('fail');
    const acquiring = rejection(pool.acquire());
    await clock.advance('1m');
    await acquiring;
    const calls = connector.dial.count;
    await clock.advance('10m');
    expect(connector.dial.count).toBe(calls);
    expect(calls).toBeLessThanOrEqual(2);
    expect(clock.pending).toBe(0);
  });
});
