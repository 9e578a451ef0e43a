// First seen in deadpool: 0.9.5 (the size exceeded the maximum after a recycle error, and fell below zero when a
// post_create hook failed) and #380 (a panic, "attempt to subtract with overflow", when a pool shrank and grew in use).
// That the counts add up, and that none is negative, is checked at every event by the pools under test.
import { follow, poolsUnderTest } from '../core/pools-under-test.js';

describe('[R17] the size is right', () => {
  const make = poolsUnderTest();

  it('after checks that fail at the hand-out', async () => {
    const { pool, connector, clock, fill } = make({ max: 2, idleTimeout: 0 }, { heartbeat: true });
    await fill(2);
    for (const conn of connector.conns) conn.dieSilently();
    clock.stall('61s');
    const callers = [1, 2, 3].map(() => follow(pool.acquire()));
    await clock.advance('1s');
    expect(callers.map(({ now }) => now.state)).toEqual(['resolved', 'resolved', 'pending']);
    expect([pool.stats().size, connector.peak]).toEqual([2, 2]);
  });

  it('after first checks that fail', async () => {
    const { pool, connector, clock, take } = make({ max: 2 }, { heartbeat: true });
    connector.heartbeat.next('fail', 'fail', 'throw');
    const callers = [1, 2, 3].map(() => follow(pool.acquire()));
    await clock.advance('1s');
    expect(callers.filter(({ now }) => now.state === 'pending')).toEqual([]);
    for (const { now } of callers) if (now.state === 'resolved') now.value.release();
    expect(await take(2)).toHaveLength(2);
    expect([pool.stats().size, connector.peak]).toEqual([2, 2]);
  });

  it('when it shrinks and grows in use', async () => {
    const { pool, connector, clock, take } = make({ max: 5, dialConcurrency: 20 });
    const work = () => new Promise<void>((resolve) => void clock.setTimeout(resolve, 7));
    const all = Promise.all(Array.from({ length: 200 }, () => pool.use(work)));
    for (const max of [10, 3, 12, 1, 7, 2, 9]) {
      pool.resize({ max });
      await clock.advance(10); // whoever has a connection gives it back meanwhile
      expect([max, pool.stats().size]).toEqual([max, max]);
    }
    await clock.advance('1s');
    await all;
    expect(connector.peak).toBeLessThanOrEqual(12);
    await take(9);
    expect(pool.stats()).toMatchObject({ leased: 9, size: 9 });
  });
});
