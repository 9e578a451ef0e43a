// First seen in generic-pool#256: the server is down, the pool is drained, and create is called on and on.
import { follow, poolsUnderTest } from '../core/pools-under-test.js';

describe('[B2] a close during an outage', () => {
  const make = poolsUnderTest();

  it('attempts no dial again, and refills no min', async () => {
    const { pool, clock, connector, take } = make({ min: 3, dialAttempts: 100, drain: '1m' });
    const [held] = await take(1);
    connector.dial.always('fail');
    await pool.start();
    const waiter = follow(pool.acquire());
    await clock.advance('1s');
    const calls = connector.dial.count;
    const closing = pool.close();
    await clock.advance('30s');
    expect(waiter.now).toMatchObject({ error: { code: 'ERR_POOL_CLOSED' } });
    expect([pool.state, connector.dial.count]).toEqual(['draining', calls]);
    held?.release();
    await closing;
    expect(connector.dial.count).toBe(calls);
  });
});
