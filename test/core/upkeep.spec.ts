import { follow, poolsUnderTest } from './pools-under-test.js';

describe('idleTimeout', () => {
  const make = poolsUnderTest();

  it('[C7] [B45] closes what has been idle that long, counted from its last use', async () => {
    const { pool, clock, take, connector } = make({ idleTimeout: '1m' });
    await pool.start();
    const [first, second] = await take(2);
    first?.release();
    await clock.advance('30s');
    second?.release();
    await clock.advance(29_999);
    expect(pool.stats().idle).toBe(2);
    await clock.advance(1);
    expect(pool.stats()).toMatchObject({ idle: 1, size: 1 });
    expect(connector.closed).toEqual([connector.conns[0]]);
    await clock.advance('30s');
    expect(pool.stats()).toMatchObject({ size: 0, totals: { closed: { 'idle-timeout': 2 } } });
  });

  it('[C7] [B45] never goes below min, and does not churn: what is kept is kept', async () => {
    const { pool, clock, fill, connector } = make({ idleTimeout: '1m', min: 2, max: 5, maxLifetime: 0 });
    await pool.start();
    await fill(5);
    await clock.advance('10m');
    expect(pool.stats()).toMatchObject({ idle: 2, size: 2 });
    expect(connector.dial.count).toBe(5);
    expect(connector.close.count).toBe(3);
  });

  it('[C7] three of them, six workers, then two remain', async () => {
    const { pool, clock, connector } = make({ max: 3, min: 2, idleTimeout: '2s' });
    await pool.start();
    const work = () => new Promise<void>((resolve) => void clock.setTimeout(resolve, 100));
    const workers = Promise.all(Array.from({ length: 6 }, () => pool.use(work)));
    await clock.advance('4s');
    await workers;
    expect(pool.stats()).toMatchObject({ size: 2, idle: 2 });
    expect(connector.peak).toBe(3);
  });

  it('min counts what is lent: idle ones above it go', async () => {
    const { pool, clock, take } = make({ idleTimeout: '1m', min: 2, max: 5 });
    await pool.start();
    const leases = await take(5);
    for (const lease of leases.slice(2)) lease.release();
    await clock.advance('2m');
    expect(pool.stats()).toMatchObject({ leased: 2, idle: 0, size: 2 });
  });

  it.each([0, Infinity])('%s: off', async (idleTimeout) => {
    const { pool, clock, fill } = make({ idleTimeout, maxLifetime: 0 });
    await pool.start();
    await fill(2);
    await clock.advance('100h');
    expect(pool.stats().idle).toBe(2);
  });

  it('[B48] holds by the clock, not only by timers: after a stall nothing too old is lent', async () => {
    const { pool, clock, fill, connector } = make({ idleTimeout: '1m' });
    await pool.start();
    await fill(1);
    clock.stall('2m');
    const lease = await pool.acquire();
    expect(lease.conn).toBe(connector.conns[1]);
  });

  it('longer than the longest timer of Node neither comes early nor keeps the clock busy', async () => {
    const { pool, clock, fill } = make({ idleTimeout: '40d', maxLifetime: 0 });
    await pool.start();
    await fill(1);
    await clock.advance('39d');
    expect(pool.stats().idle).toBe(1);
    expect(clock.fired).toBeLessThan(100);
    await clock.advance('1d');
    expect(pool.stats().size).toBe(0);
  });

  it('never touches what is lent', async () => {
    const { pool, clock, take, connector } = make({ idleTimeout: '1m' });
    await pool.start();
    await take(1);
    await clock.advance('1h');
    expect(pool.stats().leased).toBe(1);
    expect(connector.close.count).toBe(0);
  });

  it("with 'lifo' lets the surplus of a calm time age out", async () => {
    const { pool, clock, fill } = make({ idleTimeout: '1m' });
    await pool.start();
    await fill(4);
    for (let i = 0; i < 10; i++) {
      (await pool.acquire()).release();
      await clock.advance('10s');
    }
    expect(pool.stats()).toMatchObject({ idle: 1, size: 1 });
  });

  it('[B47] holds no process', async () => {
    const { pool, clock, fill } = make({ idleTimeout: '1m', min: 1 });
    await pool.start();
    await fill(2);
    await clock.settle();
    expect(clock.pending).toBeGreaterThan(0);
    expect(clock.refs).toBe(0);
  });
});

describe('maxLifetime', () => {
  const make = poolsUnderTest();

  it('[B37] closes an idle connection at that age, however much it is used', async () => {
    const { pool, clock, connector } = make({ maxLifetime: '10m', lifetimeJitter: 0, idleTimeout: 0 });
    await pool.start();
    for (let minute = 0; minute < 9; minute++) {
      (await pool.acquire()).release();
      await clock.advance('1m');
    }
    expect(connector.close.count).toBe(0);
    await clock.advance(59_999);
    expect(connector.close.count).toBe(0);
    await clock.advance(2);
    expect(connector.close.calls.map(({ context }) => context.reason)).toEqual(['max-lifetime']);
  });

  it('does not cut a lease short: the connection is closed when it comes back', async () => {
    const { pool, clock, take, connector } = make({ maxLifetime: '1m', lifetimeJitter: 0 });
    await pool.start();
    const [lease] = await take(1);
    await clock.advance('10m');
    expect(lease?.active).toBe(true);
    expect(connector.close.count).toBe(0);
    lease?.release();
    await clock.settle();
    expect(connector.close.calls.map(({ context }) => context.reason)).toEqual(['max-lifetime']);
  });

  it('[B48] holds without start(), and after a stall: nothing too old is lent', async () => {
    const { pool, clock, fill, connector } = make({ maxLifetime: '1m', lifetimeJitter: 0, idleTimeout: 0 });
    await fill(1);
    clock.stall('61s');
    const lease = await pool.acquire();
    expect(lease.conn).toBe(connector.conns[1]);
    expect(connector.closed).toEqual([connector.conns[0]]);
    lease.release();
    await clock.settle();
    clock.stall('61s');
    expect(pool.tryAcquire()).toBe(undefined);
  });

  it('[B37] is shorter for each by its own random part, never longer', async () => {
    for (const lifetimeJitter of [0.2, 1]) {
      const { pool, clock, fill, said } = make({
        maxLifetime: '100s',
        lifetimeJitter,
        idleTimeout: 0,
        max: 60,
        dialConcurrency: 60,
      });
      await pool.start();
      await fill(60);
      const born = clock.now();
      const ages: number[] = [];
      for (let second = 1; second <= 101; second++) {
        await clock.advance('1s');
        while (ages.length < said('close').length) ages.push(clock.now() - born);
      }
      expect(ages).toHaveLength(60);
      expect(Math.min(...ages)).toBeGreaterThanOrEqual(100_000 * (1 - lifetimeJitter));
      expect(Math.max(...ages)).toBeLessThanOrEqual(101_000);
      expect(new Set(ages).size).toBeGreaterThan(5);
    }
  });

  it('[B37] lifetimeJitter: 0 is exact', async () => {
    const { pool, clock, fill } = make({ maxLifetime: '100s', lifetimeJitter: 0, idleTimeout: 0, max: 20 });
    await pool.start();
    await fill(20);
    await clock.advance(99_999);
    expect(pool.stats().size).toBe(20);
    await clock.advance(2);
    expect(pool.stats().size).toBe(0);
  });

  it('[B31] with min: the old are replaced', async () => {
    const { pool, clock, connector } = make({ maxLifetime: '1m', lifetimeJitter: 0, min: 2, idleTimeout: 0 });
    await pool.start();
    await clock.advance('61s');
    await clock.settle();
    expect(connector.closed).toHaveLength(2);
    expect(pool.stats()).toMatchObject({ idle: 2, size: 2 });
  });

  it.each([0, Infinity])('%s: off', async (maxLifetime) => {
    const { pool, clock, fill } = make({ maxLifetime, idleTimeout: 0 });
    await pool.start();
    await fill(1);
    await clock.advance('1000h');
    expect(pool.stats().idle).toBe(1);
  });
});

describe('maxUses', () => {
  const make = poolsUnderTest();

  it('[B37] closes a connection at the release that makes it full', async () => {
    const { pool, clock, connector } = make({ maxUses: 3, max: 1 });
    for (let use = 1; use <= 7; use++) {
      const lease = await pool.acquire();
      expect(lease.conn.serial).toBe(Math.ceil(use / 3));
      lease.release();
      await clock.settle();
    }
    expect(connector.close.calls.map(({ context }) => context.reason)).toEqual(['max-uses', 'max-uses']);
    expect(connector.peak).toBe(1);
  });

  it('1: never lends twice, and waiters are served all the same', async () => {
    const { pool, clock, connector } = make({ maxUses: 1, max: 2 });
    const all = Array.from({ length: 10 }, () => follow(pool.use((conn) => conn.serial)));
    await clock.settle();
    const serials = all.map(({ now }) => (now.state === 'resolved' ? now.value : NaN));
    expect(new Set(serials).size).toBe(10);
    expect(connector.peak).toBe(2);
  });
});

describe('maxIdle', () => {
  const make = poolsUnderTest();

  it('closes the surplus at release', async () => {
    const { pool, take, clock, connector } = make({ max: 5, maxIdle: 2 });
    const leases = await take(5);
    for (const lease of leases) lease.release();
    await clock.settle();
    expect(pool.stats()).toMatchObject({ idle: 2, size: 2, maxIdle: 2 });
    expect(connector.close.calls.map(({ context }) => context.reason)).toEqual([
      'surplus',
      'surplus',
      'surplus',
    ]);
  });

  it('closes nothing that somebody waits for', async () => {
    const { pool, take, clock, connector } = make({ max: 1, maxIdle: 0 });
    const [lease] = await take(1);
    const waiter = follow(pool.acquire());
    lease?.release();
    await clock.settle();
    expect(waiter.now).toMatchObject({ state: 'resolved', value: { reused: true } });
    expect(connector.close.count).toBe(0);
  });

  it('0: nothing is kept', async () => {
    const { pool, clock, connector } = make({ maxIdle: 0 });
    await pool.use(() => 1);
    await clock.settle();
    expect(pool.stats().size).toBe(0);
    expect(connector.close.count).toBe(1);
  });

  it('never goes below min', async () => {
    const { pool, clock, take, connector } = make({ min: 3, maxIdle: 1, max: 5 });
    await pool.start();
    await clock.settle();
    const leases = await take(5);
    for (const lease of leases) lease.release();
    await clock.settle();
    expect(pool.stats()).toMatchObject({ idle: 3, size: 3 });
    await clock.advance('1m');
    expect(connector.dial.count).toBe(5);
  });
});

describe('min', () => {
  const make = poolsUnderTest();

  it('[B46] is made at start, and restored after any loss', async () => {
    const { pool, clock, connector, take } = make(
      { min: 3, max: 5, idleTimeout: 0 },
      { heartbeat: true, watch: true, reset: true, isAlive: true },
    );
    await pool.start();
    await clock.settle();
    expect(pool.stats()).toMatchObject({ idle: 3, size: 3 });
    const losses: [string, () => unknown][] = [
      ['a death while idle', () => connector.live[0]?.die()],
      [
        'a death found at hand-out',
        async () => (connector.live.at(-1)?.dieSilently(), (await pool.acquire()).release()),
      ],
      [
        'a discard',
        async () => (await take(3)).map((lease, i) => (i === 0 ? lease.discard() : lease.release())),
      ],
      [
        'a detach',
        async () => (await take(3)).map((lease, i) => (i === 0 ? lease.detach() : lease.release())),
      ],
      ['a failed heartbeat', async () => (connector.heartbeat.next('fail'), await pool.heartbeat())],
      ['a failed reset', async () => (connector.reset.next('fail'), (await pool.acquire()).release())],
      ['evictAll', () => pool.evictAll()],
      ['closeIdle', () => pool.closeIdle()],
    ];
    for (const [loss, happens] of losses) {
      await happens();
      await clock.settle();
      await clock.advance('1s');
      const { idle, leased } = pool.stats();
      expect([loss, idle + leased]).toEqual([loss, 3]);
    }
  });

  it('[B46] is restored after failed dials, with back-off, and for ever', async () => {
    const { pool, clock, connector } = make({ min: 2, dialBackoff: { max: '1s' } });
    connector.dial.always('fail');
    await pool.start();
    await clock.advance('10m');
    const calls = connector.dial.count;
    expect(calls).toBeGreaterThan(100);
    connector.dial.always('ok');
    await clock.advance('2s');
    expect(pool.stats().idle).toBe(2);
  });

  it('is not restored without start()', async () => {
    const { clock, connector, take } = make({ min: 2 });
    const [lease] = await take(1);
    lease?.discard();
    await clock.advance('1m');
    expect(connector.dial.count).toBe(1);
  });

  it('counts what is lent and what is being dialled', async () => {
    const { pool, clock, connector, take } = make({ min: 2, max: 5 });
    await pool.start();
    await clock.settle();
    await take(2);
    await clock.advance('1m');
    expect(connector.dial.count).toBe(2);
  });

  it('makes room for who waits: a line comes before the refill', async () => {
    const { pool, clock, connector } = make({ min: 2, max: 2 }, { watch: true });
    await pool.start();
    await clock.settle();
    const held = [await pool.acquire(), await pool.acquire()];
    const waiter = follow(pool.acquire());
    held[0]?.discard();
    await clock.settle();
    expect(waiter.now.state).toBe('resolved');
    expect(connector.peak).toBe(2);
  });
});

describe('a connection that dies while idle', () => {
  const make = poolsUnderTest();

  it('[B31] [B33] [B39] leaves at once, quietly, with its cause, and is lent to nobody', async () => {
    const { pool, clock, connector, fill, said } = make({}, { watch: true });
    await fill(2);
    const cause = new Error('read ECONNRESET');
    connector.conns[1]?.die(cause);
    expect(pool.stats()).toMatchObject({ idle: 1 });
    const lease = pool.tryAcquire();
    expect(lease?.conn).toBe(connector.conns[0]);
    await clock.settle();
    expect(said('lost')).toMatchObject([{ cause, leased: false }]);
    expect(said('close')).toMatchObject([{ reason: 'lost', cause }]);
    expect(connector.conns[1]?.closed).toBe(true);
    expect(pool.stats()).toMatchObject({ size: 1, totals: { lost: 1 } });
  });

  it('while it is being checked is closed once, as lost', async () => {
    const { pool, clock, connector, fill } = make({}, { watch: true, heartbeat: true });
    await fill(1);
    connector.heartbeat.next('hang');
    const report = follow(pool.heartbeat());
    await clock.settle();
    connector.conns[0]?.die(new Error('cable'));
    await clock.settle();
    expect(connector.close.count).toBe(1);
    expect(pool.stats()).toMatchObject({ size: 0, checking: 0 });
    connector.heartbeat.open[0]?.reject();
    await clock.advance('1m');
    expect(report.now).toMatchObject({ state: 'resolved', value: { checked: 1, failed: 1 } });
    expect(connector.close.count).toBe(1);
  });

  it('during its first heartbeat is a failed dial', async () => {
    const { pool, clock, connector } = make({}, { watch: true, heartbeat: true });
    connector.heartbeat.next('hang');
    const acquiring = follow(pool.acquire());
    await clock.settle();
    connector.conns[0]?.die(new Error('cable'));
    await clock.advance('10s');
    expect(acquiring.now.state).toBe('rejected');
    expect(connector.closed).toEqual([connector.conns[0]]);
    expect(pool.stats().size).toBe(0);
  });

  it('at the moment the watching begins is a failed dial or a lost one, but never lent', async () => {
    const { pool, clock, connector } = make({ dialAttempts: 2 }, { watch: true });
    connector.watch.next('fail');
    const acquiring = follow(pool.acquire());
    await clock.advance('5s');
    expect(acquiring.now).toMatchObject({ state: 'resolved', value: { conn: connector.conns[1] } });
    expect(connector.closed).toEqual([connector.conns[0]]);
  });

  it('cannot hold the pool up by a watch that throws', async () => {
    const { pool, clock, connector } = make({ dialAttempts: 2, max: 1 }, { watch: true });
    connector.watch.next('throw');
    const acquiring = follow(pool.acquire());
    await clock.advance('5s');
    expect(acquiring.now.state).toBe('resolved');
    expect(pool.stats()).toMatchObject({ leased: 1, size: 1 });
  });
});

describe('a pool that was not started', () => {
  const make = poolsUnderTest();

  it('closes what is idle too long in time, whatever was used since, and checks nothing by itself', async () => {
    const { pool, connector, clock, fill } = make(
      { idleTimeout: '10m', heartbeatInterval: '1m', maxLifetime: 0 },
      { heartbeat: true },
    );
    await fill(2);
    await clock.advance('5m');
    (await pool.acquire()).release();
    const asked = connector.heartbeat.count;
    await clock.advance('4m');
    expect(pool.stats().idle).toBe(2);
    await clock.advance('1m');
    expect(pool.stats()).toMatchObject({ idle: 1, totals: { closed: { 'idle-timeout': 1 } } });
    await clock.advance('5m');
    expect(pool.stats()).toMatchObject({ size: 0, totals: { closed: { 'idle-timeout': 2 } } });
    expect(connector.heartbeat.count).toBe(asked);
  });
});
