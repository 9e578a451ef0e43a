import { heldBytes } from '../heap.mjs';
import { holdAll } from '../hold-all.mjs';
import { OURS } from '../pools.mjs';

const MAX = 10;
const WAITERS = 100_000;

/** @type {import('../scenario.mjs').Scenario} */
export const waiterBytes = {
  name: 'waiter-bytes',
  title: `Memory of a waiter, its promise included, with ${WAITERS.toLocaleString('en')} in line; by default with a deadline where the pool has one`,
  unit: 'bytes',
  base: 'mini-timeout',
  pools: [OURS, 'generic-pool@30s', 'tarn', 'lightning-pool@30s', 'sequelize-pool', 'mini', 'mini-timeout'],
  rounds: 3,

  async measure(open) {
    await line(await open({ max: MAX, make: () => ({}) }), 100);
    const pool = await open({ max: MAX, make: () => ({}) });
    const held = await holdAll(pool, MAX);
    const before = await heldBytes();
    for (let waiter = 0; waiter < WAITERS; waiter += 1) void pool.acquire();
    const after = await heldBytes();
    pool.release(held[0]);
    return { bytes: (after - before) / WAITERS };
  },
};

async function line(pool, waiters) {
  const held = await holdAll(pool, MAX);
  const all = Array.from({ length: waiters }, () => pool.acquire().then(pool.release));
  for (const conn of held) pool.release(conn);
  await Promise.all(all);
}
