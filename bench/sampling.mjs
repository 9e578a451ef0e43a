import { median } from './statistics.mjs';

/**
 * @typedef {object} Effort - how long a child measures
 * @property {number} warmMs - of CPU time, before the first sample
 * @property {number} sampleMs - one sample, about
 * @property {number} samples
 * @property {number} [batch] - the number of operations is a multiple of it; 1
 */

/** @typedef {{ cpu: number, wall: number }} Cost - nanoseconds per operation */

/** Warming ends after this many times its CPU time, whatever happens. */
const PATIENCE = 4;

/** @type {Effort} */
export const FULL_EFFORT = { warmMs: 500, sampleMs: 60, samples: 5 };
/** @type {Effort} */
export const QUICK_EFFORT = { warmMs: 100, sampleMs: 20, samples: 3 };

/**
 * What one operation costs: the median of several samples, each long enough for the clock, after the code is warm.
 *
 * @param {(operations: number) => Promise<void>} run
 * @param {Effort} effort
 * @returns {Promise<Cost>}
 */
export async function costPerOperation(run, { warmMs, sampleMs, samples, batch = 1 }) {
  const operations = batch * (await warm((batches) => run(batch * batches), warmMs, sampleMs));
  const costs = [];
  for (let sample = 0; sample < samples; sample += 1) {
    costs.push(await costOf(() => run(operations), operations));
  }
  return { cpu: median(costs.map(({ cpu }) => cpu)), wall: median(costs.map(({ wall }) => wall)) };
}

/**
 * CPU time counts all threads of the process: the garbage an operation leaves behind is part of its price.
 *
 * @param {() => Promise<void>} work
 * @param {number} operations - in that work
 * @returns {Promise<Cost>}
 */
export async function costOf(work, operations) {
  globalThis.gc();
  const cpuBefore = process.cpuUsage();
  const wallBefore = process.hrtime.bigint();
  await work();
  const wall = Number(process.hrtime.bigint() - wallBefore);
  const cpu = process.cpuUsage(cpuBefore);
  return { cpu: ((cpu.user + cpu.system) * 1000) / operations, wall: wall / operations };
}

/** Runs more and more until the code is compiled; tells how many batches fill one sample. */
async function warm(run, warmMs, sampleMs) {
  // By its own CPU time, as the machine may be busy with other things; but some pools mostly wait for timers.
  const isWarm = () => cpuMs() >= warmMs || performance.now() - begun >= PATIENCE * warmMs;
  const cpuMs = () => (({ user, system }) => (user + system) / 1000)(process.cpuUsage(cpuBefore));
  const cpuBefore = process.cpuUsage();
  const begun = performance.now();
  for (let batches = 1; ;) {
    const before = performance.now();
    await run(batches);
    const took = performance.now() - before;
    const fitting = Math.max(1, Math.round((batches * sampleMs) / Math.max(took, 0.01)));
    if (isWarm()) return fitting;
    batches = Math.min(batches * 4, fitting);
  }
}
