// One scenario on one pool in a process of its own: what one pool does to the compiler and to the heap, no other meets.
import { loadAdapter } from './adapter.mjs';
import { FULL_EFFORT, QUICK_EFFORT } from './sampling.mjs';
import { SCENARIOS } from './scenario.mjs';

const [name, pool, effort] = process.argv.slice(2);
const scenario = SCENARIOS.find((each) => each.name === name);
const measured = await scenario.measure(
  await loadAdapter(pool),
  effort === 'quick' ? QUICK_EFFORT : FULL_EFFORT,
);
// Pools keep timers, some of which hold the process; nothing here is worth waiting for.
process.stdout.write(JSON.stringify(measured), () => process.exit(0));
