// First seen in generic-pool#217: clear() destroys the idle resources, leaves them in its list, and lends them.
import { follow, poolsUnderTest } from '../core/pools-under-test.js';

describe('[B53] closeIdle', () => {
  const make = poolsUnderTest();

  it('hands out none of those it closes', async () => {
    const { pool, clock, fill, connector } = make({ max: 2 });
    await fill(2);
    const closing = pool.closeIdle();
    expect(pool.tryAcquire()).toBe(undefined);
    const next = follow(pool.acquire());
    await closing;
    await clock.settle();
    expect(next.now).toMatchObject({ state: 'resolved', value: { conn: connector.conns[2] } });
  });
});
