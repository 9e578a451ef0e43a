import { ConnPool, type ConnPoolOptions, type Connector, type Lease } from 'nestjs-conn-pool/core';
import { FakeClock } from 'nestjs-conn-pool/testing';
import { garbageCollector } from './garbage-collector.js';
import { addsUp, follow, poolsUnderTest, rejection } from './pools-under-test.js';

const ALL = { heartbeat: true, reset: true, isAlive: true, watch: true } as const;

describe('what a user passes in cannot break the pool', () => {
  const make = poolsUnderTest();
  const boom = () => {
    throw new Error('boom');
  };

  it('isFatal that throws: the error of the work is told, the connection is not kept', async () => {
    const { pool, clock } = make({}, { isFatal: boom });
    const error = new Error('work');
    expect(await rejection(pool.use(() => Promise.reject(error)))).toBe(error);
    await clock.settle();
    expect(pool.stats().size).toBe(0);
  });

  it('isPermanent that throws: the error is not permanent', async () => {
    const { pool, clock, connector } = make({ dialAttempts: 2 }, { isPermanent: boom });
    connector.dial.next('fail');
    const acquiring = follow(pool.acquire());
    await clock.advance('1s');
    expect(acquiring.now.state).toBe('resolved');
  });

  it('a watch whose stop throws, or that is no function', async () => {
    const clock = new FakeClock();
    for (const stop of [boom, 7, null, Promise.resolve(1)]) {
      const closed: object[] = [];
      const pool = new ConnPool<object>(
        {
          dial: async () => ({}),
          close: (conn) => void closed.push(conn),
          watch: () => stop as unknown as () => void,
        },
        { clock },
      );
      (await pool.acquire()).discard();
      (await pool.acquire()).detach();
      (await pool.acquire()).release();
      await pool.close({ drain: 0 });
      expect(closed).toHaveLength(2);
      expect(pool.stats()).toMatchObject({ size: 0, totals: { detached: 1 } });
    }
  });

  it('isAlive that answers with a promise or nothing at all is no reason to lose a connection, nor a rejection unhandled', async () => {
    const { clock } = make();
    const pool = new ConnPool<object>(
      { dial: async () => ({}), close: () => undefined, isAlive: () => undefined as unknown as boolean },
      { clock },
    );
    (await pool.acquire()).release();
    const lease = await pool.acquire();
    expect(lease.active).toBe(true);
    lease.release();
    await pool.close();
  });

  it('thenables that are not promises: answers twice, throws in then, answers at once', async () => {
    const { clock } = make();
    let turn = 0;
    const thenables = [
      { then: (done: (conn: object) => void) => (done({ n: 1 }), done({ n: 2 })) },
      { then: (_done: unknown, failed: (error: unknown) => void) => (failed('no'), failed('no again')) },
      { then: boom },
    ];
    const pool = new ConnPool<object>(
      { dial: () => thenables[turn++] as unknown as Promise<object>, close: () => undefined },
      { clock, max: 1 },
    );
    (await pool.acquire()).discard();
    await clock.settle();
    expect(await rejection(pool.acquire())).toMatchObject({ code: 'ERR_DIAL', cause: 'no' });
    const third = follow(pool.acquire());
    await clock.advance('10s');
    expect(third.now).toMatchObject({ error: { code: 'ERR_DIAL', cause: { message: 'boom' } } });
    expect(pool.stats()).toMatchObject({ size: 0, waiting: 0 });
    await pool.close();
  });

  it('lost that is called twice, late, and for one that is gone', async () => {
    const { clock } = make();
    const losts: ((cause?: unknown) => void)[] = [];
    let closes = 0;
    const pool = new ConnPool<object>(
      { dial: async () => ({}), close: () => void closes++, watch: (_conn, lost) => void losts.push(lost) },
      { clock },
    );
    const lease = await pool.acquire();
    losts[0]?.('a');
    losts[0]?.('b');
    lease.release();
    losts[0]?.('c');
    await clock.settle();
    losts[0]?.('d');
    const detached = await pool.acquire();
    detached.detach();
    losts[1]?.('e');
    await clock.settle();
    expect(pool.stats()).toMatchObject({ size: 0, totals: { lost: 1, detached: 1 } });
    expect(closes).toBe(1);
    await pool.close();
  });

  it('a connection that is a thenable, or frozen, or a Proxy that throws', async () => {
    const { clock } = make();
    const proxy = new Proxy({}, { get: boom, has: boom, ownKeys: boom, set: boom });
    const closed: unknown[] = [];
    let turn = 0;
    const pool = new ConnPool<unknown>(
      { dial: () => [Object.freeze({}), 7n, Symbol('s')][turn++], close: (conn) => void closed.push(conn) },
      { clock },
    );
    for (let i = 0; i < 3; i++) (await pool.acquire()).discard();
    await clock.settle();
    expect(closed).toHaveLength(3);
    await pool.close();
    void proxy;
  });

  it('the same object twice: both are connections of their own', async () => {
    const { clock } = make();
    const same = {};
    let closes = 0;
    const pool = new ConnPool<object>({ dial: async () => same, close: () => void closes++ }, { clock });
    const [one, two] = [await pool.acquire(), await pool.acquire()];
    expect(one.id).not.toBe(two.id);
    one.discard();
    await clock.settle();
    expect(two.active).toBe(true);
    expect(two.conn).toBe(same);
    two.release();
    expect(pool.stats()).toMatchObject({ idle: 1, size: 1 });
    await pool.close();
    expect(closes).toBe(2);
  });

  it('options that change after the pool was made', async () => {
    const { clock } = make();
    const options: ConnPoolOptions = { max: 1, clock };
    const connector: Connector<object> = { dial: async () => ({}), close: () => undefined };
    const pool = new ConnPool(connector, options);
    options.max = 100;
    await pool.acquire();
    const second = follow(pool.acquire());
    await clock.settle();
    expect(second.now.state).toBe('pending');
    await pool.close({ drain: 0 });
  });
});

describe('what has left the pool', () => {
  it.each([
    ['discarded', (lease: Lease<object>) => lease.discard()],
    ['worn out', (lease: Lease<object>) => lease.release()],
    ['detached', (lease: Lease<object>) => void lease.detach()],
  ])('is forgotten: %s', async (_how, end) => {
    const collect = garbageCollector();
    const pool = new ConnPool<object>(
      {
        dial: async () => ({}),
        close: async () => undefined,
        heartbeat: async () => undefined,
        watch: () => noop,
      },
      { clock: new FakeClock(), maxUses: 1, max: 2, leakThreshold: '1m' },
    );
    const gone: WeakRef<object>[] = [];
    for (let i = 0; i < 100; i++) {
      const lease = await pool.acquire();
      gone.push(new WeakRef(lease.conn));
      end(lease);
    }
    await collect();
    expect(gone.filter((ref) => ref.deref() !== undefined).length).toBeLessThan(5);
    await pool.close();
  });

  const noop = () => undefined;
});

describe('the pool may be called from within', () => {
  const make = poolsUnderTest();

  it.each(['dial', 'heartbeat', 'reset', 'close', 'isAlive', 'watch'] as const)(
    '%s: acquire, release, stats, inspect, tryAcquire, resize, evictAll, closeIdle, pause, resume, heartbeat, warmUp',
    async (call) => {
      const { pool, clock, connector } = make({ max: 3, heartbeatInterval: '10s', idleTimeout: 0 }, ALL);
      const sums: boolean[] = [];
      const inner: ReturnType<typeof follow>[] = [];
      let depth = 0;
      connector[call].tap(() => {
        if (depth > 3) return;
        depth++;
        inner.push(follow(pool.acquire().then((lease) => lease.release())));
        pool.tryAcquire()?.release();
        sums.push(addsUp(pool.stats()), pool.inspect().length === pool.stats().size);
        pool.resize({ max: 2 });
        pool.resize({ max: 3 });
        pool.pause();
        pool.resume();
        pool.evictAll();
        inner.push(follow(pool.closeIdle()), follow(pool.heartbeat()), follow(pool.warmUp(2)));
        sums.push(addsUp(pool.stats()));
      });
      for (let round = 0; round < 4; round++) {
        const [one, two] = [follow(pool.acquire()), follow(pool.acquire())];
        await clock.advance('11s');
        for (const { now } of [one, two]) {
          expect(now.state).toBe('resolved');
          if (now.state === 'resolved') now.value.release();
        }
        await clock.settle();
        follow(pool.heartbeat());
        await clock.settle();
        follow(pool.closeIdle());
        await clock.settle();
      }
      await clock.advance('1m');
      expect(depth).toBeGreaterThan(2);
      expect(sums.every(Boolean)).toBe(true);
      expect(inner.filter(({ now }) => now.state === 'pending')).toEqual([]);
      expect(pool.stats()).toMatchObject({ leased: 0, waiting: 0, checking: 0, dialing: 0, closing: 0 });
      connector[call].tap(undefined);
    },
  );

  it('a listener: acquire, release and discard inside every event', async () => {
    const { pool, clock, connector } = make({ max: 2, idleTimeout: '5s', dialAttempts: 3 }, ALL);
    const inner: ReturnType<typeof follow>[] = [];
    let calls = 0;
    const subscription = pool.events$.subscribe(() => {
      if (calls++ > 50) return;
      inner.push(follow(pool.use(() => 1)));
      const lease = pool.tryAcquire();
      if (calls % 2 === 0) lease?.discard();
      else lease?.release();
    });
    connector.dial.next('fail', 'ok', 'fail');
    await pool.start();
    for (let round = 0; round < 10; round++) {
      inner.push(follow(pool.use((conn) => (round % 3 === 0 ? conn.die() : undefined))));
      await clock.advance('2s');
    }
    await clock.advance('1m');
    expect(inner.filter(({ now }) => now.state === 'pending')).toEqual([]);
    expect(pool.stats()).toMatchObject({ leased: 0, waiting: 0 });
    subscription.unsubscribe();
  });

  it('an abort listener of a lease: everything that ends a lease', async () => {
    for (const end of ['release', 'discard', 'detach'] as const) {
      const { pool, clock, connector, take } = make({ max: 1 }, { watch: true });
      const [lease] = await take(1);
      const waiter = follow(pool.acquire());
      lease?.signal.addEventListener('abort', () => lease[end]());
      connector.conns[0]?.die();
      await clock.settle();
      expect(waiter.now.state).toBe('resolved');
      expect(pool.stats()).toMatchObject({ size: 1, leased: 1 });
    }
  });

  it('work that ends its own lease and acquires again, many times over', async () => {
    const { pool } = make({ max: 1 });
    const again = async (depth: number): Promise<number> => {
      if (depth === 0) return 0;
      return pool.use(async (_conn, lease: Lease<unknown>) => {
        lease.release();
        return 1 + (await again(depth - 1));
      });
    };
    expect(await again(2_000)).toBe(2_000);
    expect(pool.stats()).toMatchObject({ idle: 1, leased: 0 });
  });

  it('a long line of connections that fail one after the other ends without a deep stack', async () => {
    const { pool, clock, connector } = make({ max: 1, maxUses: 1, acquireTimeout: 0 });
    connector.dial.always('sync');
    connector.close.always('sync');
    let served = 0;
    for (let i = 0; i < 20_000; i++)
      void pool.acquire().then((lease) => {
        served++;
        lease.release();
      });
    await clock.settle();
    expect(served).toBe(20_000);
    expect(connector.dial.count).toBe(20_000);
  });
});
