import * as fc from 'fast-check';
import type { Act, Answer, Omen, Schedule } from './acts.js';

const pick = fc.nat({ max: 7 });
const span = fc.constantFrom(1, 7, 20, 60, 120, 400, 1500);

const acquire = fc.record({
  do: fc.constant('acquire' as const),
  timeout: fc.constantFrom(0, 0, 0, 30, 250),
  priority: fc.constantFrom(0, 0, 0, 1, -1),
  fresh: fc.constantFrom(false, false, false, true),
  signal: fc.boolean(),
});

const use = fc.record({
  do: fc.constant('use' as const),
  fails: fc.boolean(),
  ms: fc.constantFrom(0, 5, 50),
});

const onOne = fc.record({
  do: fc.constantFrom(
    'release' as const,
    'release' as const,
    'release' as const,
    'release twice' as const,
    'misuse' as const,
    'discard' as const,
    'detach' as const,
    'abort' as const,
    'kill' as const,
    'kill quietly' as const,
  ),
  n: pick,
});

const resize = fc
  .record({
    do: fc.constant('resize' as const),
    max: fc.integer({ min: 1, max: 4 }),
    min: fc.integer({ min: 0, max: 4 }),
    maxIdle: fc.constantFrom(undefined, 0, 1, 2),
  })
  .map((size) => ({ ...size, min: Math.min(size.min, size.max) }));

const heartbeat = fc.record({
  do: fc.constant('heartbeat' as const),
  timeout: fc.constantFrom(0, 10, 100),
  dialIfNone: fc.boolean(),
  signal: fc.boolean(),
});

const plain = fc.record({
  do: fc.constantFrom(
    'tryAcquire' as const,
    'evictAll' as const,
    'closeIdle' as const,
    'pause' as const,
    'resume' as const,
    'resume' as const,
    'start' as const,
    'look' as const,
  ),
});

const settle = fc.record({ do: fc.constant('settle' as const), n: pick, well: fc.boolean() });

/** What takes no time, and so may be done from anywhere. */
const inner: fc.Arbitrary<Act> = fc.oneof(
  { weight: 6, arbitrary: acquire },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('burst' as const), n: pick }) },
  { weight: 1, arbitrary: use },
  { weight: 8, arbitrary: onOne },
  { weight: 3, arbitrary: settle },
  { weight: 2, arbitrary: resize },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('warmUp' as const), n: fc.nat({ max: 4 }) }) },
  { weight: 1, arbitrary: heartbeat },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('outage' as const), on: fc.boolean() }) },
  { weight: 3, arbitrary: plain },
);

const closing = fc.record({ do: fc.constant('close' as const), ms: fc.constantFrom(0, 0, 50, 300) });

const together = fc.record({
  do: fc.constant('together' as const),
  acts: fc.array(inner, { minLength: 2, maxLength: 3 }),
  gap: fc.nat({ max: 3 }),
});

const act: fc.Arbitrary<Act> = fc.oneof(
  { weight: 12, arbitrary: inner },
  { weight: 2, arbitrary: together },
  { weight: 6, arbitrary: fc.record({ do: fc.constant('advance' as const), ms: span }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('stall' as const), ms: span }) },
);

const afterClose: fc.Arbitrary<Act> = fc.oneof(
  { weight: 5, arbitrary: act },
  { weight: 1, arbitrary: closing },
);

const answer = fc.oneof(
  { weight: 10, arbitrary: fc.constantFrom<Answer>('soon', 'at once', 'soon', 'slow') },
  {
    weight: 3,
    arbitrary: fc.constantFrom<Answer>(
      'held',
      'fails',
      'throws',
      'fails slowly',
      'late',
      'never',
      'permanent',
      'twice',
      'held',
    ),
  },
);

const omen = fc.constantFrom<Omen>('fine', 'fine', 'fine', 'fine', 'fine', 'dead', 'dead', 'throws');

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

/** From where the pool is called besides from outside. */
export interface Within {
  readonly calls: boolean;
  readonly listeners: boolean;
}

export const WITHIN: Readonly<Record<string, Within>> = {
  'from outside': { calls: false, listeners: false },
  'from inside the connector, too': { calls: true, listeners: false },
  'from inside listeners, too': { calls: false, listeners: true },
  'from everywhere': { calls: true, listeners: true },
};

/** All that may happen to a pool, in any order. */
export function schedules({ calls, listeners }: Within): fc.Arbitrary<Schedule> {
  const inside = fc.oneof(
    { weight: 30, arbitrary: inner },
    { weight: 2, arbitrary: closing },
    {
      weight: 1,
      arbitrary: fc.record({ do: fc.constant('stall' as const), ms: fc.constantFrom(8, 40, 400) }),
    },
  );
  const inListener = fc.oneof(
    { weight: 15, arbitrary: inside },
    { weight: 1, arbitrary: fc.constant<Act>({ do: 'throw' }) },
  );
  const some = (on: boolean, one: fc.Arbitrary<Act>) =>
    on
      ? fc.array(fc.option(one, { nil: undefined, freq: 2 }), { minLength: 1, maxLength: 12 })
      : fc.constant([]);
  return fc.record({
    options,
    methods: fc.record({
      heartbeat: fc.boolean(),
      reset: fc.boolean(),
      isAlive: fc.boolean(),
      watch: fc.boolean(),
    }),
    answers: fc.array(answer, { minLength: 6, maxLength: 20 }),
    omens: fc.array(omen, { minLength: 1, maxLength: 12 }),
    acts: fc
      .tuple(
        fc.array(act, { minLength: 1, maxLength: 40, size: 'max' }),
        fc.option(fc.tuple(closing, fc.array(afterClose, { maxLength: 6 }))),
      )
      .map(([before, end]) => (end === null ? before : [...before, end[0], ...end[1]])),
    inCalls: some(calls, inside),
    inListeners: some(listeners, inListener),
  });
}
