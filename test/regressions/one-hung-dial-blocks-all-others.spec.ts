// First seen in HikariCP#1815, #2062, #2161 and #2186: one thread connects for the whole pool. A driver blocks in it
// for ever, and with it every connection the pool would have made, also after the network is back.
import { follow, poolsUnderTest } from '../core/pools-under-test.js';

describe('[R3] one dial of thirty that never answers', () => {
  const make = poolsUnderTest();

  it('holds up none of the others', async () => {
    const { pool, connector, clock } = make({ max: 30, dialTimeout: '1h' });
    connector.dial.next('hang');
    const callers = Array.from({ length: 30 }, () => follow(pool.acquire()));
    await clock.settle();
    expect(callers.filter(({ now }) => now.state === 'resolved')).toHaveLength(29);
    expect(pool.stats()).toMatchObject({ dialing: 1, leased: 29 });
  });

  it('frees the only dial there may be when dialTimeout is over', async () => {
    const { pool, connector, clock } = make({
      max: 30,
      dialConcurrency: 1,
      dialTimeout: '10s',
      dialAttempts: 2,
    });
    connector.dial.next('hang');
    const callers = Array.from({ length: 30 }, () => follow(pool.acquire()));
    await clock.advance('9s');
    expect(callers.every(({ now }) => now.state === 'pending')).toBe(true);
    await clock.advance('2s');
    expect(callers.every(({ now }) => now.state === 'resolved')).toBe(true);
  });
});
