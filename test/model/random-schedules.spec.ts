import * as fc from 'fast-check';
import { wrongsOf } from './run.js';
import { schedules, WITHIN } from './schedules.js';

/** MODEL_RUNS and MODEL_SEED make it longer, and other; MODEL_PATH replays what a failure has printed. */
const { MODEL_RUNS = '250', MODEL_SEED = '20240607', MODEL_PATH } = process.env;

describe('whatever happens in whatever order', () => {
  it.each(Object.entries(WITHIN))(
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
