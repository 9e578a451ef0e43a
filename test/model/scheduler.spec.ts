import * as fc from 'fast-check';
import type { Act } from './acts.js';
import type { HeldCall } from './hostile-connector.js';
import { wrongsOf } from './run.js';
import { schedules, WITHIN } from './schedules.js';
import type { World } from './world.js';

const { MODEL_RUNS = '150', MODEL_SEED = '20240607', MODEL_PATH } = process.env;

/**
 * Here fast-check's scheduler decides when the connector answers: between any two acts, as many as it likes, in any
 * order, and not by the clock.
 */
async function drive(world: World, scheduler: fc.Scheduler): Promise<void> {
  const { connector, schedule } = world;
  const scheduled = new Set<HeldCall>();
  const scheduleAnswers = (): void => {
    for (const held of connector.held) {
      if (scheduled.has(held)) continue;
      scheduled.add(held);
      const well = scheduled.size % 4 !== 0;
      // An act may have been faster.
      const answer = (): void => {
        if (connector.held.includes(held)) held.settle(well);
      };
      void scheduler.schedule(Promise.resolve(), held.call.kind).then(answer);
    }
  };
  const steps = schedule.acts.map((act: Act) => async (): Promise<void> => {
    if (world.wrongs.length > 0) return;
    await world.take(act);
    scheduleAnswers();
  });
  const { task } = scheduler.scheduleSequence(steps);
  await scheduler.waitFor(task);
  await world.take({ do: 'look' });
}

it('every invariant holds in whatever order the connector’s promises settle', async () => {
  const property = fc.asyncProperty(
    schedules(WITHIN['from outside']),
    fc.scheduler(),
    async (schedule, scheduler) => {
      const held = { ...schedule, answers: ['held' as const] };
      const wrongs = await wrongsOf(held, (world) => drive(world, scheduler));
      if (wrongs.length > 0) throw new Error(wrongs.join('\n'));
    },
  );
  await fc.assert(property, {
    seed: Number(MODEL_SEED),
    numRuns: Number(MODEL_RUNS),
    ...(MODEL_PATH !== undefined && { path: MODEL_PATH }),
  });
}, 3_600_000);
