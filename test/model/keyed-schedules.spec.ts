import * as fc from 'fast-check';
import { type Key, type KeyedAct, type KeyedAnswer, type KeyedSchedule, KeyedWorld } from './keyed-world.js';

const { MODEL_RUNS = '400', MODEL_SEED = '20240607' } = process.env;

const key = fc.constantFrom<Key>('a', 'a', 'b', 'c');
const n = fc.nat({ max: 7 });
const act = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      do: fc.constant('acquire' as const),
      key,
      timeout: fc.constantFrom(0, 0, 30, 250),
      priority: fc.constantFrom(0, 0, 0, 1),
      fresh: fc.constantFrom(false, false, false, true),
      signal: fc.boolean(),
    }),
  },
  {
    weight: 7,
    arbitrary: fc.record({
      do: fc.constantFrom('release', 'release', 'release', 'discard', 'detach', 'kill', 'abort'),
      n,
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constantFrom('tryAcquire', 'evictAll', 'closeIdle', 'outage', 'back', 'back'),
      key,
    }),
  },
  { weight: 5, arbitrary: fc.record({ do: fc.constant('advance'), ms: fc.constantFrom(1, 7, 20, 60, 400) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constantFrom('heartbeat', 'evict everything', 'close idle') }) },
) as fc.Arbitrary<KeyedAct>;

const schedule: fc.Arbitrary<KeyedSchedule> = fc.record({
  options: fc
    .record({
      max: fc.integer({ min: 1, max: 4 }),
      maxPerKey: fc.constantFrom(undefined, undefined, 1, 2),
      maxIdle: fc.constantFrom(undefined, undefined, 0, 1, 2),
      maxIdlePerKey: fc.constantFrom(undefined, undefined, 0, 1),
      exhausted: fc.constantFrom('wait' as const, 'wait' as const, 'fail' as const),
      maxWaiting: fc.constantFrom(Infinity, Infinity, 2),
      dialConcurrency: fc.constantFrom(1, 4),
      idleTimeout: fc.constantFrom(150, 1000),
      heartbeatInterval: fc.constantFrom(0, 40),
      maxLifetime: fc.constantFrom(0, 300),
    })
    .map((drawn) => ({
      ...drawn,
      dialTimeout: 100,
      heartbeatTimeout: 60,
      closeTimeout: 60,
      dialBackoff: { initial: 10, max: 80 },
      dialAttempts: 1000,
    })),
  answers: fc.array(
    fc.oneof(
      { weight: 8, arbitrary: fc.constantFrom<KeyedAnswer>('soon', 'at once', 'slow') },
      { weight: 2, arbitrary: fc.constantFrom<KeyedAnswer>('fails', 'throws', 'never') },
    ),
    { minLength: 6, maxLength: 20 },
  ),
  acts: fc
    .tuple(
      fc.array(act, { minLength: 1, maxLength: 40, size: 'max' }),
      fc.option(fc.constantFrom(0, 50).map((ms): KeyedAct => ({ do: 'close', ms }))),
    )
    .map(([acts, close]) => (close === null ? acts : [...acts, close])),
});

describe('a pool by keys, whatever happens in whatever order', () => {
  it('keeps both ceilings, serves every key, and leaves nothing behind', async () => {
    const property = fc.asyncProperty(schedule, async (drawn) => {
      const world = new KeyedWorld(drawn);
      for (const each of drawn.acts) {
        await world.take(each);
        if (world.wrongs.length > 0) throw new Error(world.wrongs.join('\n'));
      }
      await world.end();
      if (world.wrongs.length > 0) throw new Error(world.wrongs.join('\n'));
    });
    await fc.assert(property, { seed: Number(MODEL_SEED), numRuns: Number(MODEL_RUNS) });
  }, 3_600_000);
});
