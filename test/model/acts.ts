import * as fc from 'fast-check';
import type { ConnPoolOptions } from 'nestjs-conn-pool/core';

/** How one call of the connector goes. `late` answers well, but only after every timeout. */
export type Answer =
  'at once' | 'soon' | 'slow' | 'late' | 'never' | 'fails' | 'throws' | 'fails slowly' | 'permanent';

/** One thing that is done to a pool. `n` picks among what there is. */
export type Act =
  | { do: 'acquire'; timeout: number; priority: number; fresh: boolean; signal: boolean }
  | { do: 'burst'; n: number }
  | { do: 'use'; fails: boolean; ms: number }
  | { do: 'release' | 'release twice' | 'discard' | 'detach' | 'abort' | 'kill' | 'kill quietly'; n: number }
  | { do: 'resize'; max: number; min: number; maxIdle: number | undefined }
  | { do: 'warmUp'; n: number }
  | { do: 'heartbeat'; timeout: number; dialIfNone: boolean }
  | { do: 'advance' | 'stall' | 'close'; ms: number }
  | { do: 'outage'; on: boolean }
  | { do: 'tryAcquire' | 'evictAll' | 'closeIdle' | 'pause' | 'resume' | 'start' | 'look' };

/** Everything that decides how one run goes. */
export interface Schedule {
  readonly options: ConnPoolOptions;
  readonly methods: { heartbeat: boolean; reset: boolean; isAlive: boolean; watch: boolean };
  readonly answers: readonly Answer[];
  /** Whether a connection is found dead at once by `watch`, or by `isAlive`; taken in turn. */
  readonly stillborn: readonly boolean[];
  readonly acts: readonly Act[];
  /** Done from inside the connector's methods, one for each call. */
  readonly inCalls: readonly (Act | undefined)[];
  /** Done from inside the listeners of events and of abort signals. */
  readonly inListeners: readonly (Act | undefined)[];
}

const pick = fc.nat({ max: 7 });
const span = fc.constantFrom(1, 7, 20, 60, 120, 400, 1500);

const inner: fc.Arbitrary<Act> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant('acquire' as const),
      timeout: fc.constantFrom(0, 0, 0, 30, 250),
      priority: fc.constantFrom(0, 0, 0, 1, -1),
      fresh: fc.constantFrom(false, false, false, true),
      signal: fc.boolean(),
    }),
  },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('burst' as const), n: pick }) },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('use' as const),
      fails: fc.boolean(),
      ms: fc.constantFrom(0, 5, 50),
    }),
  },
  {
    weight: 8,
    arbitrary: fc.record({
      do: fc.constantFrom(
        'release',
        'release',
        'release',
        'release twice',
        'discard',
        'detach',
        'abort',
        'kill',
        'kill quietly',
      ),
      n: pick,
    }),
  },
  {
    weight: 2,
    arbitrary: fc
      .record({
        do: fc.constant('resize' as const),
        max: fc.integer({ min: 1, max: 4 }),
        min: fc.integer({ min: 0, max: 4 }),
        maxIdle: fc.constantFrom(undefined, 0, 1, 2),
      })
      .map((size) => ({ ...size, min: Math.min(size.min, size.max) })),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('warmUp' as const), n: fc.nat({ max: 4 }) }) },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('heartbeat' as const),
      timeout: fc.constantFrom(0, 10, 100),
      dialIfNone: fc.boolean(),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('outage' as const), on: fc.boolean() }) },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constantFrom(
        'tryAcquire',
        'evictAll',
        'closeIdle',
        'pause',
        'resume',
        'resume',
        'start',
        'look',
      ),
    }),
  },
) as fc.Arbitrary<Act>;

const closing = fc.record({ do: fc.constant('close' as const), ms: fc.constantFrom(0, 0, 50, 300) });

const act: fc.Arbitrary<Act> = fc.oneof(
  { weight: 12, arbitrary: inner },
  { weight: 6, arbitrary: fc.record({ do: fc.constant('advance' as const), ms: span }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('stall' as const), ms: span }) },
);

const answer = fc.oneof(
  { weight: 10, arbitrary: fc.constantFrom<Answer>('soon', 'at once', 'soon', 'slow') },
  {
    weight: 2,
    arbitrary: fc.constantFrom<Answer>('fails', 'throws', 'fails slowly', 'late', 'never', 'permanent'),
  },
);

const options = fc
  .record({
    max: fc.integer({ min: 1, max: 4 }),
    min: fc.integer({ min: 0, max: 3 }),
    maxIdle: fc.constantFrom(undefined, undefined, 0, 1),
    exhausted: fc.constantFrom('wait' as const, 'wait' as const, 'overflow' as const, 'fail' as const),
    maxWaiting: fc.constantFrom(Infinity, Infinity, 0, 2),
    acquireTimeout: fc.constantFrom(0, 500),
    dialAttempts: fc.constantFrom(1, 1, 3, 1000),
    dialConcurrency: fc.constantFrom(1, 2, 4),
    order: fc.constantFrom('lifo' as const, 'fifo' as const),
    idleTimeout: fc.constantFrom(0, 150),
    heartbeatInterval: fc.constantFrom(40, 0, 15, 200),
    maxLifetime: fc.constantFrom(0, 300),
    maxUses: fc.constantFrom(Infinity, Infinity, 2),
    leakThreshold: fc.constantFrom(0, 100),
    startup: fc.constantFrom('wait' as const, 'background' as const, 'lazy' as const),
  })
  .map((drawn) => ({
    ...drawn,
    min: Math.min(drawn.min, drawn.max),
    dialTimeout: 100,
    heartbeatTimeout: 60,
    resetTimeout: 60,
    closeTimeout: 60,
    dialBackoff: { initial: 10, max: 80 },
    drain: 300,
  }));

/** Schedules; `calls` and `listeners`: how often the pool is called from within what it calls. */
export function schedules(within: { calls: boolean; listeners: boolean }): fc.Arbitrary<Schedule> {
  const maybe = fc.option(fc.oneof({ weight: 15, arbitrary: inner }, { weight: 1, arbitrary: closing }), {
    nil: undefined,
    freq: 2,
  });
  const some = (on: boolean) => (on ? fc.array(maybe, { minLength: 1, maxLength: 12 }) : fc.constant([]));
  return fc.record({
    options,
    methods: fc.record({
      heartbeat: fc.boolean(),
      reset: fc.boolean(),
      isAlive: fc.boolean(),
      watch: fc.boolean(),
    }),
    answers: fc.array(answer, { minLength: 6, maxLength: 20 }),
    stillborn: fc.array(fc.constantFrom(false, false, false, false, true), { minLength: 1, maxLength: 12 }),
    acts: fc
      .tuple(
        fc.array(act, { minLength: 1, maxLength: 40, size: 'max' }),
        fc.option(fc.tuple(closing, fc.array(act, { maxLength: 6 }))),
      )
      .map(([before, end]) => (end === null ? before : [...before, end[0], ...end[1]])),
    inCalls: some(within.calls),
    inListeners: some(within.listeners),
  });
}
