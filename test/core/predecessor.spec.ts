import { DialError, PoolClosedError } from 'nestjs-conn-pool/core';
import { follow, poolsUnderTest, rejection } from './pools-under-test.js';

/** The predecessor's own scenarios, and what was wrong with it. */
describe('as the predecessor', () => {
  const make = poolsUnderTest();

  it('[C4] each of ten gets is told the error of its dial', async () => {
    const { pool, connector, clock } = make();
    const refused = new Error('refused');
    connector.dial.always({ fail: refused });
    for (let i = 0; i < 10; i++) {
      const getting = follow(pool.acquire());
      await clock.advance('5s');
      expect(getting.now).toMatchObject({ state: 'rejected', error: { cause: refused } });
      expect((getting.now as { error: unknown }).error).toBeInstanceOf(DialError);
    }
    expect(connector.dial.count).toBe(10);
  });

  it('[C4] each of ten gets is told the error of the heartbeat after its dial; nothing stays open', async () => {
    const { pool, connector, clock } = make({}, { heartbeat: true });
    const dead = new Error('dead');
    connector.heartbeat.always({ fail: dead });
    for (let i = 0; i < 10; i++) {
      const getting = follow(pool.acquire());
      await clock.advance('5s');
      expect(getting.now).toMatchObject({ state: 'rejected', error: { cause: dead } });
    }
    expect(connector.live).toEqual([]);
    expect(pool.stats().size).toBe(0);
  });

  it('[C3] [C8] three gets with a deadline of 2 s are served by what comes back after 1, 2 and 3 s', async () => {
    const { pool, clock, take } = make({ max: 3 });
    const leases = await take(3);
    const times: number[] = [];
    const began = clock.now();
    const getting = [0, 1, 2].map(async (i) => {
      if (i > 0) await new Promise<void>((resolve) => void clock.setTimeout(resolve, i * 1_000 - 1));
      const lease = await pool.acquire({ timeout: '2s' });
      times.push(clock.now() - began);
      return lease;
    });
    for (const [i, lease] of leases.entries()) clock.setTimeout(() => lease.release(), (i + 1) * 1_000);
    await clock.advance('4s');
    expect((await Promise.all(getting)).every(({ active }) => active)).toBe(true);
    expect(times).toEqual([1_000, 2_000, 3_000]);
  });

  it.each(['release', 'discard'] as const)(
    '[C11] get and %s, ten times, one after the other: never more than one',
    async (end) => {
      const { pool, clock, connector } = make({ exhausted: 'overflow', max: 1 });
      for (let i = 0; i < 10; i++) {
        const lease = await pool.acquire();
        expect(pool.stats().size).toBe(1);
        lease[end]();
        await clock.settle();
        expect(pool.stats().size).toBe(end === 'release' ? 1 : 0);
      }
      expect(connector.peak).toBe(1);
    },
  );

  it('[C10] gets after a close, and the one that waits, are told that it is closed', async () => {
    const { pool, take, clock } = make({ max: 1 });
    const [lease] = await take(1);
    const waiting = follow(pool.acquire());
    const closing = pool.close();
    for (let i = 0; i < 3; i++) expect(await rejection(pool.acquire())).toBeInstanceOf(PoolClosedError);
    await clock.settle();
    expect(waiting.now).toMatchObject({ error: { code: 'ERR_POOL_CLOSED' } });
    lease?.release();
    await closing;
  });

  it('[C13] five workers, ten calls each, a connection broken at call 5, an application error every second call', async () => {
    class EchoError extends Error {}
    class TransportError extends Error {}
    const { pool, clock, connector } = make(
      { max: 5, exhausted: 'overflow' },
      { heartbeat: true, isFatal: (error) => error instanceof TransportError },
    );
    let calls = 0;
    const outcomes = { ok: 0, echo: 0, transport: 0 };
    const echo = async (conn: { alive: boolean; enter(): () => void }) => {
      const leave = conn.enter();
      await new Promise<void>((resolve) => void clock.setTimeout(resolve, 10));
      leave();
      if (!conn.alive) throw new TransportError('EPIPE');
      if (++calls % 2 === 0) throw new EchoError('echo error');
    };
    const worker = async () => {
      for (let call = 1; call <= 10; call++)
        await pool
          .use(async (conn) => {
            if (call === 5) conn.dieSilently();
            await echo(conn);
          })
          .then(
            () => outcomes.ok++,
            (error: unknown) => (error instanceof EchoError ? outcomes.echo++ : outcomes.transport++),
          );
    };
    const workers = Promise.all(Array.from({ length: 5 }, worker));
    await clock.advance('10s');
    await workers;
    expect(outcomes).toEqual({ ok: 23, echo: 22, transport: 5 });
    expect(connector.conns).toHaveLength(10);
    expect(connector.closed).toHaveLength(5);
    expect(pool.stats()).toMatchObject({ size: 5, idle: 5, leased: 0 });
  });

  it('[C8] a forced close wakes who waits at once, with no deadline to help', async () => {
    const { pool, clock, take } = make({ max: 1, acquireTimeout: 0 });
    const [lease] = await take(1);
    const waiter = follow(pool.acquire());
    lease?.discard();
    await clock.settle();
    expect(waiter.now.state).toBe('resolved');
  });

  it('[C8] closing a lease twice leaves the count as it is', async () => {
    const { pool, clock, take, connector } = make({ max: 2 });
    const [one] = await take(2);
    one?.discard();
    one?.discard();
    await clock.settle();
    expect(pool.stats()).toMatchObject({ size: 1, leased: 1 });
    expect(connector.close.count).toBe(1);
  });

  it('[C3] one slow dial or heartbeat holds up nobody who can be served otherwise', async () => {
    const { pool, clock, fill, connector } = make({ max: 3, idleTimeout: 0 }, { heartbeat: true });
    await pool.start();
    await fill(2);
    connector.dial.next('hang');
    follow(pool.acquire({ fresh: true }));
    connector.heartbeat.next('hang');
    await clock.settle();
    const served = follow(pool.use(() => 'served'));
    await clock.settle();
    expect(served.now).toEqual({ state: 'resolved', value: 'served' });
  });

  it('[B40] the loss of one connection can make the pool check the others: heartbeat() in a listener', async () => {
    const { pool, clock, fill, connector } = make({ max: 3 }, { heartbeat: true, watch: true });
    await fill(3);
    pool.events$.subscribe(({ type }) => {
      if (type === 'lost') void pool.heartbeat();
    });
    connector.conns[1]?.dieSilently();
    connector.conns[2]?.dieSilently();
    connector.conns[0]?.die(new Error('the server is gone'));
    await clock.settle();
    expect(pool.stats().size).toBe(0);
    expect((await pool.acquire()).conn).toBe(connector.conns[3]);
  });

  it('[B68] new credentials: the next dials use them, evictAll retires the old', async () => {
    const { ConnPool } = await import('nestjs-conn-pool/core');
    let password = 'old';
    const pool = new ConnPool({ dial: async () => ({ password }), close: () => undefined }, { max: 2 });
    const held = await pool.acquire();
    (await pool.acquire()).release();
    password = 'new';
    pool.evictAll();
    const next = await pool.acquire();
    expect(next.conn.password).toBe('new');
    held.release();
    next.release();
    expect((await pool.acquire()).conn.password).toBe('new');
    await pool.close({ drain: 0 });
  });
});

describe('an outage', () => {
  const make = poolsUnderTest();

  it('[B34] [B36] [B46] of all connections at once: nobody hangs, the back-off bounds the dials, min is back within its cap', async () => {
    const { pool, clock, connector, said } = make(
      { max: 5, min: 3, dialBackoff: { initial: 100, max: '2s' }, acquireTimeout: '3s' },
      { heartbeat: true, watch: true },
    );
    await pool.start();
    await clock.settle();
    connector.dial.always({ after: 5, fail: new Error('connect ECONNREFUSED') });
    for (const conn of [...connector.live]) conn.die(new Error('reset'));
    const asking: ReturnType<typeof follow>[] = [];
    const before = connector.dial.count;
    for (let second = 0; second < 60; second++) {
      asking.push(follow(pool.use(() => 'served')));
      await clock.advance('1s');
    }
    await clock.advance('3s');
    for (const { now } of asking) expect(now.state).toBe('rejected');
    expect(connector.dial.count - before).toBeLessThanOrEqual(60 * 4 * 2);
    expect(said('recovered')).toEqual([]);
    connector.dial.always({ after: 5 });
    await clock.advance(2_000 + 3 * 5 + 2);
    expect(pool.stats()).toMatchObject({ idle: 3, waiting: 0, state: 'open' });
    expect(said('recovered')).toHaveLength(1);
    expect(said('recovered')[0]?.downMs).toBeGreaterThan(60_000);
  });

  it('[B45] [B47] a pool that nobody uses for a day does next to nothing', async () => {
    const { pool, clock, connector } = make({ min: 2 }, { heartbeat: true });
    await pool.start();
    await clock.advance('24h');
    expect(pool.stats().idle).toBe(2);
    // 2 connections: a check a minute each, and a new life every half hour
    expect(connector.heartbeat.count).toBeLessThanOrEqual(2 * (24 * 60 + 24 * 3));
    expect(connector.dial.count).toBeLessThanOrEqual(2 * 24 * 3);
    expect(clock.fired).toBeLessThan(10_000);
    expect(clock.refs).toBe(0);
  });
});
