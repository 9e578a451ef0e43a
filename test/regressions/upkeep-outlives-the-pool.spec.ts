// First seen in HikariCP#741 and #795: a pool on a scheduler that is not its own leaves its housekeeper there when it
// is closed, for ever. And in knex#2510, generic-pool#17 and tarn#81, whose timers keep the process from ending.
import { ConnPool } from 'nestjs-conn-pool/core';
import { FakeClock, fakeConnector } from 'nestjs-conn-pool/testing';

describe('[R27] [B47] a closed pool has no timers left', () => {
  it('on a clock it shares with another, which keeps its own', async () => {
    const clock = new FakeClock();
    const [one, other] = [1, 2].map(
      () => new ConnPool(fakeConnector({ heartbeat: true }), { clock, min: 2 }),
    );
    await Promise.all([one?.start(), other?.start()]);
    await clock.settle();
    expect(clock.pending).toBe(2);
    await one?.close();
    expect(clock.pending).toBe(1);
    await clock.advance('1h');
    expect(other?.stats().idle).toBe(2);
    await other?.close();
    expect(clock.pending).toBe(0);
  });

  it('and no watchers, whatever was going on', async () => {
    const clock = new FakeClock();
    const connector = fakeConnector({ watch: true, heartbeat: true, clock });
    const pool = new ConnPool(connector, { clock, min: 3, leakThreshold: '1s' });
    await pool.start();
    const lease = await pool.acquire();
    const closing = pool.close({ drain: '1s' });
    await clock.advance('1s');
    await closing;
    expect(clock.pending).toBe(0);
    expect(connector.conns.filter(({ watched }) => watched)).toEqual([]);
    expect(lease.active).toBe(false);
  });
});
