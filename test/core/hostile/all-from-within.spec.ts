import type { Lease } from 'nestjs-conn-pool/core';
import { addsUp, follow, poolsUnderTest } from '../pools-under-test.js';

const ALL = { heartbeat: true, reset: true, isAlive: true, watch: true } as const;

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
      // What dies as young as this one may be dialled again only after a while.
      await clock.advance('1s');
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
