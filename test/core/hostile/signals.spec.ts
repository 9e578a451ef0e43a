import { getEventListeners } from 'node:events';
import { ConnPool, InvalidOptionsError } from 'nestjs-conn-pool/core';
import { FakeClock } from 'nestjs-conn-pool/testing';
import { addsUp, follow, poolsUnderTest } from '../pools-under-test.js';
import { STATES, Stand } from './stand.js';
import { StrayErrors } from './stray-errors.js';

const boom = (): never => {
  throw new Error('a trap of the user has sprung');
};
const quiet = (): void => undefined;

/** Objects that have something of an AbortSignal, but are none: each is to be refused before anybody stands in line. */
const NO_SIGNALS: readonly { name: string; make(): object }[] = [
  { name: 'an AbortController', make: () => new AbortController() },
  { name: 'a plain EventTarget', make: () => new EventTarget() },
  { name: 'one without removeEventListener', make: () => ({ aborted: false, addEventListener: quiet }) },
  { name: 'one without addEventListener', make: () => ({ aborted: false, removeEventListener: quiet }) },
  {
    name: 'one that cannot say whether it is aborted',
    make: () => ({ addEventListener: quiet, removeEventListener: quiet, throwIfAborted: quiet }),
  },
  {
    name: 'one whose `aborted` throws',
    make: () => ({
      addEventListener: quiet,
      removeEventListener: quiet,
      throwIfAborted: quiet,
      get aborted() {
        return boom();
      },
    }),
  },
];

/** Objects that pass for a signal, and then do not behave as one. */
const ROGUES: readonly { name: string; make(): object }[] = [
  { name: 'whose addEventListener throws', make: () => rogue({ addEventListener: boom }) },
  { name: 'whose removeEventListener throws', make: () => rogue({ removeEventListener: boom }) },
  {
    name: 'whose reason throws',
    make: () => ({
      ...rogue(),
      get reason() {
        return boom();
      },
    }),
  },
  {
    name: 'that is aborted, and whose reason throws',
    make: () => ({
      ...rogue({ aborted: true }),
      get reason() {
        return boom();
      },
    }),
  },
  { name: 'whose `aborted` throws the second time', make: () => throwsOn(2) },
  { name: 'whose `aborted` throws the third time', make: () => throwsOn(3) },
  {
    name: 'that calls its listener at once',
    make: () => rogue({ addEventListener: (_: string, call: () => void) => call() }),
  },
  { name: 'that calls its listener twice', make: () => rogue({ addEventListener: callTwice }) },
  { name: 'that forgets its listeners', make: () => rogue() },
  { name: 'that is a Proxy of one', make: () => new Proxy(new AbortController().signal, {}) },
];

function rogue(parts: object = {}): object {
  return {
    aborted: false,
    addEventListener: quiet,
    removeEventListener: quiet,
    throwIfAborted: quiet,
    ...parts,
  };
}

/** Its `aborted` throws when it is read for the n-th time. */
function throwsOn(time: number): object {
  let reads = 0;
  return {
    ...rogue(),
    get aborted() {
      return (reads += 1) >= time ? boom() : false;
    },
  };
}

function callTwice(_type: string, call: () => void): void {
  queueMicrotask(call);
  queueMicrotask(call);
}

describe('what is no signal', () => {
  const stray = new StrayErrors();

  it.each(NO_SIGNALS)('is refused: $name', async ({ make }) => {
    for (const state of STATES) {
      for (const call of ['acquire', 'heartbeat'] as const) {
        const stand = await Stand.in(state, stray);
        const outcome = stand.do(call, 'promise', () => stand.pool[call]({ signal: make() as AbortSignal }));
        await stand.clock.settle();
        const { now } = outcome;
        if (now.state !== 'rejected' || !(now.error instanceof InvalidOptionsError))
          stand.wrong(`${call} is not refused`);
        else expect(now.error.problems).toMatchObject([{ path: 'signal', allowed: 'an AbortSignal' }]);
        expect(await stand.mustEndWell()).toEqual([]);
      }
    }
  });

  it.each(ROGUES)('harms nobody: one $name', async ({ make }) => {
    for (const state of STATES) {
      for (const call of ['acquire', 'heartbeat'] as const) {
        const stand = await Stand.in(state, stray);
        // The pool passes on what the signal throws or aborts with; whose error that is, is none of its business.
        const answer = (): Promise<unknown> =>
          stand.pool[call]({ signal: make() as AbortSignal }).catch(() => undefined);
        stand.do(call, 'promise', answer);
        await stand.clock.settle();
        expect(await stand.mustEndWell()).toEqual([]);
      }
    }
  });
});

describe('a signal that cannot be listened to', () => {
  const make = poolsUnderTest();

  it('is told to whoever came with it, who does not stand in line', async () => {
    const { pool, clock, take } = make({ max: 1 });
    const [lease] = await take(1);
    const acquiring = follow(pool.acquire({ signal: rogue({ addEventListener: boom }) as AbortSignal }));
    await clock.settle();
    expect(acquiring.now).toMatchObject({
      state: 'rejected',
      error: { message: 'a trap of the user has sprung' },
    });
    expect(pool.stats().waiting).toBe(0);
    lease?.release();
    expect(pool.stats()).toMatchObject({ idle: 1, leased: 0 });
  });
});

describe('a signal', () => {
  const make = poolsUnderTest();

  it('aborted by what the connector is asked meanwhile ends a heartbeat all the same', async () => {
    const { pool, clock, connector, fill } = make({}, { heartbeat: true });
    await fill(1);
    const controller = new AbortController();
    const reason = new Error('enough');
    connector.heartbeat.always('hang');
    connector.heartbeat.tap(() => controller.abort(reason));
    const asked = follow(pool.heartbeat({ signal: controller.signal }));
    await clock.settle();
    expect(asked.now).toEqual({ state: 'rejected', error: reason });
    await clock.advance('1m');
  });

  it('that lives long is listened to once, and by nobody when nobody waits', async () => {
    const { pool, clock, take } = make({ max: 1, acquireTimeout: 0 });
    const [lease] = await take(1);
    const { signal } = new AbortController();
    let most = 0;
    for (let round = 0; round < 20; round++) {
      const waiting = Array.from({ length: 50 }, () => pool.acquire({ signal }));
      most = Math.max(most, getEventListeners(signal, 'abort').length);
      (round === 0 ? lease : undefined)?.release();
      for (const each of waiting) (await each).release();
      expect(getEventListeners(signal, 'abort')).toEqual([]);
    }
    expect(most).toBe(1);
    await clock.settle();
  });

  it('is let go of after a heartbeat, an acquire too late and a close', async () => {
    const { pool, clock, take, fill } = make({ max: 1 }, { heartbeat: true });
    await fill(1);
    const { signal } = new AbortController();
    await pool.heartbeat({ signal });
    await take(1);
    follow(pool.acquire({ signal, timeout: 5 }));
    follow(pool.acquire({ signal }));
    expect(getEventListeners(signal, 'abort')).toHaveLength(1);
    await clock.advance(5);
    expect(getEventListeners(signal, 'abort')).toHaveLength(1);
    void pool.close({ drain: 0 });
    expect(getEventListeners(signal, 'abort')).toEqual([]);
  });

  it('is one signal for each pool that waits under it, not for each acquire', async () => {
    const { signal } = new AbortController();
    const clock = new FakeClock();
    const pools = Array.from(
      { length: 8 },
      () => new ConnPool({ dial: () => ({}), close: quiet }, { clock, max: 1 }),
    );
    for (const pool of pools) {
      await pool.acquire();
      for (let i = 0; i < 10; i++) follow(pool.acquire({ signal }));
    }
    expect(getEventListeners(signal, 'abort')).toHaveLength(8);
    for (const pool of pools) void pool.close({ drain: 0 });
    await clock.settle();
    expect(getEventListeners(signal, 'abort')).toEqual([]);
  });

  it('that aborts tells all who wait under it and no others, whatever the listeners of the abort do', async () => {
    const { pool, clock, take } = make({ max: 1 });
    const [lease] = await take(1);
    const [mine, other] = [new AbortController(), new AbortController()];
    const reason = new Error('enough');
    const again: { now: { state: string } }[] = [];
    // First in the row of listeners: it comes back into the pool before the pool has heard of the abort.
    mine.signal.addEventListener('abort', () => {
      again.push(
        follow(pool.acquire({ signal: mine.signal })),
        follow(pool.acquire({ signal: other.signal })),
      );
      other.abort(reason);
      lease?.release();
    });
    const under = Array.from({ length: 3 }, () => follow(pool.acquire({ signal: mine.signal })));
    const beside = follow(pool.acquire());
    mine.abort(reason);
    await clock.settle();
    expect(again.map(({ now }) => now.state)).toEqual(['rejected', 'rejected']);
    expect(under.map(({ now }) => now.state)).toContain('rejected');
    expect(addsUp(pool.stats())).toBe(true);
    for (const { now } of [...under, beside]) if (now.state === 'resolved') now.value.release();
    await clock.settle();
    expect(beside.now.state).toBe('resolved');
  });
});
