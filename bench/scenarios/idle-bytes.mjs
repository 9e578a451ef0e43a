import { heldBytes } from '../heap.mjs';
import { holdAll } from '../hold-all.mjs';
import { OURS, PEERS } from '../pools.mjs';

const CONNECTIONS = 10_000;

/** @type {import('../scenario.mjs').Scenario} */
export const idleBytes = {
  name: 'idle-bytes',
  title: `Memory of an idle connection beyond the user's object, with ${CONNECTIONS.toLocaleString('en')} of them`,
  unit: 'bytes',
  pools: [OURS, 'mini', ...PEERS],
  rounds: 3,

  async measure(open) {
    // A whole rehearsal: what the engine of the language keeps for itself after the first time is not counted.
    await fill(await open({ max: CONNECTIONS, make: () => ({}) }), CONNECTIONS);
    await heldBytes();
    const objects = Array.from({ length: CONNECTIONS }, () => ({}));
    let made = 0;
    const pool = await open({ max: CONNECTIONS, make: () => objects[made++] });
    const before = await heldBytes();
    await fill(pool, CONNECTIONS);
    const after = await heldBytes();
    if (made !== CONNECTIONS) throw new Error(`${made} connections were made, not ${CONNECTIONS}`);
    pool.release(await pool.acquire());
    return { bytes: (after - before) / CONNECTIONS };
  },
};

async function fill(pool, connections) {
  for (const conn of await holdAll(pool, connections)) pool.release(conn);
}
