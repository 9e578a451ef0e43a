// First seen in HikariCP#588 (38 104 ms with a timeout of 2 000) and in commons-pool (1 854 ms with one of 1 000, when
// another thread's create of 900 ms was under way on the only place).
import { poolsUnderTest } from '../core/pools-under-test.js';

describe('[R4] an acquire ends at its timeout', () => {
  const make = poolsUnderTest();

  it('of 1 000 ms, when a dial of 900 on the only place is for another', async () => {
    const { pool, connector, clock, take } = make({ max: 1 });
    connector.dial.next({ after: 900 });
    const other = take(1);
    const began = clock.now();
    const ended = pool.acquire({ timeout: 1_000 }).catch(() => clock.now() - began);
    await clock.advance('10s');
    expect(await ended).toBe(1_000);
    expect((await other)[0]?.active).toBe(true);
  });

  it('of 2 000 ms, when ten idle connections are half open and the server accepts no other', async () => {
    const { pool, connector, clock, fill } = make(
      { max: 10, idleTimeout: 0, heartbeatTimeout: 500, dialTimeout: '10s', dialAttempts: 5 },
      { heartbeat: true },
    );
    await fill(10);
    clock.stall('61s');
    connector.heartbeat.always('hang');
    connector.dial.always('hang');
    const began = clock.now();
    const ended = pool.acquire({ timeout: 2_000 }).catch(() => clock.now() - began);
    await clock.advance('1m');
    expect(await ended).toBe(2_000);
  });
});
