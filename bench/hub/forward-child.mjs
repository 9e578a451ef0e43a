// Pushes to what is connected to another instance, many at a time.
import { setImmediate as turn, setTimeout as sleep } from 'node:timers/promises';
import { median } from '../statistics.mjs';
import { openFleet } from './fleet.mjs';

const [fleet, port, bytes, effort] = process.argv.slice(2);
const EFFORTS = {
  full: { warmMs: 2000, sampleMs: 1000, samples: 5 },
  quick: { warmMs: 500, sampleMs: 300, samples: 3 },
};
const CONNECTIONS = 1000;
/** Pushed in one turn, and turns until all of it must have come. */
const PUSHES = 1000;
const TURNS = 10;

const { crowd, push, bytesOf, check } = await openFleet(fleet, Number(port), CONNECTIONS);
await crowd.doze();
// The fleet has heard of everybody.
await sleep(500);
const { warmMs, sampleMs, samples } = EFFORTS[effort];
const text = 'x'.repeat(Number(bytes) - (fleet.startsWith('hub') ? 1 : 0));

async function sample(ms) {
  const begun = performance.now();
  const cpuBefore = process.cpuUsage();
  let messages = 0;
  while (performance.now() - begun < ms) {
    const pushed = [];
    for (let round = 0; round < TURNS; round += 1) {
      for (let each = 0; each < PUSHES; each += 1) pushed.push(push(each % CONNECTIONS, text));
      await turn();
    }
    await Promise.all(pushed);
    await crowd.has(pushed.length * bytesOf(text));
    messages += pushed.length;
  }
  const { user, system } = process.cpuUsage(cpuBefore);
  return { rate: messages / ((performance.now() - begun) / 1000), cpu: (user + system) / messages };
}

await sample(warmMs);
const paces = [];
for (let at = 0; at < samples; at += 1) paces.push(await sample(sampleMs));
check?.();
const measured = { rate: median(paces.map(({ rate }) => rate)), cpu: median(paces.map(({ cpu }) => cpu)) };
process.stdout.write(JSON.stringify(measured), () => process.exit(0));
