// First seen in reactor-pool#80: a connection given back while the pool was being closed was neither idle nor
// destroyed; and in commons-pool, where one was added to a pool being closed. Races are gaps of microtasks here: every
// one is tried.
import { follow, poolsUnderTest } from '../core/pools-under-test.js';

describe('[R14] a close racing', () => {
  const make = poolsUnderTest();
  const gaps = Array.from({ length: 12 }, (_, gap) => gap - 6);

  it('the release of the only lease closes its connection, once, whichever is first', async () => {
    for (const gap of gaps) {
      const { pool, clock, connector, take } = make({ max: 4 }, { reset: true });
      const [lease] = await take(1);
      const pass = async () => {
        for (let passed = 0; passed < Math.abs(gap); passed++) await undefined;
      };
      if (gap < 0) {
        lease?.release();
        await pass();
      }
      const closing = follow(pool.close());
      if (gap >= 0) {
        await pass();
        lease?.release();
      }
      await clock.settle();
      expect(closing.now).toMatchObject({ state: 'resolved', value: { closed: 1, forced: 0 } });
      expect(connector.closed).toEqual(connector.conns);
    }
  });

  it('a connection that is added closes it, whichever is first', async () => {
    for (const gap of gaps.filter((each) => each >= 0)) {
      const { pool, clock, connector } = make({}, { heartbeat: true });
      void pool.warmUp(1);
      for (let passed = 0; passed < gap; passed++) await undefined;
      const closing = follow(pool.close());
      await clock.settle();
      expect(closing.now).toMatchObject({ state: 'resolved', value: { closed: 1 } });
      expect(connector.closed).toEqual(connector.conns);
    }
  });

  it('[B52] a grant leaves the lease lent or refused, never lost', async () => {
    for (let gap = 0; gap < 6; gap++) {
      const { pool, clock, take, connector } = make({ max: 1 });
      const [lease] = await take(1);
      const waiter = follow(pool.acquire());
      lease?.release(); // granted here
      for (let i = 0; i < gap; i++) await undefined;
      const closing = follow(pool.close({ drain: '1s' }));
      await clock.settle();
      expect(waiter.now.state).toBe('resolved');
      if (waiter.now.state === 'resolved') waiter.now.value.release();
      await clock.settle();
      expect(closing.now).toMatchObject({ value: { forced: 0 } });
      expect(connector.live).toEqual([]);
    }
  });
});
