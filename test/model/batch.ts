import * as fc from 'fast-check';
import { wrongsOf } from './run.js';
import { schedules, WITHIN } from './schedules.js';

/** What was wrong, and how to see it again. */
export interface Failure {
  readonly seed: number;
  readonly path: string;
  readonly where: string;
  /** The shortest schedule found that shows it. */
  readonly schedule: string;
  readonly wrongs: string;
}

/**
 * Runs some of the schedules that a seed stands for. The seed decides, too, from where the pool is called.
 *
 * @param begun - called before each
 */
export async function runBatch(
  how: { readonly seed: number; readonly runs: number; readonly path?: string },
  begun: (schedule: string) => void = () => undefined,
): Promise<Failure | undefined> {
  const { seed, runs, path } = how;
  const places = Object.keys(WITHIN);
  const where = places[seed % places.length] as string;
  const property = fc.asyncProperty(schedules(WITHIN[where] as never), async (schedule) => {
    begun(fc.stringify(schedule));
    const wrongs = await wrongsOf(schedule);
    if (wrongs.length > 0) throw new Error(wrongs.join('\n'));
  });
  const result = await fc.check(property, { seed, numRuns: runs, ...(path !== undefined && { path }) });
  if (!result.failed) return undefined;
  return {
    seed,
    path: result.counterexamplePath ?? '',
    where,
    schedule: fc.stringify(result.counterexample?.[0]),
    wrongs: (result.errorInstance as Error | undefined)?.message ?? '',
  };
}
