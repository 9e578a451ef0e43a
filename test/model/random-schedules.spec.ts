import { jest } from '@jest/globals';
import * as fc from 'fast-check';
import { type Schedule, schedules } from './acts.js';
import { World } from './world.js';

/** MODEL_RUNS and MODEL_SEED make it longer, and other; MODEL_PATH replays what a failure has printed. */
const { MODEL_RUNS = '250', MODEL_SEED = '20240607', MODEL_PATH } = process.env;

const unhandled: unknown[] = [];
const onUnhandled = (reason: unknown): void => void unhandled.push(reason);

/** The dice of the pool's back-off and lifetimes; a run that is replayed must throw the same. */
function dice(): () => number {
  let state = 1;
  return () => (state = (state * 48271) % 2147483647) / 2147483647;
}

async function wrongsOf(schedule: Schedule): Promise<string[]> {
  jest.spyOn(Math, 'random').mockImplementation(dice());
  const world = new World(schedule);
  try {
    for (const act of schedule.acts) {
      await world.take(act);
      if (world.wrongs.length > 0) return world.wrongs;
    }
    await world.end();
  } catch (error) {
    world.wrong(`threw ${String((error as Error).stack)}`);
  }
  await new Promise((resolve) => setImmediate(resolve));
  for (const reason of unhandled.splice(0))
    world.wrong(`unhandled: ${String((reason as Error).stack ?? reason)}`);
  return world.wrongs;
}

describe('whatever happens in whatever order', () => {
  beforeAll(() => void process.on('unhandledRejection', onUnhandled));
  afterEach(() => jest.restoreAllMocks());
  afterAll(() => void process.off('unhandledRejection', onUnhandled));

  it.each([
    ['from outside', { calls: false, listeners: false }],
    ['from inside the connector, too', { calls: true, listeners: false }],
    ['from inside listeners, too', { calls: false, listeners: true }],
    ['from everywhere', { calls: true, listeners: true }],
  ])(
    'every invariant holds: called %s',
    async (_where, within) => {
      const property = fc.asyncProperty(schedules(within), async (schedule) => {
        const wrongs = await wrongsOf(schedule);
        if (wrongs.length > 0) throw new Error(wrongs.join('\n'));
      });
      await fc.assert(property, {
        seed: Number(MODEL_SEED),
        numRuns: Number(MODEL_RUNS),
        ...(MODEL_PATH !== undefined && { path: MODEL_PATH }),
        endOnFailure: false,
      });
    },
    3_600_000,
  );
});
