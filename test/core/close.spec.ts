import { LeaseEndedError, PoolClosedError } from 'nestjs-conn-pool/core';
import { addsUp, follow, poolsUnderTest, rejection } from './pools-under-test.js';

describe('close', () => {
  const make = poolsUnderTest();

  it('[C10] closes the idle ones, awaits that, and reports', async () => {
    const { pool, clock, fill, connector, said } = make();
    await fill(3);
    connector.close.next({ after: 100 });
    const closing = follow(pool.close());
    expect(pool.state).toBe('draining');
    await clock.advance(99);
    expect(closing.now.state).toBe('pending');
    await clock.advance(1);
    expect(closing.now).toMatchObject({ value: { closed: 3, forced: 0, failed: 0, durationMs: 100 } });
    expect(pool.state).toBe('closed');
    expect(connector.close.calls.map(({ context }) => context.reason)).toEqual(Array(3).fill('pool-closed'));
    expect(said('closed')).toMatchObject([{ report: { closed: 3 } }]);
  });

  it('[B51] waits for leases: each is closed when it comes back', async () => {
    const { pool, clock, take, connector } = make();
    const [first, second] = await take(2);
    const closing = follow(pool.close({ drain: '10s' }));
    await clock.advance('1s');
    first?.release();
    await clock.settle();
    expect(connector.closed).toEqual([connector.conns[0]]);
    expect(closing.now.state).toBe('pending');
    const leave = second?.conn.enter();
    await clock.advance('1s');
    leave?.();
    second?.discard();
    await clock.settle();
    expect(closing.now).toMatchObject({ value: { closed: 2, forced: 0, durationMs: 2_000 } });
    expect(connector.close.calls.map(({ context }) => context.reason)).toEqual(['pool-closed', 'discarded']);
  });

  it('[B50] [B56] takes back by force, at the end of drain, what was never returned, and really closes it', async () => {
    const { pool, clock, take, connector, said } = make();
    const [lease, other] = await take(2);
    const { signal } = lease ?? {};
    lease?.conn.enter();
    const closing = follow(pool.close({ drain: '3s' }));
    await clock.advance(2_999);
    expect([closing.now.state, lease?.active, signal?.aborted]).toEqual(['pending', true, false]);
    await clock.advance(1);
    expect(closing.now).toMatchObject({ value: { closed: 2, forced: 2, durationMs: 3_000 } });
    expect(connector.live).toEqual([]);
    expect(connector.close.calls.map(({ context }) => context.reason)).toEqual(['forced', 'forced']);
    expect(said('close').map(({ reason }) => reason)).toEqual(['forced', 'forced']);
    expect([lease?.active, signal?.aborted, other?.active]).toEqual([false, true, false]);
    expect(() => lease?.conn).toThrow(LeaseEndedError);
    expect(() => other?.detach()).toThrow(LeaseEndedError);
    lease?.release();
    other?.discard();
    expect(pool.stats()).toMatchObject({ size: 0, totals: { closed: { forced: 2, discarded: 0 } } });
    expect(connector.close.count).toBe(2);
  });

  it('drain: 0 forces at once; drain may be a text; the default is the pool’s', async () => {
    for (const [drain, own, takes] of [
      [0, '1m', 0],
      ['2s', '1m', 2_000],
      [undefined, '1m', 60_000],
      [undefined, 0, 0],
    ] as const) {
      const { pool, clock, take } = make({ drain: own });
      await take(1);
      const closing = follow(pool.close(drain === undefined ? undefined : { drain }));
      if (takes > 0) await clock.advance(takes - 1);
      else await Promise.resolve();
      if (takes > 0) expect(closing.now.state).toBe('pending');
      await clock.advance(takes > 0 ? 1 : 0);
      expect(closing.now).toMatchObject({ value: { forced: 1, durationMs: takes } });
    }
  });

  it('drain: Infinity waits for as long as it takes', async () => {
    const { pool, clock, take } = make();
    const [lease] = await take(1);
    const closing = follow(pool.close({ drain: Infinity }));
    await clock.advance('30d');
    expect([closing.now.state, lease?.active]).toEqual(['pending', true]);
    expect(clock.fired).toBeLessThan(100);
    lease?.release();
    await clock.settle();
    expect(closing.now).toMatchObject({ value: { forced: 0 } });
  });

  it('[B57] ends by its deadline although everything hangs', async () => {
    const { pool, clock, fill, take, connector } = make(
      {
        max: 5,
        idleTimeout: 0,
        dialTimeout: '1h',
        heartbeatTimeout: '1h',
        resetTimeout: '1h',
        closeTimeout: '2s',
      },
      { heartbeat: true, reset: true },
    );
    await fill(4);
    const [resetting] = await take(2);
    for (const call of ['dial', 'heartbeat', 'reset', 'close'] as const) connector[call].always('hang');
    resetting?.release();
    follow(pool.heartbeat({ timeout: '1h' }));
    const waiting = [follow(pool.acquire({ fresh: true })), follow(pool.warmUp(5))];
    await clock.settle();
    const closing = follow(pool.close({ drain: '3s' }));
    await clock.advance('5s');
    expect(closing.now).toMatchObject({ state: 'resolved' });
    expect(pool.stats()).toMatchObject({ size: 0, waiting: 0, state: 'closed' });
    for (const { now } of waiting) expect(now.state).not.toBe('pending');
    expect(clock.pending).toBe(0);
  });

  it('forces running checks and resets at the end of drain', async () => {
    const { pool, clock, fill, take, connector } = make(
      { max: 5, heartbeatTimeout: '1h', resetTimeout: '1h' },
      { heartbeat: true, reset: true },
    );
    await fill(2);
    const [lease] = await take(1);
    connector.heartbeat.next('hang');
    connector.reset.next('hang');
    void pool.heartbeat({ timeout: '1h' });
    lease?.release();
    await clock.settle();
    const closing = follow(pool.close({ drain: '3s' }));
    await clock.advance(2_999);
    expect(closing.now.state).toBe('pending');
    await clock.advance(1);
    expect(closing.now).toMatchObject({ value: { closed: 2, forced: 2 } });
    for (const call of ['heartbeat', 'reset'] as const)
      expect(connector[call].calls.at(-1)?.context.signal.aborted).toBe(true);
  });

  it('lets running checks and resets end by themselves within drain', async () => {
    const { pool, clock, fill, take, connector } = make({ max: 5 }, { heartbeat: true, reset: true });
    await fill(2);
    const [lease] = await take(1);
    connector.heartbeat.next({ after: '1s' });
    connector.reset.next({ after: '1s' });
    void pool.heartbeat();
    lease?.release();
    await clock.settle();
    const closing = follow(pool.close({ drain: '3s' }));
    await clock.advance('1s');
    expect(closing.now).toMatchObject({ value: { closed: 2, forced: 0 } });
  });

  it('[B57] counts closes that fail or do not answer, and ends all the same', async () => {
    const { pool, clock, fill, connector } = make({ closeTimeout: '2s' });
    await fill(4);
    connector.close.next('fail', 'throw', 'hang', 'ok');
    const closing = follow(pool.close());
    await clock.advance('2s');
    expect(closing.now).toMatchObject({ value: { closed: 4, failed: 3 } });
  });

  describe('while a dial is under way', () => {
    it('[C10] aborts its signal when it forces, does not wait for it, and closes what comes late', async () => {
      const { pool, clock, connector } = make({ dialTimeout: '1h' });
      connector.dial.next('hang');
      follow(pool.acquire());
      await clock.settle();
      const closing = follow(pool.close({ drain: 0 }));
      await clock.settle();
      expect(connector.dial.calls[0]?.context.signal.aborted).toBe(true);
      expect(closing.now.state).toBe('resolved');
      expect(clock.pending).toBe(0);
      connector.close.next('fail');
      connector.dial.calls[0]?.resolve();
      await clock.settle();
      expect(connector.closed).toEqual(connector.conns);
      expect(connector.close.calls[0]?.context.reason).toBe('pool-closed');
      expect(clock.pending).toBe(0);
    });
  });

  describe('is the same', () => {
    it('[C10] twice, at once or later: one report, one close for each', async () => {
      const { pool, clock, take, connector } = make();
      await take(2);
      const both = [pool.close({ drain: '1s' }), pool.close({ drain: '1s' })];
      await clock.advance('1s');
      const reports = [...(await Promise.all(both)), await pool.close(), await pool.close({ drain: 0 })];
      for (const report of reports) expect(report).toEqual(reports[0]);
      expect(connector.close.count).toBe(2);
    });

    it('a later one with a shorter drain brings the end forward', async () => {
      const { pool, clock, take } = make();
      await take(1);
      const first = follow(pool.close({ drain: '1m' }));
      await clock.advance('1s');
      const second = follow(pool.close({ drain: 0 }));
      await clock.settle();
      expect(second.now).toMatchObject({ value: { forced: 1 } });
      expect(first.now.state).toBe('resolved');
    });

    it('before the first use', async () => {
      const { pool, connector } = make({ min: 5 });
      expect(await pool.close()).toMatchObject({ closed: 0, forced: 0, failed: 0, durationMs: 0 });
      expect(connector.dial.count).toBe(0);
    });

    it('during start and warm-up', async () => {
      const { pool, clock, connector } = make({ min: 3 });
      connector.dial.always({ after: '1s' });
      await pool.start();
      const warming = follow(pool.warmUp(3));
      await clock.settle();
      const closing = follow(pool.close({ drain: '5s' }));
      await clock.advance('5s');
      expect(closing.now.state).toBe('resolved');
      expect(warming.now.state).not.toBe('pending');
      expect(connector.live).toEqual([]);
    });

    it.each(['dial', 'heartbeat', 'reset', 'close', 'isAlive', 'watch'] as const)(
      'inside %s',
      async (call) => {
        const { pool, clock, connector } = make(
          {},
          { heartbeat: true, reset: true, isAlive: true, watch: true },
        );
        const closed: Promise<unknown>[] = [];
        const sums: boolean[] = [];
        connector[call].tap(() => {
          connector[call].tap(undefined);
          closed.push(pool.close({ drain: 0 }));
          sums.push(addsUp(pool.stats()));
        });
        const life = async () => {
          (await pool.acquire()).release();
          await clock.settle();
          await pool.heartbeat();
          await pool.closeIdle();
          await pool.acquire();
        };
        expect(await rejection(life())).toMatchObject({ code: 'ERR_POOL_CLOSED' });
        expect(sums).toEqual([true]);
        await clock.advance('1m');
        expect(closed).toHaveLength(1);
        await Promise.all(closed);
        expect(connector.live).toEqual([]);
      },
    );

    it('inside use, whose work then ends as it ends', async () => {
      const { pool, clock, connector } = make();
      let closing: Promise<unknown> = Promise.resolve();
      const result = await pool.use(() => {
        closing = pool.close({ drain: '1s' });
        return 'done';
      });
      expect(result).toBe('done');
      await clock.settle();
      await closing;
      expect(connector.close.calls.map(({ context }) => context.reason)).toEqual(['pool-closed']);
    });

    it('inside the listener and the connector’s close that it calls itself', async () => {
      const { pool, clock, fill, connector } = make();
      await fill(2);
      const inner: ReturnType<typeof follow>[] = [];
      pool.events$.subscribe(({ type }) => {
        if (type === 'state' || type === 'close' || type === 'closed') inner.push(follow(pool.close()));
      });
      connector.close.tap(() => void inner.push(follow(pool.close({ drain: 0 }))));
      const outer = follow(pool.close());
      await clock.advance('1m');
      expect(inner.length).toBeGreaterThanOrEqual(4);
      for (const { now } of [outer, ...inner]) expect(now).toMatchObject({ value: { closed: 2 } });
      expect(connector.close.count).toBe(2);
    });

    it('inside a listener and inside the abort of a lease', async () => {
      const { pool, clock, connector, take } = make({}, { watch: true });
      const [lease, other] = await take(2);
      const closed: Promise<unknown>[] = [];
      lease?.signal.addEventListener('abort', () => closed.push(pool.close({ drain: 0 })));
      pool.events$.subscribe(({ type }) => type === 'lost' && closed.push(pool.close({ drain: 0 })));
      connector.conns[0]?.die();
      await clock.settle();
      await Promise.all(closed);
      expect(closed.length).toBeGreaterThanOrEqual(2);
      expect(other?.active).toBe(false);
      expect(connector.close.count).toBe(2);
    });
  });

  it('[B58] pause, evictAll, resize, closeIdle, heartbeat and warmUp afterwards do no harm', async () => {
    const { pool, connector, fill } = make();
    await fill(2);
    await pool.close();
    pool.evictAll();
    pool.pause();
    pool.resume();
    expect(await pool.closeIdle()).toBe(0);
    await pool.heartbeat().catch(() => undefined);
    await pool.warmUp(3).catch(() => undefined);
    try {
      pool.resize({ max: 20, min: 5 });
    } catch (error) {
      expect(error).toBeInstanceOf(PoolClosedError);
    }
    expect(pool.state).toBe('closed');
    expect(connector.dial.count).toBe(2);
    expect(pool.tryAcquire()).toBe(undefined);
  });

  it('holds the process while it drains, and leaves no timer', async () => {
    const { pool, clock, take } = make();
    await pool.start();
    const [lease] = await take(1);
    const closing = pool.close();
    await clock.settle();
    expect(clock.refs).toBeGreaterThan(0);
    lease?.release();
    await closing;
    expect(clock.pending).toBe(0);
  });

  it('completes the events after the last one', async () => {
    const { pool, fill } = make();
    await fill(1);
    const seen: string[] = [];
    pool.events$.subscribe({ next: ({ type }) => seen.push(type), complete: () => seen.push('complete') });
    await pool.close();
    expect(seen).toEqual(['state', 'close', 'closed', 'complete']);
    const late: string[] = [];
    pool.events$.subscribe({ complete: () => late.push('complete') });
    expect(late).toEqual(['complete']);
  });
});
