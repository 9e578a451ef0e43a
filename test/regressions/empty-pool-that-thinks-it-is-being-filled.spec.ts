// First seen in HikariCP#1474, #1710 and #1972: five of five connections are gone, callers queue and time out, and the
// housekeeper says "sufficient level or currently being filled" because connects that never end are still counted.
import { follow, poolsUnderTest } from '../core/pools-under-test.js';

describe('[R2] a pool of five that has lost all of them', () => {
  const make = poolsUnderTest();

  it('is full again once the server answers, although the dials of the outage never ended', async () => {
    const { pool, clock, connector } = make(
      { min: 5, max: 5, acquireTimeout: '3s', dialTimeout: '10s', dialBackoff: { max: '1s' } },
      { watch: true },
    );
    await pool.start();
    await clock.settle();
    connector.dial.always('hang');
    for (const conn of [...connector.live]) conn.die(new Error('closed by the server'));
    const callers = Array.from({ length: 52 }, () => follow(pool.acquire()));
    await clock.advance('3s');
    for (const { now } of callers) expect(now).toMatchObject({ error: { code: 'ERR_ACQUIRE_TIMEOUT' } });
    connector.dial.always('ok');
    await clock.advance('8s');
    expect(pool.stats()).toMatchObject({ idle: 5, dialing: 0, size: 5 });
  });
});
