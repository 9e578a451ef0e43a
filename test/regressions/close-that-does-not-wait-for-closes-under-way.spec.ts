// First seen in tarn#16 and PR #30: destroy() did not wait for the destroys under way, and stopped at the first that
// failed. Likewise node-postgres#2328: end() resolves before the clients have ended.
import { follow, poolsUnderTest } from '../core/pools-under-test.js';

describe('[B59] a close', () => {
  const make = poolsUnderTest();

  it('[B51] waits for the closes under way, and for all of them', async () => {
    const { pool, clock, take, fill, connector } = make();
    await fill(3);
    const [lease] = await take(1);
    connector.close.next({ after: '3s' }, { after: '1s', fail: new Error('no') }, { after: '2s' });
    lease?.discard();
    const closing = follow(pool.close());
    await clock.advance(2_999);
    expect(closing.now.state).toBe('pending');
    await clock.advance(1);
    expect(closing.now.state).toBe('resolved');
    expect(connector.live).toEqual([]);
  });
});
