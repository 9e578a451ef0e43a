// Pushes to what is connected to another instance, one at a time.
import { setTimeout as sleep } from 'node:timers/promises';
import { openFleet } from './fleet.mjs';

const [fleet, port, bytes, effort] = process.argv.slice(2);
const PUSHES = { full: 3000, quick: 300 }[effort];
const WARM = 300;
const CONNECTIONS = 100;

const { crowd, push, bytesOf } = await openFleet(fleet, Number(port), CONNECTIONS);
await sleep(500);
const text = 'x'.repeat(Number(bytes) - (fleet.startsWith('hub') ? 1 : 0));
const arrivals = [];
const confirmations = [];
for (let at = 0; at < WARM + PUSHES; at += 1) {
  const arrived = crowd.has(bytesOf(text));
  const begun = process.hrtime.bigint();
  const pushed = push(at % CONNECTIONS, text);
  const confirmed = await Promise.resolve(pushed).then(() => process.hrtime.bigint());
  const taken = await arrived;
  if (at < WARM) continue;
  arrivals.push(Number(taken - begun) / 1e6);
  if (pushed !== undefined) confirmations.push(Number(confirmed - begun) / 1e6);
}

const at = (values, share) => values.sort((a, b) => a - b)[Math.floor(values.length * share)];
const measured = {
  p50: at(arrivals, 0.5),
  p99: at(arrivals, 0.99),
  confirmed: at(confirmations, 0.99),
};
process.stdout.write(JSON.stringify(measured), () => process.exit(0));
