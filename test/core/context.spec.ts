import { AsyncLocalStorage } from 'node:async_hooks';
import { poolsUnderTest } from './pools-under-test.js';

const ALL = { heartbeat: true, reset: true, isAlive: true, watch: true } as const;

describe('the async context', () => {
  const make = poolsUnderTest();

  it('[B61] of a borrower is not that of dial, heartbeat, reset, close and watch', async () => {
    const storage = new AsyncLocalStorage<string>();
    const { pool, clock, connector } = make({ max: 1, idleTimeout: '1m', heartbeatInterval: '20s' }, ALL);
    const seen: [string, unknown][] = [];
    for (const call of ['dial', 'heartbeat', 'reset', 'close', 'watch'] as const)
      connector[call].tap(() => seen.push([call, storage.getStore()]));
    await storage.run('borrower', async () => {
      await pool.start();
      await pool.use(() => 1);
      await clock.settle();
      await pool.heartbeat();
      (await pool.acquire({ fresh: true })).release();
      await clock.settle();
      await pool.warmUp(1);
      await pool.closeIdle();
      (await pool.acquire()).discard();
      pool.evictAll();
      (await pool.acquire()).release();
      await clock.advance('10m'); // timers armed meanwhile
      await pool.acquire();
      await pool.close({ drain: 0 });
    });
    expect(new Set(seen.map(([call]) => call)).size).toBe(5);
    expect(seen.filter(([, store]) => store === 'borrower')).toEqual([]);
  });

  it('[B61] of a borrower is not that of isAlive', async () => {
    const storage = new AsyncLocalStorage<string>();
    const { pool, connector } = make({ max: 1 }, { isAlive: true });
    const seen: unknown[] = [];
    connector.isAlive.tap(() => seen.push(storage.getStore()));
    await storage.run('borrower', async () => {
      (await pool.acquire()).release();
      pool.tryAcquire()?.release();
      (await pool.acquire()).release();
    });
    expect(seen.length).toBeGreaterThan(1);
    expect(seen).not.toContain('borrower');
  });

  it('[B61] of a retry, of a refill and of a dial for another is not that of who came first', async () => {
    const storage = new AsyncLocalStorage<string>();
    const { pool, clock, connector } = make({ max: 2, min: 1, dialAttempts: 5 }, { heartbeat: true });
    const seen: unknown[] = [];
    connector.dial.tap(() => seen.push(storage.getStore()));
    connector.heartbeat.tap(() => seen.push(storage.getStore()));
    connector.dial.next('fail', 'fail');
    await storage.run('first', async () => {
      const acquiring = pool.acquire();
      await clock.advance('10s');
      (await acquiring).discard();
    });
    await pool.start();
    await clock.advance('1m');
    expect(seen.length).toBeGreaterThan(4);
    expect(seen.every((store) => store === undefined)).toBe(true);
  });

  it('[B61] of the one who made the pool is the pool’s own', async () => {
    const storage = new AsyncLocalStorage<string>();
    const { pool, connector } = storage.run('maker', () => make({}, ALL));
    const seen: unknown[] = [];
    for (const call of ['dial', 'heartbeat', 'watch'] as const)
      connector[call].tap(() => seen.push(storage.getStore()));
    await storage.run('borrower', () => pool.use(() => 1));
    await storage.run('borrower', () => pool.use(() => 1));
    expect(seen).toHaveLength(3);
    expect(new Set(seen)).toEqual(new Set(['maker']));
  });

  it('[B61] after an acquire is the caller’s, whoever released', async () => {
    const storage = new AsyncLocalStorage<string>();
    const { pool, clock } = make({ max: 1 });
    const lease = await storage.run('releaser', () => pool.acquire());
    const waited = storage.run('waiter', async () => {
      const got = await pool.acquire();
      const after = storage.getStore();
      got.release();
      return after;
    });
    const used = storage.run('user', () => pool.use(() => storage.getStore()));
    const failed = storage.run('failer', async () => {
      try {
        await pool.acquire({ timeout: 0, signal: AbortSignal.abort() });
      } catch {
        return storage.getStore();
      }
      return 'not reached';
    });
    storage.run('releaser', () => lease.release());
    await clock.settle();
    expect(await Promise.all([waited, used, failed])).toEqual(['waiter', 'user', 'failer']);
  });
});
