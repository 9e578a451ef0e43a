// Messages that wait for connections which are not read, in a process of their own: what they hold.
import { setImmediate as turn } from 'node:timers/promises';
import { heldBytes } from '../heap.mjs';
import { openContender } from './contender.mjs';
import { Crowd } from './crowd.mjs';

const [name, port, bytes] = process.argv.slice(2);
const CONNECTIONS = 10;
const MESSAGES = 5_000;
/** The system takes a few of them for each connection. */
const LARGE = 'x'.repeat(1024 * 1024 - 1);
const MOST_LARGE = 64;

const { where, push, queued } = await openContender(name, {
  options: { maxQueueMessages: Infinity, maxQueueBytes: Infinity, writeTimeout: 0 },
});
const crowd = await Crowd.at(Number(port));
await crowd.dial({ ...where, count: CONNECTIONS, reading: false });
for (let at = 0; at < CONNECTIONS; at += 1) await fill(at);

const before = await heldBytes();
for (let message = 0; message < MESSAGES; message += 1) {
  for (let at = 0; at < CONNECTIONS; at += 1) {
    // No two are one in memory.
    push(at, Buffer.from(String(message * CONNECTIONS + at).padEnd(Number(bytes), 'y')).toString('latin1'));
  }
}
await turn();
const held = (await heldBytes()) - before;
const beyond = held / (CONNECTIONS * MESSAGES) - Number(bytes);
process.stdout.write(JSON.stringify({ bytes: beyond }), () => process.exit(0));

async function fill(at) {
  const waiting = queued();
  for (let large = 0; queued() === waiting; large += 1) {
    if (large > MOST_LARGE) throw new Error('the system takes everything');
    push(at, LARGE);
    await turn();
    await turn();
  }
}
