import { setImmediate as turn } from 'node:timers/promises';

/** What the process holds after everything collectable is collected, buffers outside of the heap included. */
export async function heldBytes() {
  for (let round = 0; round < 4; round += 1) {
    // Finalizers and whatever waits for the end of a turn let go in between.
    await turn();
    globalThis.gc();
  }
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}
