// Ten thousand connections at rest, in a process of their own: what they hold, and what they do.
import { setTimeout as sleep } from 'node:timers/promises';
import { heldBytes } from '../heap.mjs';
import { ADDRESSES, addressesOf, CONNECTIONS, plainCrowd, pooledCrowd } from './crowd.mjs';

const [kind, port, effort] = process.argv.slice(2);
/** Two heartbeats: until then V8 compiles what they run, and gives back what the making of the connections took. */
const SETTLING = { full: 20_000, quick: 0 };
const REST = { full: 30_000, quick: 3_000 };

const CROWDS = {
  plain: plainCrowd,
  pooled: (addresses, each) => pooledCrowd(addresses, each, {}),
  'pooled, with a heartbeat every 10 s': (addresses, each) =>
    pooledCrowd(addresses, each, { heartbeat: () => undefined, heartbeatInterval: '10s' }),
};

const crowd = CROWDS[kind];
const addresses = addressesOf(ADDRESSES, Number(port));
const each = CONNECTIONS / ADDRESSES;
// A whole rehearsal: what the engine of the language keeps for itself after the first time is not counted.
const rehearsed = await crowd(addresses.slice(0, 100), each);
if (Array.isArray(rehearsed)) for (const socket of rehearsed) socket.destroy();
else await rehearsed.close();
const before = await heldBytes();
const kept = await crowd(addresses, each);
const bytes = ((await heldBytes()) - before) / CONNECTIONS;

await sleep(SETTLING[effort]);
const cpu = process.cpuUsage();
const wall = performance.now();
await sleep(REST[effort]);
const { user, system } = process.cpuUsage(cpu);
const share = (user + system) / 1000 / (performance.now() - wall);
if (!Array.isArray(kept) && kept.stats().idle !== CONNECTIONS) throw new Error('not all of them have lasted');
// Sockets hold the process.
process.stdout.write(JSON.stringify({ bytes, share }), () => process.exit(0));
