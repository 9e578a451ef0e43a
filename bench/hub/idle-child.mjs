// Connections at rest, in a process of their own: what they hold.
import { heldBytes } from '../heap.mjs';
import { openContender } from './contender.mjs';
import { Crowd } from './crowd.mjs';

const [name, port, connections] = process.argv.slice(2);
/** What the engine of the language keeps for itself after the first time is not counted. */
const REHEARSED = 500;

const { where } = await openContender(name);
const crowd = await Crowd.at(Number(port));
await crowd.dial({ ...where, count: REHEARSED });
const before = await heldBytes();
await crowd.dial({ ...where, from: REHEARSED, count: Number(connections) });
const bytes = ((await heldBytes()) - before) / Number(connections);
process.stdout.write(JSON.stringify({ bytes }), () => process.exit(0));
