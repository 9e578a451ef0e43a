import { costPerOperation } from '../sampling.mjs';

/** @type {import('../scenario.mjs').Scenario} */
export const uncontended = {
  name: 'uncontended',
  title: 'Uncontended: acquire and release, one after the other',
  unit: 'ns',
  base: 'mini',
  variants: true,

  async measure(open, effort) {
    const pool = await open({ max: 10, make: () => ({}) });
    return costPerOperation(async (operations) => {
      for (let done = 0; done < operations; done += 1) {
        const held = await pool.acquire();
        pool.release(held);
      }
    }, effort);
  },
};
