import { InvalidOptionsError, type PoolSize } from 'nestjs-conn-pool/core';
import { follow, poolsUnderTest } from './pools-under-test.js';

describe('evictAll', () => {
  const make = poolsUnderTest();

  it('[B36] [B68] closes the idle ones now and the lent ones when they come back', async () => {
    const { pool, clock, take, connector } = make();
    const [lent, idle] = await take(2);
    idle?.release();
    pool.evictAll();
    await clock.settle();
    expect(connector.closed).toEqual([connector.conns[1]]);
    expect(lent?.active).toBe(true);
    expect(lent?.signal.aborted).toBe(false);
    lent?.release();
    await clock.settle();
    expect(connector.close.calls.map(({ context }) => context.reason)).toEqual(['evicted', 'evicted']);
    expect(pool.stats()).toMatchObject({ size: 0, totals: { closed: { evicted: 2 } } });
  });

  it('[B68] lends only what was dialled after it', async () => {
    const { pool, clock, take, connector } = make({ max: 3 });
    const leases = await take(3);
    pool.evictAll();
    const waiters = [follow(pool.acquire()), follow(pool.acquire()), follow(pool.acquire())];
    for (const lease of leases) lease.release();
    await clock.settle();
    const conns = waiters.map(({ now }) => (now.state === 'resolved' ? now.value.conn.serial : NaN));
    expect(conns).toEqual([4, 5, 6]);
    expect(connector.peak).toBe(3);
  });

  it('a dial under way belongs to the old generation', async () => {
    const { pool, clock, connector } = make({ max: 1 });
    const old = connector.dial.gate();
    const acquiring = follow(pool.acquire());
    await clock.settle();
    pool.evictAll();
    old.resolve();
    await clock.advance('1s');
    expect(acquiring.now).toMatchObject({ state: 'resolved', value: { conn: connector.conns[1] } });
    expect(connector.closed).toEqual([connector.conns[0]]);
    expect(connector.peak).toBe(1);
  });

  it('one being checked or reset goes when that is over', async () => {
    const { pool, clock, take, fill, connector } = make({}, { heartbeat: true, reset: true });
    await fill(2);
    const [lease] = await take(1);
    const [resetting, checking] = [connector.reset.gate(), connector.heartbeat.gate()];
    lease?.release();
    void pool.heartbeat();
    await clock.settle();
    pool.evictAll();
    resetting.resolve();
    checking.resolve();
    await clock.settle();
    expect(pool.stats()).toMatchObject({ size: 0, totals: { closed: { evicted: 2 } } });
  });

  it('twice is as once', async () => {
    const { pool, clock, fill, connector } = make();
    await fill(2);
    pool.evictAll();
    pool.evictAll();
    await clock.settle();
    expect(connector.close.count).toBe(2);
  });
});

describe('pause', () => {
  const make = poolsUnderTest();

  it('hands out nothing and dials nothing until resume', async () => {
    const { pool, clock, fill, connector, said } = make({ max: 3 });
    await fill(1);
    pool.pause();
    expect(pool.state).toBe('paused');
    const waiters = [follow(pool.acquire()), follow(pool.acquire()), follow(pool.acquire({ fresh: true }))];
    await clock.settle();
    expect(waiters.map(({ now }) => now.state)).toEqual(['pending', 'pending', 'pending']);
    expect(pool.stats()).toMatchObject({ state: 'paused', idle: 1, waiting: 3, dialing: 0 });
    expect(connector.dial.count).toBe(1);
    pool.resume();
    await clock.settle();
    expect(pool.state).toBe('open');
    expect(waiters.map(({ now }) => now.state)).toEqual(['resolved', 'resolved', 'resolved']);
    expect(said('state').map(({ state }) => state)).toEqual(['paused', 'open']);
  });

  it('lets the deadlines of those who wait go on', async () => {
    const { pool, clock, fill } = make({ acquireTimeout: '1s' });
    await fill(1);
    pool.pause();
    const waiter = follow(pool.acquire());
    await clock.advance('1s');
    expect(waiter.now).toMatchObject({
      state: 'rejected',
      error: { code: 'ERR_ACQUIRE_TIMEOUT', phase: 'wait' },
    });
  });

  it('takes back what was lent and keeps what was being dialled', async () => {
    const { pool, clock, take, connector } = make({ max: 3 });
    const [lease] = await take(1);
    const dialing = connector.dial.gate();
    const waiter = follow(pool.acquire());
    await clock.settle();
    pool.pause();
    lease?.release();
    dialing.resolve();
    await clock.settle();
    expect(waiter.now.state).toBe('pending');
    expect(pool.stats()).toMatchObject({ idle: 2, leased: 0 });
    pool.resume();
    await clock.settle();
    expect(waiter.now.state).toBe('resolved');
  });

  it('does not refill min, resume does', async () => {
    const { pool, clock, connector } = make({ min: 2 }, { watch: true });
    await pool.start();
    await clock.settle();
    pool.pause();
    connector.conns[0]?.die();
    await clock.advance('10s');
    expect(connector.dial.count).toBe(2);
    pool.resume();
    await clock.settle();
    expect(pool.stats().idle).toBe(2);
  });

  it('and resume are idempotent, and do not reopen what is closed', async () => {
    const { pool, said } = make();
    pool.resume();
    pool.pause();
    pool.pause();
    pool.resume();
    pool.resume();
    expect(said('state')).toHaveLength(2);
    const closing = pool.close();
    pool.pause();
    pool.resume();
    await closing;
    pool.resume();
    pool.pause();
    expect(pool.state).toBe('closed');
  });

  it('keeps the order of the line over resume', async () => {
    const { pool, clock } = make({ max: 1 });
    pool.pause();
    const order: number[] = [];
    for (let i = 0; i < 5; i++) void pool.use(() => void order.push(i));
    pool.resume();
    await clock.settle();
    expect(order).toEqual([0, 1, 2, 3, 4]);
  });

  it('does not stop a close', async () => {
    const { pool, fill, connector } = make();
    await fill(2);
    pool.pause();
    const waiter = follow(pool.acquire());
    await pool.close();
    expect(waiter.now).toMatchObject({ error: { code: 'ERR_POOL_CLOSED' } });
    expect(connector.live).toEqual([]);
  });
});

describe('resize', () => {
  const make = poolsUnderTest();

  it('to a larger max serves who waits at once', async () => {
    const { pool, clock, take } = make({ max: 1 });
    await take(1);
    const waiters = [follow(pool.acquire()), follow(pool.acquire()), follow(pool.acquire())];
    await clock.settle();
    pool.resize({ max: 3 });
    await clock.settle();
    expect(waiters.map(({ now }) => now.state)).toEqual(['resolved', 'resolved', 'pending']);
    expect(pool.stats()).toMatchObject({ max: 3, size: 3 });
  });

  it('to a smaller max comes true as leases return, and dials nothing more meanwhile', async () => {
    const { pool, clock, take, connector } = make({ max: 5 });
    const leases = await take(5);
    pool.resize({ max: 2 });
    const waiter = follow(pool.acquire());
    const sizes: number[] = [];
    for (const lease of leases) {
      lease.release();
      await clock.settle();
      sizes.push(pool.stats().size);
    }
    expect(sizes.at(-1)).toBe(2);
    expect(Math.max(...sizes)).toBeLessThanOrEqual(5);
    expect(waiter.now.state).toBe('resolved');
    expect(connector.dial.count).toBe(5);
    expect(pool.stats().max).toBe(2);
  });

  it('to a smaller max closes what is idle beyond it', async () => {
    const { pool, clock, fill } = make({ max: 5 });
    await fill(5);
    pool.resize({ max: 2 });
    await clock.settle();
    expect(pool.stats()).toMatchObject({ size: 2, idle: 2, maxIdle: 2, totals: { closed: { surplus: 3 } } });
  });

  it('of min makes them, once started', async () => {
    const { pool, clock } = make({ min: 0 });
    await pool.start();
    pool.resize({ min: 3 });
    await clock.settle();
    expect(pool.stats()).toMatchObject({ min: 3, idle: 3 });
    pool.resize({ min: 1 });
    await clock.advance('3m');
    expect(pool.stats()).toMatchObject({ min: 1, idle: 1 });
  });

  it('of maxIdle holds from the next release', async () => {
    const { pool, clock, fill, take } = make({ max: 4 });
    await fill(4);
    pool.resize({ maxIdle: 1 });
    for (const lease of await take(4)) lease.release();
    await clock.settle();
    expect(pool.stats()).toMatchObject({ maxIdle: 1, idle: 1, size: 1 });
  });

  it('leaves out what is undefined', async () => {
    const { pool } = make({ max: 4, min: 1, maxIdle: 3 });
    pool.resize({ max: undefined, min: undefined, maxIdle: 2 });
    expect(pool.stats()).toMatchObject({ max: 4, min: 1, maxIdle: 2 });
    pool.resize({});
    expect(pool.stats()).toMatchObject({ max: 4, min: 1, maxIdle: 2 });
  });

  it('refuses bad values and changes nothing', async () => {
    const { pool, connector, clock } = make({ max: 4, min: 1 });
    await pool.start();
    for (const bad of [
      { max: 0 },
      { max: Infinity },
      { min: -1 },
      { min: 5 },
      { max: 1.5 },
      { maxIdle: -1 },
      { maximum: 5 },
      { max: 10, min: 11 },
      { max: 20, maxIdle: NaN },
    ])
      expect(() => pool.resize(bad as PoolSize)).toThrow(InvalidOptionsError);
    expect(() => pool.resize({ max: 0, min: -1 })).toThrow(/max[^]*min/);
    await clock.settle();
    expect(pool.stats()).toMatchObject({ max: 4, min: 1, maxIdle: 4 });
    expect(connector.dial.count).toBe(1);
  });

  it('down and up again while all are lent', async () => {
    const { pool, clock, take, connector } = make({ max: 3 });
    const leases = await take(3);
    pool.resize({ max: 1 });
    leases[0]?.release();
    pool.resize({ max: 3 });
    const next = follow(pool.acquire());
    await clock.settle();
    expect(next.now.state).toBe('resolved');
    expect(connector.peak).toBeLessThanOrEqual(3);
  });
});

describe('closeIdle', () => {
  const make = poolsUnderTest();

  it('closes the idle ones, waits for that, says how many; the pool stays fully usable', async () => {
    const { pool, clock, take, connector } = make({ max: 3 });
    const leases = await take(3);
    leases[0]?.release();
    leases[1]?.release();
    connector.close.next({ after: 100 });
    const closing = follow(pool.closeIdle());
    await clock.advance(99);
    expect(closing.now.state).toBe('pending');
    await clock.advance(1);
    expect(closing.now).toEqual({ state: 'resolved', value: 2 });
    expect(leases[2]?.active).toBe(true);
    expect(pool.state).toBe('open');
    expect(await take(2)).toHaveLength(2);
    leases[2]?.release();
    expect((await pool.acquire()).id).toBe(leases[2]?.id);
  });

  it('has nothing to do on an empty pool', async () => {
    const { pool } = make();
    expect(await pool.closeIdle()).toBe(0);
  });

  it('settles although a close hangs or fails', async () => {
    const { pool, clock, fill, connector } = make({ closeTimeout: '1s' });
    await fill(3);
    connector.close.next('hang', 'fail', 'throw');
    const closing = follow(pool.closeIdle());
    await clock.advance('1s');
    expect(closing.now.state).toBe('resolved');
    expect(pool.stats().size).toBe(0);
  });

  it('does not wait for one that was lent while it closed the others', async () => {
    const { pool, clock, fill, connector } = make();
    await fill(3);
    let lent: ReturnType<typeof pool.tryAcquire>;
    connector.close.tap(() => (lent ??= pool.tryAcquire()));
    const closing = follow(pool.closeIdle());
    await clock.settle();
    connector.close.tap(undefined);
    expect(closing.now).toEqual({ state: 'resolved', value: lent === undefined ? 3 : 2 });
    expect(lent?.active ?? true).toBe(true);
  });
});
