import { follow, poolsUnderTest } from '../pools-under-test.js';

describe('what is more than may be', () => {
  const make = poolsUnderTest();

  it('is closed when its dial ends after a shrink, although somebody waits', async () => {
    const { pool, connector, clock } = make({ max: 3 });
    const gates = [1, 2, 3].map(() => connector.dial.gate());
    const waiters = [1, 2, 3].map(() => follow(pool.acquire()));
    await clock.settle();
    pool.resize({ max: 1 });
    for (const gate of gates) gate.resolve();
    await clock.settle();
    expect(pool.stats()).toMatchObject({ leased: 1, size: 1, waiting: 2 });
    expect(pool.stats().totals.closed.surplus).toBe(2);
    expect(waiters[0]?.now.state).toBe('resolved');
  });

  it('is not closed when it comes back, with overflow, as long as somebody waits who takes it', async () => {
    const { pool, connector, clock, take } = make({ max: 1, exhausted: 'overflow' });
    const [one] = await take(2);
    const dial = connector.dial.gate();
    const waiter = follow(pool.acquire());
    one?.release();
    await clock.settle();
    expect(waiter.now).toMatchObject({ state: 'resolved', value: { reused: true } });
    expect(pool.stats()).toMatchObject({ leased: 2, dialing: 1, totals: { closed: { surplus: 0 } } });
    dial.resolve();
  });

  it('is closed for the reason that it is, also where none may be idle', async () => {
    const { pool, take, clock, connector } = make({ max: 2, maxIdle: 0, min: 2 });
    const [lease] = await take(1);
    void pool.close({ drain: '1m' });
    lease?.release();
    await clock.settle();
    expect(pool.state).toBe('closed');
    expect(connector.close.calls.map(({ context }) => context.reason)).toEqual(['pool-closed']);
  });
});

describe('what is begun for those in line', () => {
  const make = poolsUnderTest();
  /** So many idle ones that must be checked before they may be lent. */
  const withDue = async (count: number, options: object = {}) => {
    const under = make(
      { max: count, idleTimeout: 0, heartbeatInterval: 100, ...options },
      { heartbeat: true },
    );
    await under.fill(count);
    await under.clock.advance(100);
    return { ...under, checksBefore: under.connector.heartbeat.count };
  };

  it('is one check for one of them, also where the check is answered at once', async () => {
    const { pool, connector, clock, checksBefore } = await withDue(2);
    connector.heartbeat.always('sync');
    const waiter = follow(pool.acquire());
    await clock.settle();
    expect(waiter.now.state).toBe('resolved');
    expect(connector.heartbeat.count - checksBefore).toBe(1);
  });

  it('is no check for whoever takes none but a fresh one, only a dial', async () => {
    const { pool, connector, clock, checksBefore } = await withDue(2, { max: 3 });
    connector.dial.gate();
    void follow(pool.acquire({ fresh: true }));
    await clock.settle();
    expect(connector.heartbeat.count).toBe(checksBefore);
    expect(pool.stats()).toMatchObject({ idle: 2, dialing: 1 });
  });

  it('is one check and one dial for one who takes any and one who takes none but a fresh one', async () => {
    const { pool, connector, clock, checksBefore } = await withDue(2, { max: 3 });
    connector.dial.gate();
    connector.heartbeat.always('hang');
    void follow(pool.acquire({ fresh: true }));
    void follow(pool.acquire());
    await clock.settle();
    expect(connector.heartbeat.count - checksBefore).toBe(1);
    expect(pool.stats()).toMatchObject({ idle: 1, checking: 1, dialing: 1 });
  });

  it('at max closes one idle one for each who takes none but a fresh one, and dials when it has gone', async () => {
    const { pool, connector, clock, fill } = make({ max: 3 });
    await fill(3);
    const closes = [connector.close.gate(), connector.close.gate()];
    const waiters = [1, 2].map(() => follow(pool.acquire({ fresh: true })));
    await clock.settle();
    expect(pool.stats()).toMatchObject({ idle: 1, closing: 2, size: 3 });
    (await pool.acquire()).release();
    await clock.settle();
    expect(pool.stats()).toMatchObject({ idle: 1, closing: 2, size: 3 });
    expect(connector.dial.count).toBe(3);
    closes[0]?.resolve();
    await clock.settle();
    expect(waiters.map(({ now }) => now.state)).toEqual(['resolved', 'pending']);
    expect(pool.stats()).toMatchObject({ idle: 1, closing: 1, leased: 1 });
    closes[1]?.resolve();
    await clock.settle();
    expect(waiters.map(({ now }) => now.state)).toEqual(['resolved', 'resolved']);
    expect(connector.peak).toBe(3);
  });

  it('goes beyond max with overflow, but for min it does not', async () => {
    const { pool, connector, clock, take } = make({ max: 2, min: 2, exhausted: 'overflow' });
    await pool.start();
    const [lease] = await take(2);
    const gate = connector.close.gate();
    lease?.discard();
    // Either serves the line, and looks for what is missing.
    pool.pause();
    pool.resume();
    await clock.settle();
    expect(pool.stats()).toMatchObject({ leased: 1, closing: 1, size: 2 });
    gate.resolve();
    await clock.settle();
    expect(pool.stats()).toMatchObject({ leased: 1, idle: 1, size: 2 });
  });
});

describe('resize()', () => {
  const make = poolsUnderTest();

  it.each([
    ['max', { max: 4, maxIdle: 4 }, { max: 2 }, 2],
    ['maxIdle', { max: 4 }, { maxIdle: 1 }, 1],
    ['maxIdle, but not below min', { max: 4, min: 3 }, { maxIdle: 1 }, 3],
    ['both', { max: 4 }, { max: 3, maxIdle: 2 }, 2],
    ['neither', { max: 4 }, { min: 2 }, 4],
  ])('closes at once what is idle beyond %s', async (_size, before, change, left) => {
    const { pool, fill, clock } = make(before);
    await fill(4);
    pool.resize(change);
    await clock.settle();
    expect(pool.stats()).toMatchObject({ idle: left, size: left, totals: { closed: { surplus: 4 - left } } });
  });

  it('counts those that are lent against max, too', async () => {
    const { pool, take, clock } = make({ max: 4, maxIdle: 4 });
    const leases = await take(4);
    for (const lease of leases.slice(2)) lease.release();
    pool.resize({ max: 3 });
    await clock.settle();
    expect(pool.stats()).toMatchObject({ leased: 2, idle: 1 });
  });
});

describe('evictAll()', () => {
  const make = poolsUnderTest();

  it('begins another dial at once for whoever waited for one of the old generation', async () => {
    const { pool, connector, clock } = make({ max: 2 });
    const old = connector.dial.gate();
    const waiter = follow(pool.acquire());
    await clock.settle();
    pool.evictAll();
    await clock.settle();
    expect(connector.dial.count).toBe(2);
    expect(waiter.now).toMatchObject({ state: 'resolved', value: { conn: connector.conns[0] } });
    old.resolve();
    await clock.settle();
    expect(pool.stats()).toMatchObject({ leased: 1, size: 1, totals: { closed: { evicted: 1 } } });
  });
});

describe('inspect()', () => {
  const make = poolsUnderTest();

  it('shows no age of what is still being dialled', async () => {
    const { pool, connector, clock } = make();
    const dial = connector.dial.gate();
    const acquire = follow(pool.acquire());
    await clock.advance(50);
    expect(pool.inspect()).toMatchObject([{ state: 'dialing', age: 0, idle: 0, uses: 0 }]);
    dial.resolve();
    await clock.advance(30);
    expect(acquire.now.state).toBe('resolved');
    expect(pool.inspect()).toMatchObject([{ state: 'leased', age: 30 }]);
  });

  it('shows the connections in the order in which they were made, whichever have gone', async () => {
    const { pool, take } = make({ max: 6 });
    const leases = await take(5);
    leases[0]?.detach();
    leases[2]?.detach();
    await take(2);
    const ids = pool.inspect().map(({ id }) => id);
    expect(ids).toHaveLength(5);
    expect(ids).toEqual([...ids].sort((one, other) => one - other));
  });
});
