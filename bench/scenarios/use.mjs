import { borrow } from '../borrow.mjs';
import { costPerOperation } from '../sampling.mjs';

/** @type {import('../scenario.mjs').Scenario} */
export const use = {
  name: 'use',
  title: 'use() around an async function; for pools without it, acquire, try, finally by hand',
  unit: 'ns',
  base: 'mini',

  async measure(open, effort) {
    const pool = await open({ max: 10, make: () => ({}) });
    const lend = pool.use ?? ((work) => borrow(pool, work));
    const work = async () => 1;
    return costPerOperation(async (operations) => {
      for (let done = 0; done < operations; done += 1) await lend(work);
    }, effort);
  },
};
