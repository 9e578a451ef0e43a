import { costPerOperation } from '../sampling.mjs';

/** @type {import('../scenario.mjs').Scenario} */
export const churn = {
  name: 'churn',
  title: 'Churn: every connection discarded after one use',
  unit: 'ns',
  base: 'mini',

  async measure(open, effort) {
    const pool = await open({ max: 10, make: () => ({}), discards: true });
    return costPerOperation(async (operations) => {
      for (let done = 0; done < operations; done += 1) {
        const held = await pool.acquire();
        pool.discard(held);
      }
    }, effort);
  },
};
