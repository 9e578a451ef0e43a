// First seen in puddle 1.1.2, 1.1.4 (#8) and 2.0.1, generic-pool#159 and PR #171, node-redis#3398, and in puddle at
// eeee8ae: a connection is made in the background for nobody in particular, the pool is closed, the connection comes;
// it went to the idle ones of a closed pool, was never closed, and the close waited for it for ever.
import { follow, poolsUnderTest } from '../core/pools-under-test.js';

describe('[R12] a close while a dial is under way', () => {
  const make = poolsUnderTest();

  it('for nobody: what it makes is closed, and the close ends with it', async () => {
    const { pool, clock, connector } = make({ min: 1 });
    const dialing = connector.dial.gate();
    await pool.start();
    const closing = follow(pool.close({ drain: Infinity }));
    await clock.settle();
    expect(closing.now.state).toBe('pending');
    dialing.resolve();
    await clock.settle();
    expect(closing.now).toMatchObject({ state: 'resolved', value: { closed: 1 } });
    expect(connector.closed).toEqual(connector.conns);
  });

  it('[B52] [B54] closes what it makes within drain, and lends it to nobody', async () => {
    const { pool, clock, connector } = make();
    const dialing = connector.dial.gate();
    const acquiring = follow(pool.acquire());
    await clock.settle();
    const closing = follow(pool.close({ drain: Infinity }));
    await clock.settle();
    expect(acquiring.now).toMatchObject({ error: { code: 'ERR_POOL_CLOSED' } });
    dialing.resolve();
    await clock.settle();
    expect(closing.now.state).toBe('resolved');
    expect(connector.closed).toEqual(connector.conns);
    expect(connector.conns).toHaveLength(1);
  });

  it('[B54] settles when that fails', async () => {
    const { pool, clock, connector } = make();
    const dialing = connector.dial.gate();
    follow(pool.acquire());
    await clock.settle();
    const closing = follow(pool.close({ drain: Infinity }));
    dialing.reject(new Error('no'));
    await clock.settle();
    expect(closing.now.state).toBe('resolved');
    expect(pool.stats().size).toBe(0);
  });
});
