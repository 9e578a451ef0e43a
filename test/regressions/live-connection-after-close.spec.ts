// First seen in Go's database/sql (1.19): a Conn that dials while the DB is being closed gets a live connection and no
// error. And in tarn#81, PR #87, #63 and knex#6083: who asks after the end waits its whole timeout.
import { PoolClosedError } from 'nestjs-conn-pool/core';
import { follow, poolsUnderTest, rejection } from '../core/pools-under-test.js';

describe('[R15] [B58] a closed pool lends nothing', () => {
  const make = poolsUnderTest();

  it('to the caller for whom it was dialling', async () => {
    const { pool, clock, connector } = make({}, { heartbeat: true });
    const checking = connector.heartbeat.gate();
    const caller = follow(pool.acquire());
    await clock.settle();
    const closing = pool.close({ drain: '1m' });
    checking.resolve();
    await closing;
    expect(caller.now).toMatchObject({ state: 'rejected', error: { code: 'ERR_POOL_CLOSED' } });
    expect(connector.live).toEqual([]);
  });

  it('[B52] that is alive to the caller whose dial answers in the very instant', async () => {
    for (let gap = 0; gap < 6; gap++) {
      const { pool, clock, connector } = make({}, { heartbeat: true });
      const dialing = connector.dial.gate();
      const acquiring = follow(pool.acquire());
      await clock.settle();
      dialing.resolve();
      for (let i = 0; i < gap; i++) await undefined;
      const closing = pool.close({ drain: 0 });
      await clock.settle();
      await closing;
      expect(acquiring.now.state).not.toBe('pending');
      expect(connector.live).toEqual([]);
    }
  });

  it('[C10] to who comes after the close: it is told at once, with an error of its own', async () => {
    const { pool, connector, take } = make({ name: 'thrift' });
    const [lease] = await take(1);
    const closing = pool.close();
    for (const attempt of [() => pool.acquire(), () => pool.use(() => 1)]) {
      const error = await rejection(attempt());
      expect(error).toBeInstanceOf(PoolClosedError);
      expect(error).toMatchObject({ code: 'ERR_POOL_CLOSED', pool: 'thrift' });
    }
    lease?.release();
    await closing;
    expect(await rejection(pool.acquire())).toBeInstanceOf(PoolClosedError);
    expect(connector.dial.count).toBe(1);
  });
});
