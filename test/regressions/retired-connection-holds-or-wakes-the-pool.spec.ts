// First seen in undici#5144 (PR #5145: an expired client still counts against `connections: 1`, and the next request
// hangs) and #5677 (the late event of a retired client sends queued work to it).
import { follow, poolsUnderTest } from '../core/pools-under-test.js';

describe('[B38] a connection that has been retired', () => {
  const make = poolsUnderTest();

  it('for its age, on the only place: it is replaced for the next, although its close takes time', async () => {
    const { pool, clock, fill, connector } = make({
      max: 1,
      maxLifetime: '1m',
      lifetimeJitter: 0,
      idleTimeout: 0,
    });
    await pool.start();
    await fill(1);
    const closing = connector.close.gate();
    await clock.advance('1m');
    await clock.advance(2);
    const acquiring = follow(pool.acquire());
    await clock.settle();
    expect([acquiring.now.state, pool.stats().closing]).toEqual(['pending', 1]);
    closing.resolve();
    await clock.settle();
    expect(acquiring.now).toMatchObject({ state: 'resolved', value: { conn: connector.conns[1] } });
  });

  it('is heard no more', async () => {
    const { pool, clock, connector, fill, said } = make({}, { watch: true });
    await fill(1);
    const conn = connector.conns[0];
    await pool.closeIdle();
    expect(conn?.watched).toBe(false);
    conn?.die('late');
    await clock.settle();
    expect(said('lost')).toEqual([]);
    expect(pool.stats().totals.lost).toBe(0);
  });
});
