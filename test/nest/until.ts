import { setTimeout as delay } from 'node:timers/promises';

/** Waits for something that happens by itself; when it does not, the test's own timeout ends the wait. */
export async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await condition())) await delay(5);
}
