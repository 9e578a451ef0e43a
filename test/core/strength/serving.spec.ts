import { ConnPool, KeyedConnPool } from 'nestjs-conn-pool/core';
import { follow, poolsUnderTest } from '../pools-under-test.js';

/** Counts how deep a function is within itself. */
function depthOf<R>(work: () => R): { call: () => R; deepest: () => number } {
  let depth = 0;
  let deepest = 0;
  return {
    deepest: () => deepest,
    call: () => {
      depth += 1;
      deepest = Math.max(deepest, depth);
      try {
        return work();
      } finally {
        depth -= 1;
      }
    },
  };
}

describe('what the connector does in the pool while the line is served', () => {
  it('waits until its call is over: it is not called from within itself', async () => {
    let left = 5;
    const acquired: Promise<unknown>[] = [];
    const dial = depthOf(() => {
      if ((left -= 1) >= 0) acquired.push(pool.acquire());
      return {};
    });
    const pool: ConnPool<object> = new ConnPool<object>({ dial: dial.call, close: () => undefined });
    await pool.acquire();
    await Promise.all(acquired);
    expect([dial.deepest(), pool.stats().leased]).toEqual([1, 6]);
    await pool.close({ drain: 0 });
  });

  it('and may answer at once: whoever asked is the first to have the connection', async () => {
    for (const fresh of [false, true]) {
      const pool = new ConnPool<object>({ dial: () => ({}), close: () => undefined });
      const lease = await pool.acquire({ fresh });
      expect(lease.reused).toBe(false);
      lease.release();
      expect((await pool.acquire()).reused).toBe(true);
      await pool.close({ drain: 0 });
    }
  });

  it('is done in the order of the line', async () => {
    const got: [string, number][] = [];
    const take = (name: string) => void pool.acquire().then(({ id }) => got.push([name, id]));
    let first = true;
    const pool: ConnPool<object> = new ConnPool<object>({
      dial: () => {
        if (first) take('from within');
        first = false;
        return {};
      },
      close: () => undefined,
    });
    take('before');
    take('after');
    await new Promise((resolve) => setImmediate(resolve));
    expect(got.sort(([, one], [, other]) => one - other).map(([name]) => name)).toEqual([
      'before',
      'from within',
      'after',
    ]);
    await pool.close({ drain: 0 });
  });

  it('may be to close the pool, which is closed when all of it takes no time', () => {
    const pool: ConnPool<object> = new ConnPool<object>({
      dial: () => {
        void pool.close({ drain: '1h' });
        return {};
      },
      close: () => undefined,
    });
    void follow(pool.acquire());
    expect(pool.state).toBe('closed');
  });

  it('waits in a pool by keys, too', async () => {
    let left = 5;
    const acquired: Promise<unknown>[] = [];
    const dial = depthOf(() => {
      if ((left -= 1) >= 0) acquired.push(pool.acquire('a'));
      return {};
    });
    const pool = new KeyedConnPool<string, object>({ dial: dial.call, close: () => undefined }, { max: 9 });
    await pool.acquire('a');
    await Promise.all(acquired);
    expect([dial.deepest(), pool.stats().leased]).toEqual([1, 6]);
    await pool.close({ drain: 0 });
  });
});

describe('a slot that becomes free', () => {
  const make = poolsUnderTest();

  it.each(['discard', 'detach'] as const)('by %s goes to whoever waits', async (end) => {
    const { pool, take, clock } = make({ max: 1 });
    const [lease] = await take(1);
    const waiter = follow(pool.acquire());
    lease?.[end]();
    await clock.settle();
    expect(waiter.now).toMatchObject({ state: 'resolved', value: { reused: false } });
  });

  it('by the end of a close that did not answer goes to whoever waits', async () => {
    const { pool, take, connector, clock } = make({ max: 1, closeTimeout: 100 });
    const [lease] = await take(1);
    connector.close.next('hang');
    const waiter = follow(pool.acquire());
    lease?.discard();
    await clock.advance(99);
    expect(waiter.now.state).toBe('pending');
    await clock.advance(1);
    expect(waiter.now.state).toBe('resolved');
  });

  it('by growth goes to whoever waits', async () => {
    const { pool, take, clock } = make({ max: 1 });
    await take(1);
    const waiter = follow(pool.acquire());
    pool.resize({ max: 2 });
    await clock.settle();
    expect(waiter.now.state).toBe('resolved');
  });

  it('by the end of a dial is used for the next dial, as far as dials may run side by side', async () => {
    const { pool, connector, clock } = make({ max: 3, min: 3, dialConcurrency: 1 });
    await pool.start();
    await clock.settle();
    expect(connector.dial.count).toBe(3);
    expect(pool.stats()).toMatchObject({ idle: 3, size: 3 });
  });

  it.each(['heartbeat', 'reset'] as const)(
    'beside a connection whose %s has failed goes to whoever counted on it, before its close has ended',
    async (call) => {
      const { pool, fill, take, connector, clock } = make(
        { max: 2, idleTimeout: 0, heartbeatInterval: 100 },
        { heartbeat: true, reset: call === 'reset' },
      );
      if (call === 'heartbeat') {
        await fill(1);
        await clock.advance(100);
      }
      const [lease] = call === 'reset' ? await take(1) : [];
      const gate = connector[call]?.gate();
      lease?.release();
      const waiter = follow(pool.acquire());
      await clock.settle();
      expect([connector.dial.count, waiter.now.state]).toEqual([1, 'pending']);
      connector.close.gate();
      gate?.reject(new Error('half open'));
      await clock.settle();
      expect(waiter.now).toMatchObject({ state: 'resolved', value: { reused: false } });
      expect(pool.stats()).toMatchObject({ closing: 1, leased: 1 });
    },
  );
});
