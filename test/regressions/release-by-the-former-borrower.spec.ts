// First seen in mysqljs#1873 and in each of five pools for Node: who releases a second time releases the connection of
// the next borrower, and a third gets it as well. Likewise mysql2#1280 and #3559, generic-pool PR #19 and #33, where
// the second release gives one connection to two who wait.
import { follow, poolsUnderTest } from '../core/pools-under-test.js';

describe('a lease that has ended', () => {
  const make = poolsUnderTest();

  it('[B27] cannot give the connection of the next borrower to a third', async () => {
    const { pool, clock } = make({ max: 1 });
    const stale = await pool.acquire();
    stale.release();
    const next = await pool.acquire();
    const leave = next.conn.enter();
    const third = follow(pool.acquire());
    stale.release();
    await clock.settle();
    expect(third.now.state).toBe('pending');
    leave();
    next.release();
    await clock.settle();
    expect(third.now.state).toBe('resolved');
  });

  it('[B26] released twice while two wait, gives one connection to one', async () => {
    const { pool, clock, take } = make({ max: 1 });
    const [lease] = await take(1);
    const waiters = [follow(pool.acquire()), follow(pool.acquire())];
    lease?.release();
    lease?.release();
    await clock.settle();
    expect(waiters.map(({ now }) => now.state)).toEqual(['resolved', 'pending']);
  });
});
