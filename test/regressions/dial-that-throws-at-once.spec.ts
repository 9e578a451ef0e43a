// First seen in generic-pool and sequelize-pool: a create that throws instead of rejecting throws through acquire(),
// leaves a waiter behind that nobody knows, and in sequelize-pool costs a place for ever.
import { FakeCallError } from 'nestjs-conn-pool/testing';
import { follow, poolsUnderTest, rejection } from '../core/pools-under-test.js';

describe('[B6] a dial', () => {
  const make = poolsUnderTest();

  it.each(['fail', 'throw'] as const)('may %s: it is the same', async (way) => {
    const { pool, connector, clock } = make({ max: 1 });
    connector.dial.next(way);
    expect(await rejection(pool.acquire())).toMatchObject({
      code: 'ERR_DIAL',
      cause: expect.any(FakeCallError),
    });
    expect(pool.stats()).toMatchObject({ size: 0, waiting: 0 });
    const next = follow(pool.acquire());
    await clock.advance(100);
    expect(next.now.state).toBe('resolved');
  });
});
