// First seen in commons-pool POOL-231 (twenty threads invalidate the same object), POOL-419 (an invalidate and a return
// at once corrupt the counters) and cds-dbs PR #1614 and #1631 (a destroy from an onclose handler throws).
import { poolsUnderTest } from '../core/pools-under-test.js';

const ACTS = ['release', 'discard', 'detach', 'die'] as const;
const orders = ACTS.flatMap((first) => ACTS.map((second) => [first, second] as const));

describe('[R26] one connection invalidated and given back at once', () => {
  const make = poolsUnderTest();

  it('in any order of two acts: it leaves at most once, and its place is free', async () => {
    for (const order of orders) {
      const { pool, connector, clock, take } = make({ max: 2 }, { watch: true });
      const [lease] = await take(1);
      for (const act of order) {
        if (act === 'die') connector.conns[0]?.die();
        else if (act !== 'detach' || lease?.active === true) lease?.[act]();
      }
      if (lease?.active === true) lease.release();
      await clock.settle();
      const { idle, leased, size, totals } = pool.stats();
      expect([order, connector.close.count + totals.detached + idle]).toEqual([order, 1]);
      expect([leased, size]).toEqual([0, idle]);
      expect(totals.lost).toBeLessThanOrEqual(1);
      const both = take(2);
      await clock.advance('1s'); // the back-off after one that its first borrower discards dead
      expect(await both).toHaveLength(2);
    }
  });

  it('by twenty at once: one close', async () => {
    const { pool, connector, clock, take } = make({ max: 2 });
    const [lease, other] = await take(2);
    await Promise.all(Array.from({ length: 20 }, async () => lease?.discard(new Error('mine'))));
    await clock.settle();
    expect(connector.close.count).toBe(1);
    expect(pool.stats()).toMatchObject({ size: 1, leased: 1, totals: { closed: { discarded: 1 } } });
    expect(other?.active).toBe(true);
  });

  it('[B32] in the very callback that reports its loss: one close', async () => {
    const { pool, connector, clock } = make({ max: 1 }, { watch: true });
    const lease = await pool.acquire();
    lease.signal.addEventListener('abort', () => {
      lease.discard();
      lease.release();
    });
    connector.conns[0]?.die();
    await clock.settle();
    expect(pool.stats().size).toBe(0);
    expect(connector.close.count).toBe(1);
  });
});
