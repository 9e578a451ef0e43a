import { setTimeout as sleep } from 'node:timers/promises';
import { median } from '../statistics.mjs';

/**
 * @typedef {object} Effort - how long a child measures
 * @property {number} warmMs - of CPU time, before the first sample
 * @property {number} sampleMs
 * @property {number} samples
 *
 * @typedef {object} Pace
 * @property {number} rate - completed per second
 * @property {number} cpu - microseconds of CPU time each, of all threads of this process
 */

/** Warming ends after this many times its CPU time, whatever happens. */
const PATIENCE = 4;

/** @type {Record<string, Effort>} */
export const EFFORTS = {
  full: { warmMs: 1000, sampleMs: 400, samples: 5 },
  quick: { warmMs: 500, sampleMs: 100, samples: 3 },
};

/**
 * How fast something goes that workers do side by side, over and over. They are never stopped in between: a server that
 * works has always something in flight, and what collects its garbage collects it then.
 *
 * @param {(worker: number) => Promise<void>} work - one of it
 * @param {number} workers
 * @param {Effort} effort
 * @returns {Promise<Pace>}
 */
export async function paceOf(work, workers, { warmMs, sampleMs, samples }) {
  let completed = 0;
  const workOn = async (worker) => {
    for (;;) {
      await work(worker);
      completed += 1;
    }
  };
  const failed = Promise.all(Array.from({ length: workers }, (_, worker) => workOn(worker)));
  const measure = async () => {
    const paces = [];
    await warm(warmMs);
    for (let sample = 0; sample < samples; sample += 1) {
      const before = { completed, cpu: process.cpuUsage(), wall: performance.now() };
      await sleep(sampleMs);
      const { user, system } = process.cpuUsage(before.cpu);
      const done = completed - before.completed;
      const seconds = (performance.now() - before.wall) / 1000;
      paces.push({ rate: done / seconds, cpu: (user + system) / done });
    }
    return { rate: median(paces.map(({ rate }) => rate)), cpu: median(paces.map(({ cpu }) => cpu)) };
  };
  return Promise.race([measure(), failed]);
}

/** By its own CPU time, as the machine may be busy with other things. */
async function warm(warmMs) {
  const before = process.cpuUsage();
  for (let waited = 0; waited < PATIENCE * warmMs; waited += 10) {
    const { user, system } = process.cpuUsage(before);
    if ((user + system) / 1000 >= warmMs) return;
    await sleep(10);
  }
}
