import { type Conn, follow, smallWorld } from './model-small-world.js';

describe('heartbeat()', () => {
  it('does not ask what was closed by the answer of another', async () => {
    const asked: Conn[] = [];
    const { pool, clock } = smallWorld({
      isAlive: (conn) => {
        if (conn.closes > 0) asked.push(conn);
        if (pool.stats().leased === 0) void pool.close({ drain: 0 });
        return true;
      },
    });
    await pool.warmUp(2);
    const report = follow(pool.heartbeat());
    await clock.settle();
    expect([report.state, asked.length]).toEqual(['resolved', 0]);
  });

  it('counts all it set out to ask, also when the first answer is a throw', async () => {
    let up = true;
    const { pool, clock } = smallWorld({
      heartbeat: () => {
        if (!up) throw new Error('down');
      },
    });
    const leases = await Promise.all([pool.acquire(), pool.acquire(), pool.acquire()]);
    leases.forEach((lease) => lease.release());
    up = false;
    const report = follow(pool.heartbeat());
    await clock.settle();
    expect(report.value).toMatchObject({ checked: 3, failed: 3 });
    await pool.close();
  });
});
