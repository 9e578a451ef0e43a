// First seen in pymongo PR #2192: a caller's wait timed out, the timeout was taken for a network error, and the whole
// pool was cleared.
import { poolsUnderTest, rejection } from '../core/pools-under-test.js';

describe('[B22] the timeout of a waiter harms no connection', () => {
  const make = poolsUnderTest();

  it('neither those that are lent nor those that are dialled nor their successors', async () => {
    const { pool, clock, connector, take } = make({ max: 3 }, { heartbeat: true });
    const leases = await take(3);
    const waiting = rejection(pool.acquire({ timeout: 100 }));
    await clock.advance(100);
    expect(await waiting).toMatchObject({ code: 'ERR_ACQUIRE_TIMEOUT' });
    expect(leases.map(({ active, signal }) => [active, signal.aborted])).toEqual(
      Array(3).fill([true, false]),
    );
    for (const lease of leases) lease.release();
    const again = await take(3);
    expect(again.map(({ reused }) => reused)).toEqual([true, true, true]);
    expect(connector.close.count).toBe(0);
  });

  it('what was dialled for it goes to idle', async () => {
    const { pool, clock, connector } = make({ acquireTimeout: 100 });
    const slow = connector.dial.gate();
    const acquiring = rejection(pool.acquire());
    await clock.advance(100);
    await acquiring;
    expect(slow.call?.context.signal.aborted).toBe(false);
    slow.resolve();
    await clock.settle();
    expect(pool.stats()).toMatchObject({ idle: 1, size: 1 });
    expect(connector.close.count).toBe(0);
  });
});
