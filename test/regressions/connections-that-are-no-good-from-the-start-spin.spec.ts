// First seen in tarn (3.1.2): creates succeed and every validation fails: 236 connections made and destroyed in 300 ms.
import { follow, poolsUnderTest } from '../core/pools-under-test.js';

describe('[B43] a connection that is no good as soon as it is made', () => {
  const make = poolsUnderTest();

  it('whose check always fails: the acquire ends by its deadline, without spinning', async () => {
    const { pool, connector, clock } = make(
      { acquireTimeout: '10s', dialAttempts: 1_000 },
      { heartbeat: true },
    );
    connector.heartbeat.always('fail');
    const acquiring = follow(pool.acquire());
    await clock.advance('10s');
    expect(acquiring.now).toMatchObject({ state: 'rejected', error: { code: 'ERR_ACQUIRE_TIMEOUT' } });
    expect(connector.dial.count).toBeLessThan(200);
    await clock.settle();
    expect(connector.live).toEqual([]);
  });

  it('whose peer hangs up, time and again: it is dialled no faster than the back-off allows', async () => {
    const { pool, clock, connector, said } = make(
      { min: 2, dialBackoff: { initial: 100, max: '2s' } },
      { watch: true },
    );
    connector.watch.tap(({ conn }) => void clock.setTimeout(() => conn?.die('the peer hangs up'), 1));
    await pool.start();
    await clock.advance('1m');
    connector.watch.tap(undefined);
    expect(said('lost').length).toBeGreaterThan(10);
    expect(connector.dial.count).toBeLessThan(500);
  });
});
