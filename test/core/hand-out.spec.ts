import { follow, poolsUnderTest } from './pools-under-test.js';

describe('handing out', () => {
  const make = poolsUnderTest();

  it('[C11] reuses an idle connection instead of dialling', async () => {
    const { pool, connector } = make();
    for (let round = 0; round < 10; round++) (await pool.acquire()).release();
    expect(connector.dial.count).toBe(1);
    expect(pool.stats().totals).toMatchObject({ acquired: 10, reused: 9, dialed: 1 });
  });

  it('reuses what a listener had of a dial before anybody else', async () => {
    const { pool, said, clock } = make();
    const reused: (boolean | undefined)[] = [];
    pool.events$.subscribe(({ type }) => {
      if (type !== 'dialed') return;
      for (let time = 0; time < 2; time += 1) {
        const lease = pool.tryAcquire();
        reused.push(lease?.reused);
        lease?.release();
      }
    });
    const caller = new AbortController();
    const waiter = follow(pool.acquire({ signal: caller.signal }));
    caller.abort();
    await clock.settle();
    expect(waiter.now.state).toBe('rejected');
    expect([said('dialed').length, reused]).toEqual([1, [false, true]]);
  });

  it.each([
    ['lifo', [3, 2, 1]],
    ['fifo', [1, 2, 3]],
  ] as const)("order: '%s'", async (order, expected) => {
    const { pool, take } = make({ order });
    const leases = await take(3);
    for (const lease of leases) lease.release();
    const again = [await pool.acquire(), await pool.acquire(), await pool.acquire()];
    const serial = (id: number) => leases.findIndex((lease) => lease.id === id) + 1;
    expect(again.map(({ id }) => serial(id))).toEqual(expected);
  });

  it('[B24] serves one that is asked for while it dials from whatever comes first', async () => {
    const { pool, connector, clock, take } = make({ max: 2 });
    const [lease] = await take(1);
    const slow = connector.dial.gate();
    const waiter = follow(pool.acquire());
    await clock.settle();
    expect(slow.called).toBe(true);
    lease?.release();
    await clock.settle();
    expect(waiter.now).toMatchObject({ state: 'resolved', value: { id: lease?.id, reused: true } });
    slow.resolve();
    await clock.settle();
    expect(pool.stats()).toMatchObject({ idle: 1, leased: 1, dialing: 0 });
  });

  it('[B24] never hands out to a signal that is aborted already, and dials nothing for it', async () => {
    const { pool, connector, fill } = make();
    const reason = { any: 'thing' };
    await expect(pool.acquire({ signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
    expect(connector.dial.count).toBe(0);
    await fill(1);
    await expect(pool.acquire({ signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
    expect(pool.stats()).toMatchObject({ idle: 1, leased: 0, totals: { aborted: 2, acquired: 1 } });
  });

  describe('asks isAlive', () => {
    it('at every hand-out, and lends another or a new one when it says no', async () => {
      const { pool, connector, fill, clock, said } = make({}, { isAlive: true });
      await fill(2);
      connector.conns[1]?.dieSilently();
      const lease = await pool.acquire();
      expect(lease.conn).toBe(connector.conns[0]);
      await clock.settle();
      expect(connector.close.calls.map(({ context }) => context.reason)).toEqual(['lost']);
      expect(said('lost')).toMatchObject([{ leased: false }]);
      const fresh = await pool.acquire();
      expect(fresh.conn).toBe(connector.conns[2]);
    });

    it('and takes a throw for a no', async () => {
      const { pool, connector, fill } = make({}, { isAlive: true });
      await fill(1);
      connector.isAlive.next('throw');
      expect((await pool.acquire()).conn).toBe(connector.conns[1]);
      expect(pool.stats().totals.lost).toBe(1);
    });

    it('also for tryAcquire, and for the one that waits', async () => {
      const { pool, connector, fill, take, clock } = make({ max: 1 }, { isAlive: true });
      await fill(1);
      connector.conns[0]?.dieSilently();
      expect(pool.tryAcquire()).toBe(undefined);
      const [lease] = await take(1);
      const waiter = follow(pool.acquire());
      connector.conns[1]?.dieSilently();
      lease?.release();
      await clock.settle();
      expect(waiter.now).toMatchObject({ state: 'resolved', value: { conn: connector.conns[2] } });
    });

    it('walks through any number of dead ones in one step', async () => {
      const { pool, connector, fill, clock } = make({ max: 500, dialConcurrency: 500 }, { isAlive: true });
      await fill(500);
      for (const conn of connector.conns) conn.dieSilently();
      const lease = await pool.acquire();
      expect(lease.conn).toBe(connector.conns[500]);
      await clock.settle();
      expect(pool.stats()).toMatchObject({ size: 1, totals: { lost: 500 } });
    });
  });

  describe('tryAcquire', () => {
    it('gives an idle connection now, or undefined', async () => {
      const { pool, connector, fill } = make();
      expect(pool.tryAcquire()).toBe(undefined);
      await fill(1);
      const lease = pool.tryAcquire();
      expect(lease).toMatchObject({ conn: connector.conns.at(-1), reused: true, active: true });
      expect(pool.tryAcquire()).toBe(undefined);
      lease?.release();
      expect(pool.stats().totals).toMatchObject({ acquired: 2 });
      expect(pool.stats().idle).toBeGreaterThan(0);
    });

    it('never overtakes who waits', async () => {
      const { pool, take, clock } = make({ max: 1 });
      const [lease] = await take(1);
      const waiter = follow(pool.acquire());
      lease?.release();
      expect(pool.tryAcquire()).toBe(undefined);
      await clock.settle();
      expect(waiter.now.state).toBe('resolved');
    });

    it('gives nothing when a check is due', async () => {
      const { pool, clock, fill } = make({ heartbeatInterval: '1m', idleTimeout: 0 }, { heartbeat: true });
      await fill(1);
      clock.stall('59s');
      await clock.settle();
      const lease = pool.tryAcquire();
      expect(lease).toBeDefined();
      lease?.release();
      await clock.settle();
      clock.stall('61s');
      expect(pool.tryAcquire()).toBe(undefined);
    });

    it('gives nothing when paused or closed', async () => {
      const { pool, fill } = make();
      await fill(1);
      pool.pause();
      expect(pool.tryAcquire()).toBe(undefined);
      pool.resume();
      const lease = pool.tryAcquire();
      expect(lease).toBeDefined();
      const closing = pool.close();
      expect(pool.tryAcquire()).toBe(undefined);
      lease?.release();
      await closing;
      expect(pool.tryAcquire()).toBe(undefined);
    });
  });

  describe('fresh', () => {
    it('dials although one is idle', async () => {
      const { pool, connector, fill } = make();
      await fill(1);
      const lease = await pool.acquire({ fresh: true });
      expect(lease.reused).toBe(false);
      expect(lease.conn).toBe(connector.conns[1]);
      expect(pool.stats()).toMatchObject({ idle: 1, leased: 1 });
    });

    it('closes an idle one at max to make room', async () => {
      const { pool, connector, fill, clock } = make({ max: 2 });
      await fill(2);
      const fresh = follow(pool.acquire({ fresh: true }));
      await clock.settle();
      expect(fresh.now).toMatchObject({ state: 'resolved', value: { reused: false } });
      expect(connector.close.count).toBe(1);
      expect(pool.stats()).toMatchObject({ size: 2, idle: 1, leased: 1 });
      expect(connector.peak).toBe(2);
    });

    it('waits at max when all are lent, and takes no used one', async () => {
      const { connector, pool, take, clock } = make({ max: 1 });
      const [lease] = await take(1);
      const fresh = follow(pool.acquire({ fresh: true }));
      await clock.settle();
      expect(fresh.now.state).toBe('pending');
      lease?.release();
      await clock.settle();
      expect(fresh.now).toMatchObject({ state: 'resolved', value: { reused: false } });
      expect(connector.peak).toBe(1);
    });

    it('is served by a discard as well', async () => {
      const { pool, take, clock } = make({ max: 1 });
      const [lease] = await take(1);
      const fresh = follow(pool.acquire({ fresh: true }));
      lease?.discard();
      await clock.settle();
      expect(fresh.now).toMatchObject({ state: 'resolved', value: { reused: false } });
    });

    it('does not hold up those behind it', async () => {
      const { pool, connector, clock, fill } = make({ max: 3 });
      await fill(2);
      connector.dial.next('hang');
      const fresh = follow(pool.acquire({ fresh: true }));
      const plain = follow(pool.acquire());
      await clock.settle();
      expect([fresh.now.state, plain.now.state]).toEqual(['pending', 'resolved']);
    });
  });
});
