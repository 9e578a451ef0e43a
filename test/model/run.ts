import type { Schedule } from './acts.js';
import { World } from './world.js';

/**
 * Keeps chance and the process out of a piece of work: the dice are given, what listeners throw is told to nobody, and
 * rejections that nobody handles are collected.
 */
export async function secluded<R>(
  dice: () => number,
  work: (unhandled: unknown[]) => Promise<R>,
): Promise<R> {
  const { random } = Math;
  const { emitWarning } = process;
  const unhandled: unknown[] = [];
  const onUnhandled = (reason: unknown): void => void unhandled.push(reason);
  Math.random = dice;
  process.emitWarning = () => undefined;
  process.on('unhandledRejection', onUnhandled);
  try {
    return await work(unhandled);
  } finally {
    Math.random = random;
    process.emitWarning = emitWarning;
    process.off('unhandledRejection', onUnhandled);
  }
}

/** The dice of the pool's back-off and lifetimes; a run that is replayed must throw the same. */
function dice(): () => number {
  let state = 1;
  return () => (state = (state * 48271) % 2147483647) / 2147483647;
}

/**
 * Runs one schedule to its end.
 *
 * @param drive - does the acts; by default one after the other
 * @returns what was wrong
 */
export function wrongsOf(schedule: Schedule, drive = inTurn): Promise<readonly string[]> {
  return secluded(dice(), async (unhandled) => {
    const world = new World(schedule);
    try {
      await drive(world);
      if (world.wrongs.length === 0) await world.end();
      await new Promise((resolve) => setImmediate(resolve));
    } catch (error) {
      world.judge.at('thrown', { what: 'the run', error, inside: false });
    }
    world.heardOf(unhandled);
    return world.wrongs;
  });
}

async function inTurn(world: World): Promise<void> {
  for (const act of world.schedule.acts) {
    await world.take(act);
    if (world.wrongs.length > 0) return;
  }
}
