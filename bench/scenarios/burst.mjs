import { holdAll } from '../hold-all.mjs';
import { costPerOperation } from '../sampling.mjs';

const MAX = 10;
const WAITERS = 10_000;

/** @type {import('../scenario.mjs').Scenario} */
export const burst = {
  name: 'burst',
  title: `Burst: ${WAITERS.toLocaleString('en')} acquires at once on ${MAX} connections, all of them served`,
  unit: 'ns',
  base: 'mini',
  variants: true,

  async measure(open, effort) {
    const pool = await open({ max: MAX, make: () => ({}) });
    return costPerOperation(
      async (operations) => {
        for (let done = 0; done < operations; done += WAITERS) await once(pool);
      },
      { ...effort, batch: WAITERS },
    );
  },
};

async function once(pool) {
  const held = await holdAll(pool, MAX);
  await new Promise((resolve) => {
    let served = 0;
    const serve = (conn) => {
      pool.release(conn);
      served += 1;
      if (served === WAITERS) resolve();
    };
    for (let waiter = 0; waiter < WAITERS; waiter += 1) void pool.acquire().then(serve);
    for (const conn of held) pool.release(conn);
  });
}
