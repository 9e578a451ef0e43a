import { setTimeout as delay } from 'node:timers/promises';
import { holdAll } from '../hold-all.mjs';
import { costOf } from '../sampling.mjs';
import { median } from '../statistics.mjs';

const MAX = 10;
const WAITERS = 10_000;
const SERVED = 5_000;
const TIMEOUT = 1_000;
const WARM_TIMEOUT = 150;

/** @type {import('../scenario.mjs').Scenario} */
export const expiry = {
  name: 'expiry',
  title: `Expiry: ${WAITERS.toLocaleString('en')} waiters with a deadline of 1 s; half are served, half expire`,
  unit: 'ns',
  base: 'mini-timeout',
  rounds: 3,
  waits: true,

  async measure(open, { samples }) {
    await once(await open({ max: MAX, make: () => ({}), acquireTimeout: WARM_TIMEOUT }));
    await once(await open({ max: MAX, make: () => ({}), acquireTimeout: WARM_TIMEOUT }));
    const costs = [];
    let usable = true;
    for (let sample = 0; sample < Math.ceil(samples / 3); sample += 1) {
      const pool = await open({ max: MAX, make: () => ({}), acquireTimeout: TIMEOUT });
      let held;
      costs.push(
        await costOf(async () => {
          held = await once(pool);
        }, WAITERS),
      );
      usable &&= await lendsAgain(pool, held);
    }
    const cost = { cpu: median(costs.map(({ cpu }) => cpu)) };
    return usable ? cost : { ...cost, note: 'afterwards the pool lends nothing any more' };
  },
};

/** @returns what is still held in the end */
async function once(pool) {
  const held = await holdAll(pool, MAX);
  const kept = [];
  await new Promise((resolve) => {
    let served = 0;
    let settled = 0;
    const settle = () => {
      settled += 1;
      if (settled === WAITERS) resolve();
    };
    const serve = (conn) => {
      served += 1;
      if (served <= SERVED - MAX) pool.release(conn);
      else kept.push(conn);
      settle();
    };
    for (let waiter = 0; waiter < WAITERS; waiter += 1) void pool.acquire().then(serve, settle);
    for (const conn of held) pool.release(conn);
  });
  if (kept.length !== MAX)
    throw new Error(`${kept.length} connections are held, not ${MAX}: the timeout came too early`);
  return kept;
}

/** Does the pool still work once everything has been given back? */
async function lendsAgain(pool, held) {
  for (const conn of held) pool.release(conn);
  const lent = pool.acquire().then(
    () => true,
    () => false,
  );
  return Promise.race([lent, delay(2 * TIMEOUT, false, { ref: false })]);
}
