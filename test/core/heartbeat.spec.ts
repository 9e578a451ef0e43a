import { follow, poolsUnderTest, rejection } from './pools-under-test.js';

describe('a heartbeat', () => {
  const make = poolsUnderTest();

  describe('after a dial (a)', () => {
    it('[C4] [B44] runs before the connection is lent, and before it counts as idle', async () => {
      const { pool, connector, clock } = make({ min: 1 }, { heartbeat: true });
      const checking = connector.heartbeat.gate();
      await pool.start();
      const acquiring = follow(pool.acquire());
      await clock.settle();
      expect(acquiring.now.state).toBe('pending');
      expect(pool.stats()).toMatchObject({ dialing: 1, idle: 0, size: 1, totals: { dialed: 0 } });
      expect(pool.tryAcquire()).toBe(undefined);
      checking.resolve();
      await clock.settle();
      expect(acquiring.now.state).toBe('resolved');
      expect(pool.stats().totals).toMatchObject({ dialed: 1, heartbeats: 1, heartbeatFailures: 0 });
    });

    it('[B62] is awaited whether it answers at once or later; a value is no failure', async () => {
      const { ConnPool } = await import('nestjs-conn-pool/core');
      for (const heartbeat of [() => false, () => undefined, async () => 'pong', () => 0]) {
        const pool = new ConnPool({ dial: () => ({}), close: () => undefined, heartbeat });
        (await pool.acquire()).release();
        expect(pool.stats().totals.heartbeatFailures).toBe(0);
        await pool.close();
      }
    });
  });

  describe('before a hand-out (b)', () => {
    const options = { heartbeatInterval: '1m', idleTimeout: 0, maxLifetime: 0 } as const;

    it('[C5] [B48] runs when the connection was unused and unchecked for heartbeatInterval, also when no timer ran', async () => {
      const { pool, connector, clock, fill } = make(options, { heartbeat: true });
      await fill(1);
      expect(connector.heartbeat.count).toBe(1);
      clock.stall(60_000);
      const checking = connector.heartbeat.gate();
      const acquiring = follow(pool.acquire());
      await clock.settle();
      expect(checking.called).toBe(true);
      expect(acquiring.now.state).toBe('pending');
      expect(pool.stats()).toMatchObject({ checking: 1, idle: 0 });
      checking.resolve();
      await clock.settle();
      expect(acquiring.now).toMatchObject({
        state: 'resolved',
        value: { reused: true, conn: connector.conns[0] },
      });
    });

    it('[C5] does not run when the connection was used or checked within it', async () => {
      const { pool, connector, clock, fill } = make(options, { heartbeat: true });
      await fill(1);
      for (let i = 0; i < 10; i++) {
        clock.stall(59_999);
        (await pool.acquire()).release();
        await clock.settle();
      }
      expect(connector.heartbeat.count).toBe(1);
      await pool.heartbeat(); // a check counts as a use
      clock.stall(59_999);
      (await pool.acquire()).release();
      expect(connector.heartbeat.count).toBe(2);
    });

    it('[C5] [B34] that fails costs the connection, and the next idle one is tried', async () => {
      const { pool, connector, clock, fill, said } = make(options, { heartbeat: true });
      await fill(2);
      clock.stall('2m');
      const dead = new Error('half open');
      connector.heartbeat.next({ fail: dead });
      const lease = await pool.acquire();
      expect(lease.reused).toBe(true);
      await clock.settle();
      expect(connector.dial.count).toBe(2);
      expect(connector.close.calls.map(({ context }) => context.reason)).toEqual(['heartbeat-failed']);
      expect(said('heartbeat-failed')).toMatchObject([{ cause: dead }]);
      expect(said('close')).toMatchObject([{ reason: 'heartbeat-failed', cause: dead }]);
      expect(pool.stats().totals).toMatchObject({ heartbeatFailures: 1, closed: { 'heartbeat-failed': 1 } });
    });

    it('[C5] [B36] that fails on all of them ends in a new one', async () => {
      const { pool, connector, clock, fill } = make({ ...options, max: 3 }, { heartbeat: true });
      await fill(3);
      for (const conn of connector.conns) conn.dieSilently();
      clock.stall('2m');
      const acquiring = follow(pool.acquire());
      await clock.advance('5s');
      expect(acquiring.now).toMatchObject({ state: 'resolved', value: { reused: false } });
      expect(connector.conns.slice(0, 3).every(({ closed }) => closed)).toBe(true);
      expect(connector.peak).toBeLessThanOrEqual(3);
    });

    it('[B40] that fails makes the others due, too: what killed one may have killed them', async () => {
      const { pool, connector, clock, fill } = make(options, { heartbeat: true });
      await fill(3);
      connector.conns[0]?.dieSilently();
      connector.conns[1]?.dieSilently();
      connector.heartbeat.next('fail');
      void pool.heartbeat();
      await clock.settle();
      const lease = await pool.acquire();
      expect(lease.conn.alive).toBe(true);
      await clock.settle();
      expect(connector.live).toHaveLength(pool.stats().size);
      expect(connector.live.every(({ alive }) => alive)).toBe(true);
    });

    it('[B40] runs on the others after one was lost', async () => {
      const { pool, connector, clock, fill } = make(options, { heartbeat: true, watch: true });
      await fill(3);
      await clock.advance('1s');
      connector.conns[1]?.dieSilently();
      connector.conns[2]?.dieSilently();
      connector.conns[0]?.die(new Error('the server is gone'));
      expect(pool.tryAcquire()).toBe(undefined);
      const lease = await pool.acquire();
      expect(lease.conn).toBe(connector.conns[3]);
    });

    it('runs on the others after each that was lost, not only after the first', async () => {
      const { pool, connector, clock, fill } = make(options, { heartbeat: true, watch: true });
      await fill(3);
      await clock.advance('1s');
      for (const dead of [0, 1]) {
        connector.conns[dead]?.die();
        expect(pool.tryAcquire()).toBe(undefined);
        const before = connector.heartbeat.count;
        (await pool.acquire()).release();
        expect(connector.heartbeat.count).toBeGreaterThan(before);
        await pool.heartbeat();
        pool.tryAcquire()?.release();
      }
    });

    it('serves one of several waiters with what needs no check meanwhile', async () => {
      const { pool, connector, clock, fill, take } = make(
        { ...options, order: 'fifo', max: 2 },
        { heartbeat: true },
      );
      await fill(2);
      const [held] = await take(1);
      await clock.settle();
      clock.stall('2m');
      held?.release(); // used just now: not due
      const slow = connector.heartbeat.gate();
      const waiters = [follow(pool.acquire()), follow(pool.acquire())];
      await clock.settle();
      expect(waiters.filter(({ now }) => now.state === 'resolved')).toHaveLength(1);
      slow.resolve();
      await clock.settle();
      expect(waiters.filter(({ now }) => now.state === 'resolved')).toHaveLength(2);
    });

    it('does not run when heartbeatInterval is off', async () => {
      for (const heartbeatInterval of [0, Infinity]) {
        const { pool, connector, clock, fill } = make({ ...options, heartbeatInterval }, { heartbeat: true });
        await pool.start();
        await fill(1);
        await clock.advance('10h');
        (await pool.acquire()).release();
        expect(connector.heartbeat.count).toBe(1);
      }
    });
  });

  describe('in the background (c)', () => {
    const options = { heartbeatInterval: '1m', idleTimeout: 0, maxLifetime: 0 } as const;

    it('[C6] [B34] runs on each idle connection every heartbeatInterval', async () => {
      const { pool, connector, clock, fill } = make(options, { heartbeat: true });
      await pool.start();
      await fill(3);
      await clock.advance('1m');
      expect(connector.heartbeat.count).toBe(3 + 3);
      await clock.advance('10m');
      expect(connector.heartbeat.count).toBeGreaterThanOrEqual(3 + 3 + 3 * 9);
      expect(connector.heartbeat.count).toBeLessThanOrEqual(3 + 3 + 3 * 10);
      expect(pool.stats().totals.heartbeats).toBe(connector.heartbeat.count);
    });

    it('[C6] leaves alone what was used meanwhile, and what is lent', async () => {
      const { pool, connector, clock, fill } = make(options, { heartbeat: true });
      await pool.start();
      await fill(1);
      await clock.advance('40s');
      (await pool.acquire()).release();
      await clock.advance('40s');
      expect(connector.heartbeat.count).toBe(1);
      await clock.advance('20s');
      expect(connector.heartbeat.count).toBe(2);
      const lease = await pool.acquire();
      const leave = lease.conn.enter();
      await clock.advance('10m');
      expect(connector.heartbeat.count).toBe(2);
      leave();
    });

    it('[C6] keeps only the one it is checking from being lent', async () => {
      const { pool, connector, clock, fill } = make(options, { heartbeat: true });
      await pool.start();
      await fill(1);
      await clock.advance('30s');
      const first = await pool.acquire();
      const second = await pool.acquire();
      second.release(); // due later than …
      await clock.advance(1);
      first.release(); // … this one
      connector.heartbeat.always('hang');
      await clock.advance(59_999);
      expect(pool.stats()).toMatchObject({ checking: 1, idle: 1 });
      const lease = await pool.acquire();
      expect(lease.conn.inUse).toBe(false);
      expect(pool.stats()).toMatchObject({ checking: 1, leased: 1 });
      connector.heartbeat.always('ok');
    });

    it('[B34] [B31] closes what does not answer and, with min, makes another', async () => {
      const { pool, connector, clock, said } = make({ ...options, min: 2 }, { heartbeat: true });
      await pool.start();
      await clock.settle();
      expect(pool.stats().idle).toBe(2);
      connector.conns[0]?.dieSilently();
      await clock.advance('1m');
      await clock.advance('1s');
      expect(said('heartbeat-failed')).toHaveLength(1);
      expect(connector.closed).toEqual([connector.conns[0]]);
      expect(pool.stats()).toMatchObject({ idle: 2, size: 2 });
    });

    it('does not count as a use: idleTimeout goes on', async () => {
      const { pool, clock, fill } = make(
        { heartbeatInterval: '10s', idleTimeout: '1m' },
        { heartbeat: true },
      );
      await pool.start();
      await fill(1);
      await clock.advance('1m');
      await clock.advance('10s');
      expect(pool.stats()).toMatchObject({ size: 0, totals: { closed: { 'idle-timeout': 1 } } });
    });

    it('gives its connection to who came for it meanwhile', async () => {
      const { pool, connector, clock, fill } = make({ ...options, max: 1 }, { heartbeat: true });
      await pool.start();
      await fill(1);
      const checking = connector.heartbeat.gate();
      await clock.advance('1m');
      const acquiring = follow(pool.acquire());
      await clock.settle();
      expect(acquiring.now.state).toBe('pending');
      checking.resolve();
      await clock.settle();
      expect(acquiring.now).toMatchObject({ state: 'resolved', value: { reused: true } });
      expect(connector.heartbeat.count).toBe(2);
    });

    it('that fails on the only connection with somebody waiting makes another', async () => {
      const { pool, connector, clock, fill } = make({ ...options, max: 1 }, { heartbeat: true });
      await pool.start();
      await fill(1);
      const checking = connector.heartbeat.gate();
      await clock.advance('1m');
      const acquiring = follow(pool.acquire());
      checking.reject(new Error('dead'));
      await clock.advance('1s');
      expect(acquiring.now).toMatchObject({ state: 'resolved', value: { reused: false } });
      expect(connector.peak).toBe(1);
    });

    it('survives any failure and keeps its schedule', async () => {
      const { pool, connector, clock, fill } = make({ ...options, min: 2 }, { heartbeat: true });
      await pool.start();
      await fill(2);
      connector.heartbeat.next('throw', 'fail');
      await clock.advance('1m');
      await clock.advance('5s');
      const calls = connector.heartbeat.count;
      await clock.advance('1m');
      expect(connector.heartbeat.count).toBeGreaterThanOrEqual(calls + 2);
      expect(pool.stats().idle).toBe(2);
    });

    it('may come every few microseconds: nothing hangs', async () => {
      const { pool, clock, connector } = make(
        { heartbeatInterval: 0.001, idleTimeout: 0 },
        { heartbeat: true },
      );
      await pool.start();
      for (let i = 0; i < 10; i++) {
        const acquiring = follow(pool.acquire());
        await clock.advance(5);
        expect(acquiring.now.state).toBe('resolved');
        if (acquiring.now.state === 'resolved') acquiring.now.value.release();
      }
      expect(connector.dial.count).toBe(1);
    });

    it('holds no process: its timer is unref’ed', async () => {
      const { pool, clock, fill } = make(options, { heartbeat: true });
      await pool.start();
      await fill(2);
      await clock.settle();
      expect(clock.pending).toBeGreaterThan(0);
      expect(clock.refs).toBe(0);
    });

    it('does not check all at once what became due while the event loop stood still, and closes nothing for it', async () => {
      const { pool, clock, fill, connector } = make(options, { heartbeat: true });
      await pool.start();
      await fill(3);
      clock.stall('10m');
      await clock.settle();
      await clock.advance('1s');
      expect(pool.stats()).toMatchObject({ idle: 3, size: 3 });
      expect(connector.heartbeat.count).toBe(6);
    });
  });

  describe('asked for with heartbeat()', () => {
    it('checks the idle ones now and reports', async () => {
      const { pool, connector, clock, fill, take } = make({ idleTimeout: 0 }, { heartbeat: true });
      await fill(4);
      await take(1);
      connector.heartbeat.next({ after: 30 }, { after: 70 }, { after: 10, fail: new Error('dead') });
      const asking = pool.heartbeat();
      expect(pool.stats()).toMatchObject({ checking: 3, leased: 1 });
      await clock.advance(100);
      const report = await asking;
      expect(report).toMatchObject({ checked: 3, healthy: 2, failed: 1, latencyMs: 70 });
      expect(report.cause).toMatchObject({ message: 'dead' });
      expect(pool.stats()).toMatchObject({ idle: 2, leased: 1, checking: 0 });
    });

    it('reports nothing checked when nothing is idle', async () => {
      const { pool, connector } = make({}, { heartbeat: true });
      expect(await pool.heartbeat()).toMatchObject({ checked: 0, healthy: 0, failed: 0, latencyMs: 0 });
      expect(connector.dial.count).toBe(0);
    });

    it('dials one with dialIfNone', async () => {
      const { pool, connector, clock } = make({}, { heartbeat: true });
      connector.dial.next({ after: 40 });
      const asking = pool.heartbeat({ dialIfNone: true });
      await clock.advance(40);
      expect(await asking).toMatchObject({ checked: 1, healthy: 1, failed: 0 });
      expect(pool.stats().idle).toBe(1);
      connector.conns[0]?.dieSilently();
    });

    it('reports the failure of the dial with dialIfNone', async () => {
      const { pool, connector } = make({}, { heartbeat: true });
      const refused = new Error('refused');
      connector.dial.always({ fail: refused });
      const report = await pool.heartbeat({ dialIfNone: true });
      expect(report).toMatchObject({ checked: 1, healthy: 0, failed: 1 });
      expect([report.cause, (report.cause as Error).cause]).toContain(refused);
    });

    it('answers by its timeout although the peer does not, and counts that as a failure', async () => {
      const { pool, connector, clock, fill } = make({ idleTimeout: 0 }, { heartbeat: true });
      await fill(2);
      connector.heartbeat.next('hang');
      const asking = follow(pool.heartbeat({ timeout: '1s' }));
      await clock.advance(999);
      expect(asking.now.state).toBe('pending');
      await clock.advance(1);
      expect(asking.now).toMatchObject({
        state: 'resolved',
        value: { checked: 2, healthy: 1, failed: 1, latencyMs: 1_000 },
      });
      await clock.advance('5s');
      expect(pool.stats()).toMatchObject({ idle: 1, checking: 0, size: 1 });
    });

    it('answers by heartbeatTimeout when it is given none', async () => {
      const { pool, connector, clock, fill } = make({ heartbeatTimeout: '2s' }, { heartbeat: true });
      await fill(1);
      connector.heartbeat.next('hang');
      const asking = follow(pool.heartbeat());
      await clock.advance('2s');
      expect(asking.now).toMatchObject({ state: 'resolved', value: { failed: 1 } });
    });

    it('rejects with the reason of its signal, and the checks go on', async () => {
      const { pool, connector, clock, fill } = make({}, { heartbeat: true });
      await fill(1);
      const checking = connector.heartbeat.gate();
      const abort = new AbortController();
      const asking = rejection(pool.heartbeat({ signal: abort.signal }));
      await clock.settle();
      abort.abort('enough');
      expect(await asking).toBe('enough');
      expect(checking.call?.context.signal.aborted).toBe(false);
      checking.resolve();
      await clock.settle();
      expect(pool.stats().idle).toBe(1);
      expect(await rejection(pool.heartbeat({ signal: AbortSignal.abort('before') }))).toBe('before');
    });

    it('never queues behind traffic', async () => {
      const { pool, clock, take } = make({ max: 1 }, { heartbeat: true });
      await take(1);
      for (let i = 0; i < 10; i++) follow(pool.acquire());
      const asking = follow(pool.heartbeat({ dialIfNone: true }));
      await clock.settle();
      expect(asking.now).toMatchObject({ state: 'resolved', value: { checked: 0, failed: 0 } });
    });

    it('includes those being checked already, without asking them twice', async () => {
      const { pool, connector, clock, fill } = make({}, { heartbeat: true });
      await fill(1);
      const checking = connector.heartbeat.gate();
      const asking = [pool.heartbeat(), pool.heartbeat()];
      await clock.settle();
      checking.resolve();
      const reports = await Promise.all(asking);
      expect(reports[0]).toMatchObject({ checked: 1, healthy: 1 });
      expect(reports[1]?.failed).toBe(0);
      expect(connector.heartbeat.count).toBe(2);
    });

    it('settles when the pool is closed meanwhile', async () => {
      const { pool, connector, clock, fill } = make({}, { heartbeat: true });
      await fill(1);
      connector.heartbeat.next('hang');
      const asking = follow(pool.heartbeat({ timeout: '1h' }));
      await clock.settle();
      const closing = pool.close({ drain: 0 });
      await clock.advance('1m');
      await closing;
      expect(asking.now.state).not.toBe('pending');
    });

    it('dials none with dialIfNone when paused, at max, or when there is something to check', async () => {
      const { pool, connector, take } = make({ max: 1 }, { heartbeat: true });
      pool.pause();
      expect(await pool.heartbeat({ dialIfNone: true })).toMatchObject({ checked: 0, failed: 0 });
      pool.resume();
      const [lease] = await take(1);
      expect(await pool.heartbeat({ dialIfNone: true })).toMatchObject({ checked: 0, failed: 0 });
      lease?.release();
      expect(await pool.heartbeat({ dialIfNone: true })).toMatchObject({ checked: 1, healthy: 1 });
      expect(connector.dial.count).toBe(1);
    });

    it('asks isAlive where there is no heartbeat', async () => {
      const { pool, connector, fill } = make({}, { isAlive: true });
      await fill(2);
      connector.conns[0]?.dieSilently();
      expect(await pool.heartbeat()).toMatchObject({ checked: 2, healthy: 1, failed: 1 });
      expect(pool.stats().idle).toBe(1);
    });

    it('rejects on a closed pool', async () => {
      const { pool } = make();
      await pool.close();
      expect(await rejection(pool.heartbeat())).toMatchObject({ code: 'ERR_POOL_CLOSED' });
    });

    it('does not disturb a pool without heartbeat', async () => {
      const { pool, fill } = make();
      await fill(2);
      expect(await pool.heartbeat()).toMatchObject({ failed: 0 });
      expect(pool.stats().idle).toBe(2);
    });
  });
});
