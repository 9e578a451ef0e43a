// First seen in puddle before 2.2.1: what was made in the background (CreateResource) was not held against the maximum.
import { follow, poolsUnderTest } from '../core/pools-under-test.js';

describe('[R19] connections made in the background', () => {
  const make = poolsUnderTest();

  it('count against max together with those made for callers', async () => {
    const { pool, connector, clock } = make({ max: 5, min: 5, dialConcurrency: 20 });
    connector.dial.always({ after: 10 });
    const callers = [follow(pool.acquire()), follow(pool.acquire()), follow(pool.acquire())];
    void pool.start();
    void pool.warmUp(5);
    callers.push(follow(pool.acquire()), follow(pool.acquire()));
    void pool.warmUp();
    await clock.advance('1s');
    expect(callers.every(({ now }) => now.state === 'resolved')).toBe(true);
    expect([connector.peak, connector.dial.count]).toEqual([5, 5]);
  });

  it('wait for closes under way', async () => {
    const { pool, connector, clock, take } = make({ max: 5, min: 5 });
    await pool.start();
    const leases = await take(5);
    connector.close.always({ after: '1s' });
    leases[0]?.discard();
    leases[1]?.discard();
    void pool.warmUp(5);
    await clock.advance(999);
    expect([pool.stats().size, connector.dial.count]).toEqual([5, 5]);
    await clock.advance(1);
    expect(pool.stats()).toMatchObject({ idle: 2, leased: 3, size: 5 });
    expect(connector.peak).toBe(5);
  });

  it('are none while all there may be are lent', async () => {
    const { pool, connector, take } = make({ max: 5, min: 5 });
    await take(5);
    await pool.start();
    expect(await pool.warmUp(5)).toBe(5);
    expect([connector.peak, connector.dial.count]).toEqual([5, 5]);
  });
});
