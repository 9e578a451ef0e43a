import { OURS } from '../pools.mjs';
import { costPerOperation } from '../sampling.mjs';

/** @type {import('../scenario.mjs').Scenario} */
export const tryAcquire = {
  name: 'try-acquire',
  title: 'tryAcquire and release; no other pool has it, so the minimal pool awaits',
  unit: 'ns',
  base: 'mini',
  pools: [OURS, 'mini'],

  async measure(open, effort) {
    const pool = await open({ max: 10, make: () => ({}) });
    const once = pool.tryAcquire === undefined ? awaited : immediate;
    pool.release(await pool.acquire());
    return costPerOperation((operations) => once(pool, operations), effort);
  },
};

async function immediate(pool, operations) {
  for (let done = 0; done < operations; done += 1) pool.release(pool.tryAcquire());
}

async function awaited(pool, operations) {
  for (let done = 0; done < operations; done += 1) pool.release(await pool.acquire());
}
