import { getEventListeners } from 'node:events';
import { AcquireTimeoutError, ConnPool } from 'nestjs-conn-pool/core';
import { FakeClock, fakeConnector } from 'nestjs-conn-pool/testing';
import { follow, poolsUnderTest, rejection } from './pools-under-test.js';

describe('a deadline', () => {
  const make = poolsUnderTest();

  it('[B21] ends the wait at its time, not before and not after', async () => {
    const { pool, clock, take } = make({ max: 1, acquireTimeout: 250 });
    await take(1);
    const waiter = follow(pool.acquire());
    await clock.advance(249);
    expect(waiter.now.state).toBe('pending');
    expect(pool.stats().waiting).toBe(1);
    await clock.advance(1);
    expect(waiter.now.state).toBe('rejected');
    expect(pool.stats()).toMatchObject({ waiting: 0, totals: { timeouts: 1 } });
  });

  it('can be set for each call, as a number or a text, longer or shorter, or off', async () => {
    const { pool, clock, take } = make({ max: 1, acquireTimeout: '1s' });
    await take(1);
    const waiters = {
      default: follow(pool.acquire()),
      short: follow(pool.acquire({ timeout: 10 })),
      long: follow(pool.acquire({ timeout: '1m' })),
      zero: follow(pool.acquire({ timeout: 0 })),
      never: follow(pool.acquire({ timeout: Infinity })),
      used: follow(pool.use(() => 1, { timeout: 500 })),
    };
    const pending = () =>
      Object.entries(waiters)
        .filter(([, { now }]) => now.state === 'pending')
        .map(([name]) => name);
    await clock.advance(10);
    expect(pending()).toEqual(['default', 'long', 'zero', 'never', 'used']);
    await clock.advance(490);
    expect(pending()).toEqual(['default', 'long', 'zero', 'never']);
    await clock.advance(500);
    expect(pending()).toEqual(['long', 'zero', 'never']);
    await clock.advance('59s');
    expect(pending()).toEqual(['zero', 'never']);
    await clock.advance('10h');
    expect(pending()).toEqual(['zero', 'never']);
    await clock.advance('60d');
    expect(pending()).toEqual(['zero', 'never']);
  });

  it('acquireTimeout: 0 and Infinity mean none', async () => {
    for (const acquireTimeout of [0, Infinity]) {
      const { pool, clock, take } = make({ max: 1, acquireTimeout });
      const [lease] = await take(1);
      const waiter = follow(pool.acquire());
      await clock.advance('48h');
      expect(waiter.now.state).toBe('pending');
      lease?.release();
      await clock.settle();
      expect(waiter.now.state).toBe('resolved');
    }
  });

  it('longer than the longest timer of Node does not come early, nor keep the clock busy', async () => {
    const { pool, clock, take } = make({ max: 1, acquireTimeout: '60d' });
    await take(1);
    const waiter = follow(pool.acquire());
    await clock.advance('59d');
    expect(waiter.now.state).toBe('pending');
    expect(clock.fired).toBeLessThan(50);
    await clock.advance('1d');
    expect(waiter.now.state).toBe('rejected');
  });

  it('[B23] says which pool, how long, in which phase, and how the pool stood', async () => {
    const { pool, clock, take, said } = make({ max: 2, name: 'thrift', acquireTimeout: 250 });
    await take(2);
    const acquiring = follow(pool.acquire());
    follow(pool.acquire({ timeout: 0 }));
    await clock.advance(250);
    const { error } = acquiring.now as { error: AcquireTimeoutError };
    expect(error).toBeInstanceOf(AcquireTimeoutError);
    expect(error).toMatchObject({ name: 'AcquireTimeoutError', code: 'ERR_ACQUIRE_TIMEOUT', pool: 'thrift' });
    expect(error).toMatchObject({ timeout: 250, phase: 'wait', stats: { leased: 2, idle: 0, max: 2 } });
    for (const part of ['thrift', '250', 'wait', 'leased 2', 'idle 0', 'waiting'])
      expect(error.message).toContain(part);
    expect(said('timeout')).toMatchObject([{ error }]);
  });

  it("phase 'dial' while a connection is being made for it", async () => {
    const { pool, clock, connector } = make({ acquireTimeout: 250 });
    connector.dial.next('hang');
    const acquiring = rejection(pool.acquire());
    await clock.advance(250);
    expect(await acquiring).toMatchObject({
      code: 'ERR_ACQUIRE_TIMEOUT',
      phase: 'dial',
      stats: { dialing: 1 },
    });
  });

  it("phase 'check' while the only connection is being checked", async () => {
    const { pool, clock, connector, fill } = make(
      { max: 1, acquireTimeout: '1s', heartbeatTimeout: '5s', idleTimeout: 0 },
      { heartbeat: true },
    );
    await fill(1);
    clock.stall('61s');
    connector.heartbeat.next('hang');
    const acquiring = rejection(pool.acquire());
    await clock.advance('1s');
    expect(await acquiring).toMatchObject({ code: 'ERR_ACQUIRE_TIMEOUT', phase: 'check' });
  });

  it('[B3] [B23] has the last dial error as its cause while dials are failing', async () => {
    const { pool, clock, connector } = make({ acquireTimeout: '1s', dialAttempts: 1_000 });
    const refused = new Error('connect ECONNREFUSED 127.0.0.1:9');
    connector.dial.always({ fail: refused });
    const acquiring = rejection(pool.acquire());
    await clock.advance('1s');
    const error = (await acquiring) as AcquireTimeoutError;
    expect(error).toMatchObject({ code: 'ERR_ACQUIRE_TIMEOUT', phase: 'dial' });
    const chain = [error.cause, (error.cause as Error | undefined)?.cause];
    expect(chain).toContain(refused);
    expect(error.message).toContain('ECONNREFUSED');
  });

  it('[B23] has no stale dial error as its cause', async () => {
    const { pool, clock, connector } = make({ max: 1, acquireTimeout: '1s' });
    connector.dial.next('fail');
    await rejection(pool.acquire());
    await clock.advance('1s');
    await pool.acquire();
    const acquiring = rejection(pool.acquire());
    await clock.advance('1s');
    expect(((await acquiring) as Error).cause).toBe(undefined);
  });

  it('[B17] is one for all phases: wait, check, dial, retries', async () => {
    const { pool, clock, connector, fill, take } = make(
      { max: 1, acquireTimeout: '1s', idleTimeout: 0, dialAttempts: 100 },
      { heartbeat: true },
    );
    await fill(1);
    const [held] = await take(1);
    const started = clock.now();
    const ended = pool.acquire().then(
      () => NaN,
      () => clock.now() - started,
    );
    await clock.advance(300); // it waits …
    held?.discard(); // … and dials …
    connector.dial.next({ after: 200 });
    connector.heartbeat.next({ after: 200, fail: new Error('not ready') }); // … and its first check fails …
    connector.dial.always({ after: 400, fail: new Error('down') }); // … and it dials again and again
    await clock.advance('10s');
    expect(await ended).toBe(1_000);
  });

  it('[B22] of one is not the deadline of another', async () => {
    const { pool, clock, take } = make({ max: 1 });
    const [lease] = await take(1);
    const impatient = follow(pool.acquire({ timeout: 100 }));
    const patient = follow(pool.acquire({ timeout: 200 }));
    await clock.advance(100);
    expect([impatient.now.state, patient.now.state]).toEqual(['rejected', 'pending']);
    lease?.release();
    await clock.settle();
    expect(patient.now.state).toBe('resolved');
    expect(pool.stats()).toMatchObject({ leased: 1, size: 1 });
  });

  it('[C3] of a later waiter is kept although an earlier one waits for ever', async () => {
    const { pool, clock, take } = make({ max: 1 });
    await take(1);
    follow(pool.acquire({ timeout: 0 }));
    const second = follow(pool.acquire({ timeout: 100 }));
    await clock.advance(100);
    expect(second.now.state).toBe('rejected');
  });

  it('that is due at the same instant as a release: the release serves', async () => {
    const { pool, clock, take } = make({ max: 1 });
    const [lease] = await take(1);
    clock.setTimeout(() => lease?.release(), 100);
    const waiter = follow(pool.acquire({ timeout: 100 }));
    await clock.advance(100);
    expect(waiter.now.state).toBe('resolved');
  });

  it('that passes while the event loop stood still rejects nobody who can be served', async () => {
    const { pool, clock, take } = make({ max: 1, acquireTimeout: '1s' });
    const [lease] = await take(1);
    const waiter = follow(pool.acquire());
    await clock.settle();
    clock.stall('10s');
    lease?.release(); // what came back during the stall is here before the late timer
    await clock.settle();
    expect(waiter.now.state).toBe('resolved');
  });

  it('is not counted from a time read long before the acquire', async () => {
    const { pool, clock, take } = make({ max: 1, acquireTimeout: '1s' });
    await take(1); // the clock has been read in this turn …
    clock.stall('10s'); // … which is a long one
    const waiter = follow(pool.acquire());
    await clock.settle();
    expect(waiter.now.state).toBe('pending');
    await clock.advance('1s');
    expect(waiter.now.state).toBe('rejected');
  });

  it('holds the process while somebody waits for it, and only then', async () => {
    const { pool, clock, take } = make({ max: 1 });
    const [lease] = await take(1);
    await clock.settle();
    expect(clock.refs).toBe(0);
    const waiter = follow(pool.acquire());
    await clock.settle();
    expect(clock.refs).toBeGreaterThan(0);
    lease?.release();
    await clock.settle();
    expect(waiter.now.state).toBe('resolved');
    expect(clock.refs).toBe(0);
  });

  it('of one that waits for a dial holds the process', async () => {
    const { pool, clock, connector } = make();
    connector.dial.next('hang');
    follow(pool.acquire());
    await clock.settle();
    expect(clock.refs).toBeGreaterThan(0);
  });
});

describe('an aborted acquire', () => {
  const make = poolsUnderTest();

  it.each([
    ['an error', new Error('user left')],
    ['a text', 'user left'],
    ['an object', { left: true }],
    ['null', null],
  ])('[B24] [C3] rejects with the signal’s own reason: %s', async (_what, reason) => {
    const { pool, take } = make({ max: 1 });
    await take(1);
    const abort = new AbortController();
    const acquiring = rejection(pool.acquire({ signal: abort.signal }));
    abort.abort(reason);
    expect(await acquiring).toBe(reason);
    expect(await rejection(pool.acquire({ signal: abort.signal }))).toBe(reason);
    expect(pool.stats()).toMatchObject({ waiting: 0, totals: { aborted: 2 } });
  });

  it('[B24] rejects with the signal’s own AbortError and TimeoutError', async () => {
    const { pool, take } = make({ max: 1 });
    await take(1);
    const abort = new AbortController();
    const acquiring = rejection(pool.acquire({ signal: abort.signal }));
    abort.abort();
    expect(await acquiring).toBe(abort.signal.reason);
  });

  it('[C3] can be aborted while it dials: the dial goes on, and what it makes serves another', async () => {
    const { pool, connector, clock } = make({ max: 1 });
    const slow = connector.dial.gate();
    const abort = new AbortController();
    const first = follow(pool.acquire({ signal: abort.signal }));
    const second = follow(pool.acquire());
    await clock.settle();
    abort.abort(new Error('user left'));
    await clock.settle();
    expect(first.now.state).toBe('rejected');
    expect(slow.call?.context.signal.aborted).toBe(false);
    slow.resolve();
    await clock.settle();
    expect(second.now).toMatchObject({ state: 'resolved', value: { conn: connector.conns[0] } });
    expect(connector.dial.count).toBe(1);
  });

  it('[B24] takes its listener off the signal on every path', async () => {
    const abort = new AbortController();
    const { signal } = abort;
    const listeners = () => getEventListeners(signal, 'abort').length;
    const { pool, connector, clock, take } = make({ max: 1, acquireTimeout: 100 });

    const granted = await pool.acquire({ signal });
    expect(listeners()).toBe(0);

    const waiting = pool.acquire({ signal });
    expect(listeners()).toBe(1);
    granted.release();
    (await waiting).release();
    expect(listeners()).toBe(0);

    const [held] = await take(1);
    const late = rejection(pool.acquire({ signal }));
    await clock.advance(100);
    await late;
    expect(listeners()).toBe(0);
    held?.discard();
    await clock.settle();

    connector.dial.next('fail');
    await rejection(pool.acquire({ signal }));
    expect(listeners()).toBe(0);
    await clock.advance('1s');

    await take(1);
    const closed = rejection(pool.acquire({ signal }));
    void pool.close({ drain: 0 });
    await closed;
    expect(listeners()).toBe(0);
    await rejection(pool.acquire({ signal }));
    expect(listeners()).toBe(0);
  });

  it('works on a signal that is aborted from within the pool’s own callbacks', async () => {
    const clock = new FakeClock();
    const connector = fakeConnector();
    const pool = new ConnPool(connector, { clock, max: 1 });
    const abort = new AbortController();
    connector.dial.tap(() => abort.abort('from the dial'));
    expect(await rejection(pool.acquire({ signal: abort.signal }))).toBe('from the dial');
    await clock.settle();
    expect(pool.stats()).toMatchObject({ waiting: 0, idle: 1, leased: 0 });
    await pool.close();
  });
});

describe('one signal for many acquires', () => {
  const make = poolsUnderTest();

  it('is listened to once, and ends all of them before anybody is served', async () => {
    const { pool, take } = make({ max: 1 });
    const [held] = await take(1);
    const controller = new AbortController();
    const { signal } = controller;
    const waiting = Array.from({ length: 20 }, () =>
      pool.acquire({ signal }).catch((error: unknown) => error),
    );
    expect(getEventListeners(signal, 'abort')).toHaveLength(1);
    const reason = new Error('enough');
    controller.abort(reason);
    held?.release();
    expect(new Set(await Promise.all(waiting))).toEqual(new Set([reason]));
    expect(getEventListeners(signal, 'abort')).toHaveLength(0);
    expect(pool.stats()).toMatchObject({ waiting: 0, idle: 1, totals: { aborted: 20 } });
  });
});
