// First seen in node-pg-pool#97 and node-postgres#3617 (PR #3620): the async listener that sets the search_path, or the
// row level security, of a new connection is not awaited; the first borrower runs its queries without.
import { follow, poolsUnderTest } from '../core/pools-under-test.js';

describe('[B62] what a connection needs before its first use', () => {
  const make = poolsUnderTest();

  it('is done before anybody has it', async () => {
    const { pool, clock, connector } = make({ max: 1 }, { heartbeat: true });
    const setUp = connector.heartbeat.gate();
    const first = follow(pool.use((conn) => conn.state));
    await clock.settle();
    if (connector.conns[0] !== undefined) connector.conns[0].state = 'search_path = tenant_7';
    setUp.resolve();
    await clock.settle();
    expect(first.now).toEqual({ state: 'resolved', value: 'search_path = tenant_7' });
  });

  it('tells the borrower when it fails, and the connection is not lent', async () => {
    const { pool, clock, connector } = make({ max: 1 }, { heartbeat: true });
    const denied = new Error('permission denied for schema tenant_7');
    connector.heartbeat.next({ fail: denied });
    const first = follow(pool.acquire());
    await clock.settle();
    expect(first.now).toMatchObject({ state: 'rejected', error: { code: 'ERR_DIAL', cause: denied } });
    expect(connector.live).toEqual([]);
  });
});
