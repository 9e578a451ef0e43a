import { costPerOperation } from '../sampling.mjs';

const LOOPS = 100;

/** @type {import('../scenario.mjs').Scenario} */
export const contended = {
  name: 'contended',
  title: `Contended: ${LOOPS} loops on 10 connections, each held for one microtask`,
  unit: 'ns',
  base: 'mini',
  variants: true,

  async measure(open, effort) {
    const pool = await open({ max: 10, make: () => ({}) });
    return costPerOperation(
      async (operations) => {
        await Promise.all(Array.from({ length: LOOPS }, () => loop(pool, operations / LOOPS)));
      },
      { ...effort, batch: LOOPS },
    );
  },
};

async function loop(pool, operations) {
  for (let done = 0; done < operations; done += 1) {
    const held = await pool.acquire();
    await undefined;
    pool.release(held);
  }
}
