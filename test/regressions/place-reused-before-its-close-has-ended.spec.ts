// First seen in mysqljs#1905 (and in each of five pools for Node: five live connections with a maximum of one while
// closes are slow), puddle before 1.1.2, and as a case of its own in commons-pool (testMaxTotalInvariant: slow
// destroys, half of the validations fail).
import { follow, poolsUnderTest } from '../core/pools-under-test.js';

describe('[R20] a place is free when the close on it has ended, not when it has begun', () => {
  const make = poolsUnderTest();

  it('under load, with slow closes and every second check failing', async () => {
    const { pool, connector, clock } = make(
      { max: 3, acquireTimeout: 0, maxUses: 2, dialAttempts: 1_000, dialBackoff: { initial: 5, max: 10 } },
      { heartbeat: true },
    );
    connector.close.always({ after: 50 });
    let checks = 0;
    connector.heartbeat.tap(() => connector.heartbeat.next((checks += 1) % 2 === 0 ? 'fail' : 'ok'));
    const work = () => new Promise<void>((resolve) => void clock.setTimeout(resolve, 2));
    const worker = async () => {
      for (let round = 0; round < 10; round++) await pool.use(work);
    };
    const workers = Promise.all(Array.from({ length: 10 }, worker));
    await clock.advance('1m');
    await workers;
    connector.heartbeat.tap(undefined);
    expect(connector.close.count).toBeGreaterThan(20);
    expect(connector.peak).toBe(3);
  });

  it('[B60] one that is being closed counts: max is a true ceiling', async () => {
    const { pool, connector, clock } = make({ max: 1, closeTimeout: '1m' });
    for (let round = 0; round < 5; round++) {
      const lease = await pool.acquire();
      const closing = connector.close.gate();
      lease.discard();
      const waiter = follow(pool.acquire());
      await clock.advance('10s');
      expect(waiter.now.state).toBe('pending');
      expect(pool.stats()).toMatchObject({ closing: 1, size: 1, waiting: 1 });
      closing.resolve();
      await clock.settle();
      expect(waiter.now.state).toBe('resolved');
      if (waiter.now.state === 'resolved') waiter.now.value.release();
    }
    expect(connector.peak).toBe(1);
  });
});
