// First seen in undici#3492, node#47130 and agentkeepalive#23 and #57: a keep-alive socket is lent in the very moment
// in which its peer, or its pool, closes it.
import { poolsUnderTest } from '../core/pools-under-test.js';

describe('[B35] a connection that dies while idle', () => {
  const make = poolsUnderTest();

  it('is gone from idle before it is closed', async () => {
    const { pool, connector, fill } = make({}, { watch: true });
    await fill(1);
    let lent: unknown = 'not asked';
    connector.close.tap(() => (lent = pool.tryAcquire()));
    connector.conns[0]?.die();
    expect(lent).toBe(undefined);
    connector.close.tap(undefined);
  });
});
