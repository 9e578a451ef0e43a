import { getEventListeners } from 'node:events';
import type { AcquireTimeoutError } from 'nestjs-conn-pool/core';
import { follow, poolsUnderTest, rejection } from '../pools-under-test.js';

describe('the deadline of an acquire', () => {
  const make = poolsUnderTest();
  /** Somebody's computing holds up the turn of the event loop in which it is called. */
  const LONG = 100;

  it('of its own is what its error tells, and the usual one otherwise', async () => {
    const { pool, clock, take } = make({ max: 1, acquireTimeout: 400 });
    await take(1);
    const acquires = [pool.acquire(), pool.acquire({}), pool.acquire({ timeout: 250 })].map(rejection);
    await clock.advance(400);
    const errors = (await Promise.all(acquires)) as AcquireTimeoutError[];
    expect(errors.map(({ timeout }) => timeout)).toEqual([400, 400, 250]);
    expect(errors.map(({ message }) => /within (\d+) ms/.exec(message)?.[1])).toEqual(['400', '400', '250']);
  });

  it.each([
    ['', {}],
    [', also while leaks are watched for', { leakThreshold: '1h' }],
  ])(
    'is counted from the end of a turn that lasted long, for whoever came in it with the usual one%s',
    async (_, options) => {
      const { pool, clock, take } = make({ max: 1, acquireTimeout: 1_000, ...options });
      await take(1);
      const signal = new AbortController().signal;
      const waiters = [follow(pool.acquire()), follow(pool.acquire({ signal }))];
      clock.stall(LONG);
      await clock.advance(999);
      expect(waiters.map(({ now }) => now.state)).toEqual(['pending', 'pending']);
      await clock.advance(1);
      expect(waiters.map(({ now }) => now.state)).toEqual(['rejected', 'rejected']);
    },
  );

  it('stays what it was for those who stood in line before that turn, be it by a millisecond', async () => {
    const { pool, clock, take } = make({ max: 1, acquireTimeout: 1_000 });
    await take(1);
    const before = follow(pool.acquire());
    await clock.advance(1);
    const within = follow(pool.acquire());
    clock.stall(LONG);
    await clock.advance(1_000 - LONG - 1);
    expect([before.now.state, within.now.state]).toEqual(['rejected', 'pending']);
    await clock.advance(LONG + 1);
    expect(within.now.state).toBe('rejected');
  });

  it.each([
    ['longer than the usual one', 5_000],
    ['shorter than the usual one', 50],
  ])('of its own, %s, stays exact in such a turn', async (_length, timeout) => {
    const { pool, clock, take } = make({ max: 1, acquireTimeout: 1_000 });
    await take(1);
    void follow(pool.acquire({ timeout: 10_000 }));
    clock.stall(LONG);
    const waiter = follow(pool.acquire({ timeout }));
    await clock.advance(timeout - 1);
    expect(waiter.now.state).toBe('pending');
    await clock.advance(1);
    expect(waiter.now.state).toBe('rejected');
  });

  it('is looked for no more often than a line of many thousands can afford', async () => {
    const { pool, clock, take } = make({ max: 1 });
    await take(1);
    const many = 20_000;
    for (let i = 0; i < many; i++) void follow(pool.acquire({ timeout: 1_000 + i / 1_000 }));
    await clock.settle();
    const fired = clock.fired;
    await clock.advance(1_030);
    expect(pool.stats()).toMatchObject({ waiting: 0, totals: { timeouts: many } });
    expect(clock.fired - fired).toBeLessThan(18);
  });
});

describe('the signal of an acquire', () => {
  const make = poolsUnderTest();

  it('still holds for the others under it when one of them has been served', async () => {
    const { pool, clock, take } = make({ max: 1 });
    const [lease] = await take(1);
    const abort = new AbortController();
    const [served, second, third] = Array.from({ length: 3 }, () =>
      follow(pool.acquire({ signal: abort.signal })),
    );
    lease?.release();
    await clock.settle();
    expect(served?.now.state).toBe('resolved');
    expect(getEventListeners(abort.signal, 'abort')).toHaveLength(1);
    abort.abort('enough');
    await clock.settle();
    expect([second, third].map((one) => one?.now)).toEqual([
      { state: 'rejected', error: 'enough' },
      { state: 'rejected', error: 'enough' },
    ]);
    expect(pool.stats()).toMatchObject({ waiting: 0, totals: { aborted: 2 } });
  });

  it('has one listener, whoever else has joined the line under another meanwhile', async () => {
    const { pool, take } = make({ max: 1 });
    const [lease] = await take(1);
    const [one, other] = [new AbortController(), new AbortController()];
    const waiters = [one, other, one, other].map(({ signal }) => pool.acquire({ signal }));
    const outcomes = Promise.allSettled(waiters);
    for (const { signal } of [one, other]) expect(getEventListeners(signal, 'abort')).toHaveLength(1);
    one.abort();
    other.abort();
    expect((await outcomes).map(({ status }) => status)).toEqual(Array(4).fill('rejected'));
    lease?.release();
  });

  it('has no listener any more when the last of them has left', async () => {
    const { pool, clock, take } = make({ max: 1 });
    const [lease] = await take(1);
    const { signal } = new AbortController();
    const waiters = [1, 2].map(() => pool.acquire({ signal }).then((got) => got.release()));
    lease?.release();
    await Promise.all([...waiters, clock.settle()]);
    expect(getEventListeners(signal, 'abort')).toHaveLength(0);
  });

  it('may abort while the acquire looks for a connection: that counts as aborted, and leaves no listener', async () => {
    const { pool, clock, fill, connector } = make({ max: 1 }, { isAlive: true });
    await fill(1);
    const abort = new AbortController();
    connector.isAlive.tap(() => abort.abort('enough'));
    connector.isAlive.next('fail');
    const acquire = follow(pool.acquire({ signal: abort.signal }));
    await clock.settle();
    expect(acquire.now).toEqual({ state: 'rejected', error: 'enough' });
    expect(pool.stats()).toMatchObject({ waiting: 0, totals: { aborted: 1, dialed: 1 } });
    expect(getEventListeners(abort.signal, 'abort')).toHaveLength(0);
  });
});
