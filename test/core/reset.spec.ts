import { follow, poolsUnderTest } from './pools-under-test.js';

describe('a reset', () => {
  const make = poolsUnderTest();

  it('[B30] runs before a connection goes back to idle, and nobody gets it before', async () => {
    const { pool, connector, clock, take } = make({ max: 1 }, { reset: true });
    const [lease] = await take(1);
    const waiter = follow(pool.acquire());
    if (lease !== undefined) lease.conn.state = 'an open transaction';
    const resetting = connector.reset.gate();
    lease?.release();
    await clock.settle();
    expect(resetting.called).toBe(true);
    expect(pool.stats()).toMatchObject({ checking: 1, idle: 0, leased: 0, waiting: 1 });
    expect(pool.inspect()[0]?.state).toBe('resetting');
    expect(pool.tryAcquire()).toBe(undefined);
    expect(waiter.now.state).toBe('pending');
    resetting.resolve();
    await clock.settle();
    expect(waiter.now).toMatchObject({
      state: 'resolved',
      value: { reused: true, conn: { state: undefined } },
    });
  });

  it.each(['fail', 'throw'] as const)(
    '[B30] that ends in a %s costs the connection, not the slot',
    async (way) => {
      const { pool, connector, clock, take, said } = make({ max: 1 }, { reset: true });
      const [lease] = await take(1);
      const waiter = follow(pool.acquire());
      connector.reset.next(way);
      lease?.release();
      await clock.settle();
      expect(connector.close.calls.map(({ context }) => context.reason)).toEqual(['reset-failed']);
      expect(said('reset-failed')).toMatchObject([{ id: lease?.id }]);
      expect(pool.stats().totals.closed['reset-failed']).toBe(1);
      expect(waiter.now).toMatchObject({ state: 'resolved', value: { reused: false } });
    },
  );

  it('may answer at once', async () => {
    const { pool, connector, take } = make({}, { reset: true });
    connector.reset.always('sync');
    const [lease] = await take(1);
    lease?.release();
    expect(pool.stats()).toMatchObject({ idle: 1, checking: 0 });
    expect(pool.tryAcquire()).toBeDefined();
  });

  it('does not run on what is not going back: discarded, detached, dead, worn out', async () => {
    const { pool, connector, clock, take } = make({ maxUses: 1 }, { reset: true, watch: true });
    const leases = await take(4);
    leases[0]?.discard();
    leases[1]?.detach();
    leases[2]?.conn.die();
    leases[2]?.release();
    leases[3]?.release();
    await clock.settle();
    expect(connector.reset.count).toBe(0);
    expect(pool.stats().size).toBe(0);
  });

  it('runs after use() as well, also when the work failed harmlessly', async () => {
    const { pool, connector, clock } = make({}, { reset: true, isFatal: () => false });
    await pool.use(() => 1);
    await clock.settle();
    await pool.use(() => Promise.reject(new Error('no such user'))).catch(() => undefined);
    await clock.settle();
    expect(connector.reset.count).toBe(2);
    expect(pool.stats()).toMatchObject({ idle: 1, size: 1 });
  });

  it('of a connection that dies meanwhile ends in its close, once', async () => {
    const { pool, connector, clock, take } = make({ max: 1 }, { reset: true, watch: true });
    const [lease] = await take(1);
    const resetting = connector.reset.gate();
    lease?.release();
    connector.conns[0]?.die(new Error('cable'));
    await clock.settle();
    resetting.resolve();
    await clock.settle();
    expect(connector.closed).toEqual([connector.conns[0]]);
    expect(pool.stats()).toMatchObject({ size: 0, totals: { lost: 1, closed: { lost: 1 } } });
  });
});
