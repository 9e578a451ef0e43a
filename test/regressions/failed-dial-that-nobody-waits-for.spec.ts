// First seen in node-redis#3397 (PR #3401): the connect that would have made the pool larger fails, nobody waits for
// it, and the rejection is unhandled, which ends the process. That none is unhandled is checked by the pools under
// test.
import { poolsUnderTest, rejection } from '../core/pools-under-test.js';

describe('[B4] a dial that fails', () => {
  const make = poolsUnderTest();

  it('leaves no rejection unhandled when nobody waits for it any more', async () => {
    const { pool, connector, clock } = make();
    const slow = connector.dial.gate();
    const acquiring = rejection(pool.acquire({ timeout: 100 }));
    await clock.advance(100);
    await acquiring;
    slow.reject(new Error('late no'));
    await clock.settle();
    expect(pool.stats()).toMatchObject({ size: 0, totals: { dialFailures: 1 } });
  });
});
