import { LeaseEndedError, PoolClosedError } from 'nestjs-conn-pool/core';
import { follow, poolsUnderTest } from '../pools-under-test.js';

describe('a connection that comes back', () => {
  const make = poolsUnderTest();

  it('goes to the first who takes a used one, past the one who does not', async () => {
    const { pool, take, connector, clock } = make({ max: 2 });
    const [lease] = await take(1);
    const gate = connector.dial.gate();
    const fresh = follow(pool.acquire({ fresh: true }));
    const plain = follow(pool.acquire());
    await clock.settle();
    lease?.release();
    await clock.settle();
    expect([fresh.now.state, plain.now.state]).toEqual(['pending', 'resolved']);
    gate.resolve();
    await clock.settle();
    expect(fresh.now).toMatchObject({
      state: 'resolved',
      value: { reused: false, conn: connector.conns[1] },
    });
  });

  it('is idle when all in line wait for a fresh one that is on its way', async () => {
    const { pool, take, connector, clock } = make({ max: 2 });
    const [lease] = await take(1);
    const gate = connector.dial.gate();
    const fresh = follow(pool.acquire({ fresh: true }));
    await clock.settle();
    lease?.release();
    expect(pool.stats()).toMatchObject({ idle: 1, leased: 0, dialing: 1, waiting: 1 });
    gate.resolve();
    await clock.settle();
    expect(fresh.now.state).toBe('resolved');
    expect(pool.stats()).toMatchObject({ idle: 1, leased: 1, size: 2 });
  });

  it('is closed to make room where the first in line takes none but a fresh one', async () => {
    const { pool, take, connector, clock } = make({ max: 1 });
    const [lease] = await take(1);
    const fresh = follow(pool.acquire({ fresh: true }));
    const plain = follow(pool.acquire());
    lease?.release();
    await clock.settle();
    expect(connector.close.calls.map(({ context }) => context.reason)).toEqual(['surplus']);
    expect([fresh.now.state, plain.now.state]).toEqual(['resolved', 'pending']);
  });

  it.each([
    ['there is room', { max: 2 }],
    ['overflow makes room', { max: 1, exhausted: 'overflow' }],
  ] as const)(
    'is kept although the first in line takes none but a fresh one, where %s',
    async (_where, size) => {
      const { pool, take, connector, clock } = make({ ...size, dialAttempts: 9 });
      const [lease] = await take(1);
      connector.dial.next('fail');
      const fresh = follow(pool.acquire({ fresh: true }));
      await clock.settle();
      expect(fresh.now.state).toBe('pending');
      lease?.release();
      await clock.settle();
      expect(pool.stats()).toMatchObject({ idle: 1, waiting: 1 });
      expect(connector.close.count).toBe(0);
      await clock.advance('1s');
      expect(fresh.now.state).toBe('resolved');
    },
  );

  it('and goes on to the next in line is used once more, from then on', async () => {
    const { pool, take, clock, connector } = make({ max: 1, maxUses: 2 });
    const [first] = await take(1);
    await clock.advance('1m');
    const second = pool.acquire();
    first?.release();
    await clock.advance(100);
    expect(pool.inspect()).toMatchObject([{ state: 'leased', uses: 2, lease: { held: 100 } }]);
    (await second).release();
    await clock.settle();
    expect(connector.closed).toEqual([connector.conns[0]]);
    expect(pool.stats().totals).toMatchObject({ acquired: 2, reused: 1, closed: { 'max-uses': 1 } });
  });

  it('stays idle when whoever it was for gives up in the moment in which it is looked at', async () => {
    const { pool, fill, connector, clock } = make({ max: 1 }, { isAlive: true });
    await fill(1);
    pool.pause();
    const abort = new AbortController();
    const waiter = follow(pool.acquire({ signal: abort.signal }));
    connector.isAlive.tap(() => abort.abort('enough'));
    pool.resume();
    await clock.settle();
    expect(waiter.now).toEqual({ state: 'rejected', error: 'enough' });
    expect(pool.stats()).toMatchObject({ idle: 1, leased: 0, waiting: 0 });
  });
});

describe('a connection that has just been dialled', () => {
  const make = poolsUnderTest();

  it.each(['lifo', 'fifo'] as const)(
    'is found by whoever takes no other, also behind used ones: %s',
    async (order) => {
      const { pool, fill } = make({ max: 3, order });
      await fill(2);
      const lease = await pool.acquire({ fresh: true });
      expect(lease.reused).toBe(false);
      expect(pool.stats()).toMatchObject({ idle: 2, leased: 1 });
    },
  );
});

describe('the line', () => {
  const make = poolsUnderTest();

  it('is not served when looking at a connection pauses the pool', async () => {
    const { pool, fill, connector, clock } = make({ max: 2 }, { isAlive: true });
    await fill(2);
    pool.pause();
    const waiters = [follow(pool.acquire()), follow(pool.acquire())];
    connector.isAlive.tap(() => pool.pause());
    pool.resume();
    await clock.settle();
    expect(waiters.map(({ now }) => now.state)).toEqual(['pending', 'pending']);
    expect(pool.stats()).toMatchObject({ state: 'paused', waiting: 2, idle: 2 });
    expect(connector.isAlive.count).toBe(3);
  });

  it('is not overtaken by tryAcquire, nor a pause, when looking at a connection pauses the pool', async () => {
    const { pool, fill, connector } = make({ max: 2 }, { isAlive: true });
    await fill(2);
    connector.isAlive.tap(() => pool.pause());
    expect(pool.tryAcquire()).toBeUndefined();
    expect(pool.stats()).toMatchObject({ state: 'paused', idle: 2, leased: 0 });
  });

  it('asks of no more connections whether they live than are lent', async () => {
    const { pool, fill, connector, clock } = make({ max: 2 }, { isAlive: true });
    await fill(2);
    const asked = connector.isAlive.count;
    pool.pause();
    const waiter = follow(pool.acquire());
    pool.resume();
    await clock.settle();
    expect(waiter.now.state).toBe('resolved');
    expect(connector.isAlive.count - asked).toBe(1);
  });
});

describe('a lease that was taken back by force', () => {
  const make = poolsUnderTest();

  it('says so, by its signal and by the error of whoever goes on with it', async () => {
    const { pool, take, clock } = make({ name: 'thrift' });
    const [lease, unread] = await take(2);
    const { signal } = lease as NonNullable<typeof lease>;
    void pool.close({ drain: 0 });
    await clock.settle();
    expect(signal.reason).toBeInstanceOf(PoolClosedError);
    expect(unread?.signal.reason).toBeInstanceOf(PoolClosedError);
    for (const one of [lease, unread])
      expect(() => one?.conn).toThrow(
        expect.objectContaining({ code: 'ERR_LEASE_ENDED', pool: 'thrift', cause: signal.reason }),
      );
    expect(() => lease?.detach()).toThrow(LeaseEndedError);
  });

  it('brings none back to life that ended before', async () => {
    const { pool, take, clock } = make({ max: 1 });
    const [stale] = await take(1);
    stale?.release();
    const [lease] = await take(1);
    expect(lease?.id).toBe(stale?.id);
    void pool.close({ drain: 0 });
    expect([stale?.active, lease?.active]).toEqual([false, false]);
    stale?.release();
    await clock.settle();
    expect(pool.state).toBe('closed');
  });

  it('is no leak any more', async () => {
    const { pool, take, clock, connector, said } = make({ leakThreshold: 100, closeTimeout: 1_000 });
    await take(1);
    connector.close.next('hang');
    void pool.close({ drain: 0 });
    await clock.advance(999);
    expect(pool.stats().closing).toBe(1);
    expect(said('leak')).toEqual([]);
  });
});

describe('a lease that ended in time', () => {
  const make = poolsUnderTest();

  it('hears nothing of what becomes of its connection, and its error does not either', async () => {
    const { pool, take, connector } = make({ max: 1 }, { watch: true });
    const [stale] = await take(1);
    stale?.release();
    const [lease] = await take(1);
    const { signal } = lease as NonNullable<typeof lease>;
    const staleSignal = stale?.signal;
    const cause = new Error('hung up');
    connector.conns[0]?.die(cause);
    expect([signal.reason, staleSignal?.aborted]).toEqual([cause, false]);
    lease?.release();
    const errorOf = (one: typeof lease) => {
      try {
        return one?.conn;
      } catch (error) {
        return error as Error;
      }
    };
    expect(errorOf(lease)).toMatchObject({ code: 'ERR_LEASE_ENDED', cause });
    expect(errorOf(stale)).toMatchObject({ code: 'ERR_LEASE_ENDED' });
    expect(Object.hasOwn(errorOf(stale) as object, 'cause')).toBe(false);
    expect(pool.stats().totals.lost).toBe(1);
  });

  it.each(['release', 'discard', 'detach'] as const)(
    'by %s, is not told as a leak that came back',
    async (end) => {
      const { pool, take, clock, said } = make({ leakThreshold: 100 });
      const [lease] = await take(1);
      await clock.advance(99);
      lease?.[end]();
      await clock.advance('1m');
      expect(pool.stats().leased).toBe(0);
      expect([said('leak'), said('leak-returned')]).toEqual([[], []]);
    },
  );
});
