import { setTimeout as delay } from 'node:timers/promises';

/** Longer than anything here should take, on a machine that is busy with something else. */
const LONGEST = 15_000;

/** Waits for something that happens by itself; gives up in time for a test to clean up after itself. */
export async function until(condition: () => boolean | Promise<boolean>, limit = LONGEST): Promise<void> {
  const end = performance.now() + limit;
  while (!(await condition())) {
    if (performance.now() > end)
      throw new Error(`It did not happen within ${limit} ms: ${String(condition)}`);
    await delay(2);
  }
}
