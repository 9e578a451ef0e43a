// Borrows once, gives back and does nothing more, to show whether the process ends: node rest.mjs <pool>
import { POOLS } from './pools.mjs';

const pool = await POOLS[process.argv[2] ?? '']({ create: async () => ({}) });
await pool.release(await pool.acquire());
console.log('at rest');
