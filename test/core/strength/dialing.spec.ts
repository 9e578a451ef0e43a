import { jest } from '@jest/globals';
import { ConnPool, DialError } from 'nestjs-conn-pool/core';
import { follow, poolsUnderTest, rejection } from '../pools-under-test.js';

describe('after a permanent error', () => {
  const make = poolsUnderTest();
  const wrong = new Error('wrong password');
  const backoff = { dialBackoff: { initial: 100, max: 100 } };
  const isPermanent = (error: unknown) => error === wrong;

  beforeEach(() => void jest.spyOn(Math, 'random').mockReturnValue(1));
  afterEach(() => jest.restoreAllMocks());

  it('an acquire is told the same at once until the back-off is over, and then dials again', async () => {
    const { pool, connector, clock } = make(backoff, { isPermanent });
    connector.dial.next({ fail: wrong });
    await rejection(pool.acquire());
    await clock.advance(99);
    const told = follow(pool.acquire());
    await clock.settle();
    expect(told.now).toMatchObject({
      state: 'rejected',
      error: { code: 'ERR_DIAL', permanent: true, attempts: 1, cause: wrong },
    });
    expect(told.now.state === 'rejected' && told.now.error).toBeInstanceOf(DialError);
    expect(connector.dial.count).toBe(1);
    clock.stall(1);
    const dialled = follow(pool.acquire());
    await clock.settle();
    expect(dialled.now.state).toBe('resolved');
  });

  it('whoever an idle connection can serve once the pool is open again waits for it', async () => {
    const { pool, connector, clock, fill } = make({ max: 2, ...backoff }, { isPermanent });
    await fill(1);
    const dial = connector.dial.gate();
    const fresh = follow(pool.acquire({ fresh: true }));
    pool.pause();
    const waiter = follow(pool.acquire());
    dial.reject(wrong);
    await clock.settle();
    expect([fresh.now.state, waiter.now.state]).toEqual(['rejected', 'pending']);
    pool.resume();
    await clock.settle();
    expect(waiter.now).toMatchObject({ state: 'resolved', value: { reused: true } });
  });

  it('whoever a connection can serve that lives waits for it', async () => {
    const { pool, connector, clock, take } = make({ max: 2, ...backoff }, { isPermanent });
    const [lease] = await take(1);
    connector.dial.always({ fail: wrong });
    void follow(pool.acquire());
    await clock.settle();
    const waiter = follow(pool.acquire());
    await clock.settle();
    lease?.release();
    await clock.settle();
    expect(connector.dial.count).toBe(2);
    expect(waiter.now.state).toBe('pending');
    expect(pool.stats()).toMatchObject({ leased: 1, waiting: 1 });
  });

  it('that was mended, the death of a connection does not look like one', async () => {
    const { pool, connector, clock } = make(backoff, { isPermanent, watch: true });
    connector.dial.next({ fail: wrong });
    await rejection(pool.acquire());
    await clock.advance(100);
    expect(await pool.warmUp(1)).toBe(1);
    connector.conns[0]?.die(new Error('hung up'));
    const waiter = follow(pool.acquire());
    await clock.advance(100);
    expect(waiter.now.state).toBe('resolved');
  });
});

describe('an acquire that times out', () => {
  const make = poolsUnderTest();

  it('has a cause only where dials have been failing', async () => {
    const { pool, connector, clock } = make({ dialAttempts: 1_000 });
    connector.dial.next('hang');
    const hung = rejection(pool.acquire({ timeout: 100 }));
    await clock.advance(100);
    expect(Object.hasOwn((await hung) as object, 'cause')).toBe(false);
    await clock.advance('1m');
    const refused = new Error('refused');
    connector.dial.always({ fail: refused });
    const failing = rejection(pool.acquire({ timeout: 100 }));
    await clock.advance(100);
    expect(await failing).toMatchObject({ code: 'ERR_ACQUIRE_TIMEOUT', phase: 'dial', cause: refused });
  });

  it("is in phase 'wait' when no dial could help it, although one has failed a moment ago", async () => {
    jest.spyOn(Math, 'random').mockReturnValue(1);
    const { pool, connector, clock } = make({
      max: 2,
      dialAttempts: 10,
      dialBackoff: { initial: '5s', max: '5s' },
    });
    const gates = [connector.dial.gate(), connector.dial.gate()];
    void follow(pool.acquire());
    void follow(pool.acquire());
    await clock.settle();
    gates[0]?.reject(new Error('refused'));
    await clock.settle();
    const failing = rejection(pool.acquire({ timeout: 100 }));
    await clock.advance(100);
    expect(await failing).toMatchObject({ phase: 'dial' });
    gates[1]?.resolve();
    await clock.settle();
    expect(pool.stats()).toMatchObject({ leased: 2, waiting: 0 });
    const full = rejection(pool.acquire({ timeout: 100 }));
    await clock.advance(100);
    jest.restoreAllMocks();
    expect(await full).toMatchObject({ phase: 'wait' });
  });

  it('is the last to hear of it where a listener closes the pool: the others are told that it is closed', async () => {
    const { pool, clock, take } = make({ max: 1 });
    await take(1);
    pool.events$.subscribe((event) => {
      if (event.type === 'timeout') void pool.close();
    });
    const acquires = [1, 2, 3].map(() => rejection(pool.acquire({ timeout: 100 })));
    await clock.advance(100);
    expect((await Promise.all(acquires)).map((error) => (error as DialError).code)).toEqual([
      'ERR_ACQUIRE_TIMEOUT',
      'ERR_POOL_CLOSED',
      'ERR_POOL_CLOSED',
    ]);
    expect(pool.stats().totals.timeouts).toBe(1);
  });
});

describe('which attempt a dial is', () => {
  const make = poolsUnderTest();
  const fast = { dialBackoff: { initial: 10, max: 10 } };
  const attemptsOf = (connector: { dial: { calls: readonly { context: { attempt: number } }[] } }) =>
    connector.dial.calls.map(({ context }) => context.attempt);

  it('is counted for whoever asked, whatever has failed for others before', async () => {
    const { pool, connector, clock } = make(fast);
    connector.dial.next('fail', 'fail');
    for (let round = 0; round < 3; round++) {
      void follow(pool.acquire());
      await clock.advance(10);
    }
    expect(attemptsOf(connector)).toEqual([1, 1, 1]);
  });

  it('is counted for the first in line, also when it takes none but a fresh one', async () => {
    const { pool, connector, clock } = make({ dialAttempts: 3, dialConcurrency: 1, ...fast });
    connector.dial.next('fail');
    void follow(pool.acquire({ fresh: true }));
    await clock.settle();
    void follow(pool.acquire());
    await clock.advance(10);
    expect(attemptsOf(connector)[1]).toBe(2);
  });

  it('is counted for a warm-up as long as there is one, and for min from the last success on', async () => {
    const { pool, connector, clock } = make({ min: 1, dialAttempts: 2, ...fast });
    connector.dial.next('fail', 'fail', 'fail');
    const warm = follow(pool.warmUp(1));
    await clock.advance(10);
    expect(warm.now).toEqual({ state: 'resolved', value: 0 });
    expect(attemptsOf(connector)).toEqual([1, 2]);
    await pool.start();
    await clock.advance(20);
    expect(attemptsOf(connector)).toEqual([1, 2, 3, 4]);
    connector.dial.next('fail');
    await pool.closeIdle();
    await clock.advance(20);
    expect(attemptsOf(connector).slice(4)).toEqual([1, 2]);
  });

  it('is the first of a new warm-up although others have failed before', async () => {
    const { pool, connector, clock } = make(fast);
    connector.dial.next('fail');
    await pool.warmUp(1);
    await clock.advance(10);
    await pool.warmUp(1);
    expect(attemptsOf(connector)).toEqual([1, 1]);
  });
});

describe('a dial that failed', () => {
  const make = poolsUnderTest();

  it('for good is told to all at once, although another is still under way', async () => {
    const { pool, connector, clock } = make({}, { isPermanent: () => true });
    const gate = connector.dial.gate();
    connector.dial.gate();
    const waiters = [follow(pool.acquire()), follow(pool.acquire())];
    await clock.settle();
    gate.reject(new Error('wrong password'));
    await clock.settle();
    expect(waiters.map(({ now }) => now)).toMatchObject([
      { state: 'rejected', error: { permanent: true } },
      { state: 'rejected', error: { permanent: true } },
    ]);
    expect(connector.dial.open).toHaveLength(1);
  });

  it('is told to whoever takes none but a fresh one, although connections live', async () => {
    const { pool, connector, clock, take } = make({ max: 2 });
    await take(1);
    connector.dial.always('fail');
    const waiters = [follow(pool.acquire({ fresh: true })), follow(pool.acquire())];
    await clock.advance('1s');
    expect(waiters.map(({ now }) => now.state)).toEqual(['rejected', 'pending']);
  });
});

describe('whoever waits when a dial fails', () => {
  const make = poolsUnderTest();
  const options = { max: 2, idleTimeout: 0, heartbeatInterval: 100 };

  it('waits on for one that is being cleaned', async () => {
    const { pool, take, connector, clock } = make(options, { reset: true });
    const [lease] = await take(1);
    const reset = connector.reset.gate();
    lease?.release();
    connector.dial.next('fail');
    const waiter = follow(pool.acquire());
    void follow(pool.acquire());
    await clock.settle();
    expect(connector.dial.count).toBe(2);
    expect(waiter.now.state).toBe('pending');
    reset.resolve();
    await clock.settle();
    expect(waiter.now.state).toBe('resolved');
  });

  it('waits on for one that is being checked', async () => {
    const { pool, fill, connector, clock } = make(options, { heartbeat: true });
    await fill(1);
    await clock.advance(100);
    const check = connector.heartbeat.gate();
    connector.dial.next('fail');
    const waiters = [follow(pool.acquire()), follow(pool.acquire())];
    await clock.settle();
    expect(connector.dial.count).toBe(2);
    expect(waiters.map(({ now }) => now.state)).toEqual(['pending', 'pending']);
    check.resolve();
    await clock.settle();
    expect(waiters[0]?.now.state).toBe('resolved');
  });

  it('waits on for an idle one that a paused pool does not lend', async () => {
    const { pool, fill, connector, clock } = make({ max: 2 });
    await fill(1);
    const gate = connector.dial.gate();
    const fresh = follow(pool.acquire({ fresh: true }));
    await clock.settle();
    pool.pause();
    const waiter = follow(pool.acquire());
    gate.reject(new Error('refused'));
    await clock.settle();
    expect([fresh.now.state, waiter.now.state]).toEqual(['rejected', 'pending']);
    pool.resume();
    await clock.settle();
    expect(waiter.now.state).toBe('resolved');
  });

  it('need not wait for the next dial longer than for the first that failed beside it', async () => {
    const { connector, clock, pool, said } = make({ dialBackoff: { initial: 10, max: 10 } });
    const gates = [connector.dial.gate(), connector.dial.gate()];
    connector.dial.always('hang');
    for (const _ of gates) void follow(pool.acquire());
    gates[0]?.reject(new Error('refused'));
    await clock.advance(50);
    gates[1]?.reject(new Error('refused'));
    await clock.settle();
    expect(said('dial-failed')[1]).toMatchObject({ durationMs: 50, failures: 2, retryInMs: 0 });
  });

  it('is told when all that is lent has died or is of an old generation', async () => {
    for (const end of ['die', 'evict'] as const) {
      const { pool, take, connector, clock } = make(options, { watch: true });
      const [lease] = await take(1);
      if (end === 'die') connector.conns[0]?.die(new Error('hung up'));
      else pool.evictAll();
      connector.dial.always('fail');
      const waiter = follow(pool.acquire());
      await clock.settle();
      expect(waiter.now).toMatchObject({ state: 'rejected', error: { code: 'ERR_DIAL' } });
      expect(lease?.active).toBe(true);
    }
  });
});

describe('a connection that comes too late', () => {
  const make = poolsUnderTest();

  it.each([
    ['surplus', 'open'],
    ['pool-closed', 'closed'],
  ])('is closed as %s by a pool that is %s', async (reason, state) => {
    const { pool, connector, clock } = make({ dialTimeout: 100 });
    const gate = connector.dial.gate();
    void follow(pool.acquire());
    await clock.advance(100);
    if (state === 'closed') await pool.close();
    gate.resolve();
    await clock.settle();
    expect(connector.close.calls.map(({ context }) => context.reason)).toEqual([reason]);
    expect(pool.stats()).toMatchObject({ state, size: 0, totals: { closed: { [reason]: 1 }, dialed: 0 } });
  });
});

describe('a connection that dies in the hands of a borrower', () => {
  const make = poolsUnderTest();

  it.each([
    ['discard', 1, 'counts against the back-off'],
    ['release', 1, 'has served for all that, and does not count'],
    ['discard', 2, 'does not count'],
    ['release', 2, 'does not count'],
  ] as const)('%s by borrower %d: %s', async (end, borrower, what) => {
    const dice = jest.spyOn(Math, 'random').mockReturnValue(1);
    const { pool, connector, clock, take } = make(
      { max: 1, dialBackoff: { initial: 100, max: 100 } },
      { watch: true },
    );
    if (borrower === 2) (await take(1))[0]?.release();
    const [lease] = await take(1);
    connector.conns[0]?.die(new Error('hung up'));
    lease?.[end]();
    const next = follow(pool.acquire());
    await clock.advance(99);
    expect(next.now.state).toBe(what.startsWith('counts') ? 'pending' : 'resolved');
    await clock.advance(1);
    dice.mockRestore();
    expect(next.now.state).toBe('resolved');
    expect(connector.close.calls.map(({ context }) => context.reason)).toEqual(['lost']);
  });
});

describe('watch()', () => {
  /** A connector of which only `watch` says anything. */
  const watching = (watch: () => unknown) => ({
    dial: () => ({}),
    close: () => undefined,
    watch: watch as () => void,
  });

  it('that throws makes the dial one that failed, and its connection is closed', async () => {
    const broken = new Error('of watch itself');
    const pool = new ConnPool<object>(
      watching(() => {
        throw broken;
      }),
    );
    expect(await rejection(pool.acquire())).toMatchObject({ code: 'ERR_DIAL', cause: broken });
    expect(pool.stats()).toMatchObject({
      size: 0,
      totals: { dialFailures: 1, dialed: 0, lost: 0, closed: { discarded: 1 } },
    });
    await pool.close();
  });

  it.each(['discard', 'detach', 'force', 'lost'] as const)(
    'is stopped once, when its connection goes: %s',
    async (end) => {
      let stopped = 0;
      let tell: () => void = () => undefined;
      const pool = new ConnPool<object>({
        ...watching(() => undefined),
        watch: (_conn, lost) => {
          tell = lost;
          return () => (stopped += 1);
        },
      });
      const lease = await pool.acquire();
      expect(stopped).toBe(0);
      if (end === 'lost') {
        lease.release();
        tell();
      } else if (end !== 'force') lease[end]();
      await pool.close({ drain: 0 });
      expect(stopped).toBe(1);
    },
  );

  it('may give anything instead of a function, a promise that rejects as well', async () => {
    const unhandled: unknown[] = [];
    const onUnhandled = (reason: unknown) => void unhandled.push(reason);
    process.on('unhandledRejection', onUnhandled);
    for (const given of [7, 'text', {}, null, Promise.reject(new Error('of watch itself'))]) {
      const pool = new ConnPool<object>(watching(() => given));
      const types: string[] = [];
      pool.events$.subscribe(({ type }) => types.push(type));
      (await pool.acquire()).release();
      await pool.close();
      expect(types).not.toContain('close-failed');
    }
    await new Promise((resolve) => setImmediate(resolve));
    process.off('unhandledRejection', onUnhandled);
    expect(unhandled).toEqual([]);
  });
});

describe('a dial that fails, and while the connector is asked about it the pool is closed by force', () => {
  const make = poolsUnderTest();

  it.each(['dial', 'heartbeat'] as const)('is ended once: %s', async (call) => {
    const under = make(
      {},
      { heartbeat: true, isPermanent: () => (void under.pool.close({ drain: 0 }), true) },
    );
    const { pool, connector, clock } = under;
    connector[call].next('fail');
    const waiter = follow(pool.acquire());
    await clock.settle();
    expect(waiter.now).toMatchObject({ state: 'rejected', error: { code: 'ERR_POOL_CLOSED' } });
    expect([pool.state, connector.close.count]).toEqual(['closed', call === 'dial' ? 0 : 1]);
  });
});

describe('the age of a connection', () => {
  const make = poolsUnderTest();

  it('begins when it has been made', async () => {
    const { pool, connector, clock } = make({ maxLifetime: 1_000, lifetimeJitter: 0 });
    connector.dial.next({ after: 50 });
    const [lease] = await Promise.all([pool.acquire(), clock.advance(50)]);
    expect(pool.inspect()).toMatchObject([{ age: 0 }]);
    await clock.advance(999);
    expect(pool.inspect()).toMatchObject([{ age: 999 }]);
    lease.release();
    expect(pool.stats().idle).toBe(1);
  });

  it('is the whole of its lifetime at the very end of it', async () => {
    const { connector, clock, take } = make({ maxLifetime: 1_000, lifetimeJitter: 0 });
    const [lease] = await take(1);
    await clock.advance(1_000);
    lease?.release();
    expect(connector.close.calls.map(({ context }) => context.reason)).toEqual(['max-lifetime']);
  });
});

describe('a connection that dies', () => {
  const make = poolsUnderTest();

  it('while lent is closed with what it died of; without a word of that, its lease is told in words', async () => {
    const { connector, take, said, clock } = make({ name: 'thrift' }, { watch: true });
    const [first, second] = await take(2);
    const cause = new Error('hung up');
    const { signal } = second as NonNullable<typeof second>;
    connector.conns[0]?.die(cause);
    connector.conns[1]?.die();
    first?.release();
    second?.release();
    await clock.settle();
    expect(said('close').map((event) => event.cause)).toEqual([cause, undefined]);
    expect((signal.reason as Error).message).toBe(`Connection ${second?.id} of pool "thrift" was lost.`);
  });

  it('unused, soon after it was made, is replaced when the back-off is over', async () => {
    const dice = jest.spyOn(Math, 'random').mockReturnValue(1);
    const { pool, connector, clock } = make(
      { min: 1, dialBackoff: { initial: 100, max: 100 } },
      { watch: true },
    );
    await pool.start();
    await clock.settle();
    connector.conns[0]?.die(new Error('hung up'));
    await clock.advance(99);
    expect(connector.dial.count).toBe(1);
    await clock.advance(1);
    dice.mockRestore();
    expect(connector.dial.count).toBe(2);
  });

  it('after it was used is no failure of those who warm up', async () => {
    const { pool, connector, clock, fill } = make({ max: 3 }, { watch: true });
    await fill(1);
    const gates = [connector.dial.gate(), connector.dial.gate(), connector.dial.gate()];
    const warm = follow(pool.warmUp(3));
    await clock.settle();
    connector.conns[0]?.die(new Error('hung up'));
    await clock.settle();
    expect(warm.now.state).toBe('pending');
    for (const gate of gates) gate.resolve();
    await clock.settle();
    expect(warm.now).toEqual({ state: 'resolved', value: 3 });
  });
});
