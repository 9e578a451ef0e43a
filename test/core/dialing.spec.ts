import { DialError } from 'nestjs-conn-pool/core';
import { follow, poolsUnderTest, rejection } from './pools-under-test.js';

describe('a dial', () => {
  const make = poolsUnderTest();

  it('may answer at once or as a promise', async () => {
    const { pool, connector } = make();
    connector.dial.next('sync', 'ok');
    const leases = [await pool.acquire(), await pool.acquire()];
    expect(leases.map(({ conn }) => conn)).toEqual(connector.conns);
  });

  it('that answers at once is one for each who asked', async () => {
    const { pool, connector, take } = make({}, { heartbeat: true, reset: true });
    connector.dial.always('sync');
    connector.heartbeat.always('sync');
    connector.reset.always('sync');
    const [lease] = await take(1);
    expect(connector.dial.count).toBe(1);
    expect(pool.stats()).toMatchObject({ size: 1, leased: 1 });
    lease?.release();
    expect(pool.stats()).toMatchObject({ size: 1, idle: 1 });
    await take(3);
    expect(connector.dial.count).toBe(3);
    expect(await pool.warmUp(2)).toBeGreaterThanOrEqual(0);
  });

  it('that throws at once, time and again, ends in one rejection and not in a loop', async () => {
    const { pool, connector, clock } = make({ dialAttempts: 3 });
    connector.dial.always('throw');
    const acquiring = follow(pool.acquire());
    expect(connector.dial.count).toBe(1);
    await clock.advance('10s');
    expect(acquiring.now.state).toBe('rejected');
    expect(connector.dial.count).toBe(3);
  });

  it('[B1] [C4] that fails rejects who asked, with the error of the connector as the cause', async () => {
    const { pool, connector, said } = make({ name: 'thrift' });
    const refused = new Error('connect ECONNREFUSED');
    connector.dial.next({ fail: refused });
    const error = await rejection(pool.acquire());
    expect(error).toBeInstanceOf(DialError);
    expect(error).toMatchObject({
      code: 'ERR_DIAL',
      pool: 'thrift',
      attempts: 1,
      permanent: false,
      cause: refused,
    });
    expect((error as Error).message).toContain('ECONNREFUSED');
    expect(pool.stats()).toMatchObject({ size: 0, waiting: 0, totals: { dialFailures: 1, dialed: 0 } });
    expect(said('dial-failed')).toMatchObject([
      { attempt: 1, cause: refused, permanent: false, failures: 1 },
    ]);
  });

  it('may fail with anything', async () => {
    const { pool, connector, clock } = make();
    for (const fail of [undefined, null, 0, 'text', {}]) {
      connector.dial.next({ fail });
      expect(await rejection(pool.acquire())).toMatchObject({ code: 'ERR_DIAL', cause: fail });
      await clock.advance('10s');
    }
  });

  describe('of several', () => {
    it('[B5] that fails rejects nobody while another is under way', async () => {
      const { pool, connector, clock } = make();
      const gates = [connector.dial.gate(), connector.dial.gate()];
      const waiters = [follow(pool.acquire()), follow(pool.acquire())];
      await clock.settle();
      gates[0]?.reject(new Error('one of two'));
      await clock.settle();
      expect(waiters.map(({ now }) => now.state)).toEqual(['pending', 'pending']);
      gates[1]?.resolve();
      await clock.settle();
      expect(waiters[0]?.now.state).toBe('resolved');
    });

    it('[B5] that fails rejects nobody while a live connection can serve', async () => {
      const { pool, connector, clock, take } = make({ max: 2 });
      const [lease] = await take(1);
      connector.dial.always('fail');
      const waiter = follow(pool.acquire());
      await clock.advance('20s');
      expect(waiter.now.state).toBe('pending');
      lease?.release();
      await clock.settle();
      expect(waiter.now.state).toBe('resolved');
    });

    it('[B1] [C4] that all fail rejects everybody, each with the cause', async () => {
      const { pool, connector, clock } = make({ max: 10, acquireTimeout: '5m' });
      const refused = new Error('refused');
      connector.dial.always({ fail: refused });
      const all = Array.from({ length: 10 }, () => follow(pool.acquire()));
      await clock.advance('4m');
      for (const { now } of all)
        expect(now).toMatchObject({ state: 'rejected', error: { code: 'ERR_DIAL', cause: refused } });
      expect(pool.stats()).toMatchObject({ size: 0, waiting: 0 });
    });
  });

  describe('is attempted again', () => {
    it('[C4] up to dialAttempts in all, with its number in the context', async () => {
      const { pool, connector, clock, said } = make({ dialAttempts: 3 });
      connector.dial.next('fail', 'fail');
      const acquiring = follow(pool.acquire());
      await clock.advance('10s');
      expect(acquiring.now.state).toBe('resolved');
      expect(connector.dial.calls.map(({ context }) => context.attempt)).toEqual([1, 2, 3]);
      expect(said('dial-failed').map(({ attempt, failures }) => [attempt, failures])).toEqual([
        [1, 1],
        [2, 2],
      ]);
      expect(said('dialed')).toMatchObject([{ attempt: 3 }]);
      expect(said('recovered')).toMatchObject([{ failures: 2 }]);
    });

    it('[B1] and not more often, then rejects with the last error and the count', async () => {
      const { pool, connector, clock } = make({ dialAttempts: 3 });
      connector.dial.next({ fail: 1 }, { fail: 2 }, { fail: 3 });
      const acquiring = follow(pool.acquire());
      await clock.advance('20s');
      expect(acquiring.now).toMatchObject({
        state: 'rejected',
        error: { code: 'ERR_DIAL', attempts: 3, cause: 3 },
      });
      expect(connector.dial.count).toBe(3);
      expect(pool.stats().totals.dialFailures).toBe(3);
    });

    it('[C4] when its first heartbeat fails: the connection is closed, the attempt counted', async () => {
      const { pool, connector, clock, said } = make({ dialAttempts: 2 }, { heartbeat: true });
      const dead = new Error('half open');
      connector.heartbeat.next({ fail: dead });
      const acquiring = follow(pool.acquire());
      await clock.advance('1s');
      expect(acquiring.now).toMatchObject({ state: 'resolved', value: { conn: connector.conns[1] } });
      expect(connector.closed).toEqual([connector.conns[0]]);
      expect(connector.close.calls[0]?.context.reason).toBe('heartbeat-failed');
      expect(said('dial-failed')).toMatchObject([{ attempt: 1, cause: dead }]);
      expect(pool.stats().totals).toMatchObject({
        dialed: 1,
        dialFailures: 1,
        heartbeats: 2,
        heartbeatFailures: 1,
      });
    });

    it('[C4] the error of a first heartbeat is what the acquire rejects with', async () => {
      const { pool, connector } = make({}, { heartbeat: true });
      const dead = new Error('half open');
      connector.heartbeat.next({ fail: dead });
      expect(await rejection(pool.acquire())).toMatchObject({ code: 'ERR_DIAL', cause: dead });
    });
  });

  describe('that failed', () => {
    it('[B1] is followed by none before its back-off is over, whoever asks', async () => {
      const { pool, connector, clock, said } = make({
        dialAttempts: 8,
        dialBackoff: { initial: 100, max: '1s' },
      });
      connector.dial.always('fail');
      const times: number[] = [];
      connector.dial.tap(() => times.push(clock.now()));
      const asking = Array.from({ length: 5 }, () => follow(pool.acquire({ timeout: '1m' })));
      for (let i = 0; i < 200; i++) {
        follow(pool.acquire({ timeout: '1m' }));
        await clock.advance(50);
      }
      expect(asking.every(({ now }) => now.state === 'rejected')).toBe(true);
      const failures = said('dial-failed');
      let cap = 100;
      for (const { retryInMs } of failures.slice(0, 3)) expect(retryInMs).toBeLessThanOrEqual(1_000);
      for (const { retryInMs, failures: inARow } of failures) {
        cap = Math.min(1_000, 100 * 2 ** (inARow - 1));
        expect(retryInMs).toBeGreaterThanOrEqual(0);
        expect(retryInMs).toBeLessThanOrEqual(cap);
      }
      const starts = times.slice(connector.dial.calls.findIndex(({ context }) => context.attempt > 1));
      expect(starts.length).toBeGreaterThan(0);
    });

    it('[B10] is followed by delays that are random and never above what the exponential allows', async () => {
      const seen = new Map<number, Set<number>>();
      for (let round = 0; round < 20; round++) {
        const { pool, connector, clock, said } = make({
          dialAttempts: 6,
          dialBackoff: { initial: 100, max: 800 },
        });
        connector.dial.always('fail');
        follow(pool.acquire());
        await clock.advance('20s');
        for (const { failures, retryInMs } of said('dial-failed')) {
          expect(retryInMs).toBeLessThanOrEqual(Math.min(800, 100 * 2 ** (failures - 1)));
          seen.set(failures, (seen.get(failures) ?? new Set()).add(retryInMs));
        }
      }
      for (const failures of [1, 2, 3, 4, 5]) expect(seen.get(failures)?.size).toBeGreaterThan(5);
      const all = [...(seen.get(4) ?? [])];
      expect(Math.min(...all)).toBeLessThan(400); // full jitter: also the lower half
      expect(Math.max(...all)).toBeGreaterThan(400);
    });

    it('is begun again exactly when its event said', async () => {
      const { pool, connector, clock, said } = make({ dialAttempts: 4 });
      connector.dial.always('fail');
      const times: number[] = [];
      connector.dial.tap(() => times.push(clock.now()));
      follow(pool.acquire());
      await clock.advance('30s');
      const failed = said('dial-failed');
      expect(times).toHaveLength(4);
      for (let i = 1; i < times.length; i++) {
        const wait = (times[i] ?? NaN) - (times[i - 1] ?? NaN);
        const told = failed[i - 1]?.retryInMs ?? NaN;
        expect(wait).toBeGreaterThanOrEqual(told);
        expect(wait).toBeLessThanOrEqual(told + 1.001);
      }
    });

    it('and then one that succeeds: the back-off begins anew, the recovery is told once', async () => {
      const random = Math.random;
      Math.random = () => 0.999_999_9;
      try {
        const { pool, connector, clock, said } = make({ dialAttempts: 4 });
        connector.dial.next('fail', 'fail', 'fail', 'ok', 'fail');
        await Promise.all([pool.acquire(), clock.advance('5s')]);
        follow(pool.acquire());
        await clock.settle();
        expect(said('dial-failed').map(({ retryInMs }) => Math.round(retryInMs))).toEqual([
          100, 200, 400, 100,
        ]);
        expect(said('recovered')).toHaveLength(1);
        expect(Math.round(said('recovered')[0]?.downMs ?? NaN)).toBe(700);
        await clock.advance('1s');
        expect(said('recovered')).toHaveLength(2);
      } finally {
        Math.random = random;
      }
    });

    it('and another that succeeds meanwhile: no back-off is left, the next dial begins at once', async () => {
      const random = Math.random;
      Math.random = () => 0.999_999_9;
      try {
        const { pool, connector, clock } = make({ max: 3 });
        connector.dial.next('fail');
        const other = connector.dial.gate();
        const both = [follow(pool.acquire()), follow(pool.acquire())];
        await clock.settle();
        expect(connector.dial.count).toBe(2);
        other.resolve();
        await clock.settle();
        expect(connector.dial.count).toBe(3);
        expect(both.map(({ now }) => now.state)).toEqual(['resolved', 'resolved']);
      } finally {
        Math.random = random;
      }
    });

    it('holds up no one who can be served without a dial', async () => {
      const { pool, connector, clock, take } = make({ max: 2 });
      const [lease] = await take(1);
      connector.dial.next('fail');
      const waiter = follow(pool.acquire());
      await clock.settle();
      lease?.release();
      await clock.settle();
      expect(waiter.now.state).toBe('resolved');
      if (waiter.now.state === 'resolved') waiter.now.value.release();
      expect((await pool.acquire()).reused).toBe(true);
    });
  });

  describe('that nobody needs any more', () => {
    it('is not begun: who gave up while dials were full asks for none', async () => {
      const { pool, connector, clock } = make({ dialConcurrency: 1, max: 10 });
      const first = connector.dial.gate();
      follow(pool.acquire());
      const abort = new AbortController();
      for (let i = 0; i < 5; i++) follow(pool.acquire({ signal: abort.signal }));
      await clock.settle();
      abort.abort();
      first.resolve();
      await clock.settle();
      expect(connector.dial.count).toBe(1);
    });

    it('is not begun when a release has served instead', async () => {
      const { pool, connector, clock, take } = make({ dialConcurrency: 1, max: 10 });
      const [lease] = await take(1);
      const slow = connector.dial.gate();
      const waiters = [follow(pool.use(() => 1)), follow(pool.use(() => 2)), follow(pool.use(() => 3))];
      await clock.settle();
      lease?.release();
      await clock.settle();
      expect(waiters.map(({ now }) => now.state)).toEqual(['resolved', 'resolved', 'resolved']);
      slow.resolve();
      await clock.settle();
      expect(connector.dial.count).toBe(2);
      expect(pool.stats()).toMatchObject({ idle: 2, size: 2 });
    });

    it('[B10] a spike on short work begins few dials beyond those under way', async () => {
      const { pool, connector, clock, fill } = make({ max: 50, dialConcurrency: 4 });
      await fill(5);
      connector.dial.always({ after: 150 });
      const work = () => new Promise<void>((resolve) => void clock.setTimeout(resolve, 2));
      const began = clock.now();
      const ended = Promise.all(Array.from({ length: 50 }, () => pool.use(work))).then(
        () => clock.now() - began,
      );
      await clock.advance('1s');
      expect(await ended).toBeLessThanOrEqual(30);
      expect(connector.dial.count).toBeLessThanOrEqual(5 + 4);
    });
  });

  describe('among many', () => {
    it('[B10] is one of dialConcurrency', async () => {
      const { pool, connector, clock } = make({ max: 50, dialConcurrency: 3 });
      connector.dial.always({ after: 100 });
      let most = 0;
      connector.dial.tap(() => (most = Math.max(most, connector.dial.open.length)));
      const all = Array.from({ length: 20 }, () => follow(pool.acquire()));
      await clock.settle();
      expect(connector.dial.open).toHaveLength(3);
      await clock.advance('10s');
      expect(most).toBe(3);
      expect(all.every(({ now }) => now.state === 'resolved')).toBe(true);
      expect(connector.dial.count).toBe(20);
    });

    it('[B10] also the refill of min and a warm-up keep to dialConcurrency', async () => {
      const { pool, connector, clock } = make({
        max: 20,
        min: 12,
        dialConcurrency: 2,
        startup: 'background',
      });
      connector.dial.always('hang');
      await pool.start();
      follow(pool.warmUp(20));
      await clock.settle();
      expect(connector.dial.open).toHaveLength(2);
    });
  });

  describe('with a permanent error', () => {
    class WrongPassword extends Error {}
    const isPermanent = (error: unknown) => error instanceof WrongPassword;

    it('[B5] rejects nobody whom a live connection can serve', async () => {
      const { pool, connector, clock, take } = make({ max: 2 }, { isPermanent });
      const [lease] = await take(1);
      connector.dial.always({ fail: new WrongPassword('nope') });
      const waiter = follow(pool.acquire());
      await clock.settle();
      lease?.release();
      await clock.settle();
      // It may have been told the permanent error at once, but it must not hang.
      expect(waiter.now.state).not.toBe('pending');
      expect(pool.stats().waiting).toBe(0);
    });

    it('is asked about each error, and does not stop a later acquire from trying again', async () => {
      const { pool, connector, clock } = make({}, { isPermanent });
      connector.dial.next({ fail: new WrongPassword('nope') });
      await rejection(pool.acquire());
      await clock.advance('5s'); // the back-off; within it an acquire may be told the same at once
      const next = follow(pool.acquire());
      await clock.advance('5s');
      expect(next.now.state).toBe('resolved');
    });
  });

  it('tells how long it took', async () => {
    const { pool, connector, clock, said } = make();
    connector.dial.next({ after: 250 }, { after: 100, fail: 'no' });
    follow(pool.acquire());
    follow(pool.acquire());
    await clock.advance('1s');
    expect(said('dial-failed')[0]?.durationMs).toBe(100);
    expect(said('dialed').map(({ durationMs }) => durationMs)).toContain(250);
  });

  it('keeps the methods of a connector that is an object of a class', async () => {
    const { ConnPool } = await import('nestjs-conn-pool/core');
    class Counting {
      private count = 0;
      ended = 0;
      dial(): number {
        return ++this.count;
      }
      close(): void {
        this.ended++;
      }
      heartbeat(): void {
        this.count += 0;
      }
      reset(): void {
        this.count += 0;
      }
      isAlive(): boolean {
        return this.count > 0;
      }
      watch(): () => void {
        return () => void this.count;
      }
      isFatal(): boolean {
        return this.count < 0;
      }
      isPermanent(): boolean {
        return this.count < 0;
      }
    }
    const connector = new Counting();
    const pool = new ConnPool<number>(connector);
    await rejection(pool.use(() => Promise.reject(new Error('no'))));
    expect(await pool.use((conn) => conn)).toBe(1);
    await pool.close();
    expect(connector.ended).toBe(1);
  });
});
