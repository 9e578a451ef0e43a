// First seen in Npgsql#4425 and #4479: a connector breaks while it is being opened. The break gives it back, and so
// does the failure of the opening: the pool's count goes wrong, or two callers share one. Likewise reactor-pool#101: a
// cancel and a close both release.
import { LeaseEndedError } from 'nestjs-conn-pool/core';
import { follow, poolsUnderTest } from '../core/pools-under-test.js';

describe('[R16] a connection given back by two', () => {
  const make = poolsUnderTest();

  it('its own death and the failure of its opening: one close, one place', async () => {
    const { pool, connector, clock, take } = make({ max: 2 }, { watch: true, heartbeat: true });
    connector.heartbeat.next('hang');
    const opening = follow(pool.acquire());
    await clock.settle();
    connector.conns[0]?.die(new Error('terminated by the administrator'));
    connector.heartbeat.calls[0]?.reject(new Error('connection is broken'));
    await clock.settle();
    expect(opening.now).toMatchObject({ state: 'rejected', error: { code: 'ERR_DIAL' } });
    expect(connector.close.count).toBe(1);
    expect(pool.stats()).toMatchObject({ size: 0, totals: { dialFailures: 1 } });
    await clock.advance('1s');
    expect(new Set((await take(2)).map(({ conn }) => conn)).size).toBe(2);
  });

  it('the work and the one who called it off: one lease, one return', async () => {
    const { pool, clock } = make({ max: 2 });
    let cancel = () => undefined as unknown;
    const work = pool.use(async (conn, lease) => {
      cancel = () => lease.release();
      await new Promise<void>((resolve) => void clock.setTimeout(resolve, 10));
      expect(() => lease.conn).toThrow(LeaseEndedError);
      return conn.serial;
    });
    await clock.settle();
    cancel();
    const next = await pool.acquire();
    await clock.advance(10);
    expect(await work).toBe(next.conn.serial);
    expect(next.active).toBe(true);
    expect((await pool.acquire()).conn).not.toBe(next.conn);
  });
});
