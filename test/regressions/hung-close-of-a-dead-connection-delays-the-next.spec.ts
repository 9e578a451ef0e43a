// First seen in HikariCP, whose test of it (TestConnectionCloseBlocking) is switched off: a connection turns out dead,
// its close blocks on the broken network, and the caller who wanted another one waits for the close.
import { follow, poolsUnderTest } from '../core/pools-under-test.js';

describe('[R5] the close of a dead connection that hangs', () => {
  const make = poolsUnderTest();

  it('delays nobody who can have another place', async () => {
    const { pool, connector, clock, fill } = make({ max: 2 }, { isAlive: true });
    await fill(1);
    connector.conns[0]?.dieSilently();
    connector.close.next('hang');
    const caller = follow(pool.acquire());
    await clock.settle();
    expect(caller.now).toMatchObject({ state: 'resolved', value: { conn: connector.conns[1] } });
    expect(pool.stats().closing).toBe(1);
  });

  it('delays the one who needs its place by closeTimeout at most', async () => {
    const { pool, connector, clock, fill } = make({ max: 1, closeTimeout: '1s' }, { isAlive: true });
    await fill(1);
    connector.conns[0]?.dieSilently();
    connector.close.next('hang');
    const caller = follow(pool.acquire());
    await clock.advance(999);
    expect(caller.now.state).toBe('pending');
    await clock.advance(1);
    expect(caller.now).toMatchObject({ state: 'resolved', value: { conn: connector.conns[1] } });
  });
});
