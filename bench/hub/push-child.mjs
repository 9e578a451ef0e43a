// One way to push, in a process of its own, which is what is measured: its clients are in another.
import { openContender } from './contender.mjs';
import { Crowd } from './crowd.mjs';
import { median } from '../statistics.mjs';

const [name, port, kind, connections, bytes, effort] = process.argv.slice(2);
const EFFORTS = {
  full: { warmMs: 1000, sampleMs: 500, samples: 5 },
  quick: { warmMs: 300, sampleMs: 100, samples: 3 },
};
const { warmMs, sampleMs, samples } = EFFORTS[effort];
const count = Number(connections);
/** With the hub's delimiter as long as without. */
const TEXTS = Array.from({ length: 256 }, (_, at) =>
  String(at).padEnd(Number(bytes) - (name === 'hub' ? 1 : 0), 'x'),
);
const RANDOM = 5000;

const contender = await openContender(name);
const crowd = await Crowd.at(Number(port));
await crowd.dial({ ...contender.where, count });
await crowd.settle();
await crowd.doze();

const textOf = (at) => TEXTS[at % TEXTS.length];
const each = (round, times) => {
  for (let time = 0; time < times; time += 1) {
    for (let at = 0; at < count; at += 1) contender.push(at, textOf(at + round + time));
  }
  return times * count;
};
const all = (round, times) => {
  for (let time = 0; time < times; time += 1) contender.broadcast(textOf(round + time));
  return times * count;
};
const random = (round) => {
  for (let push = 0; push < RANDOM; push += 1) {
    contender.push(Math.floor(Math.random() * count), textOf(push + round));
  }
  return RANDOM;
};
/** What one turn pushes. @returns how many messages that is */
const KINDS = {
  one: (round) => each(round, 1),
  ten: (round) => each(round, 10),
  random,
  broadcast: (round) => all(round, 1),
  'broadcast-ten': (round) => all(round, 10),
};
const pushOneTurn = KINDS[kind];
const wire = contender.bytesOf(TEXTS[0]);

/** Until the last byte has been read by its client. */
async function sample(ms) {
  const cpuBefore = process.cpuUsage();
  const begun = process.hrtime.bigint();
  const end = performance.now() + ms;
  let messages = 0;
  for (let round = 0; performance.now() < end; round += 1) {
    messages += pushOneTurn(round);
    await contender.turn();
  }
  const { user, system } = process.cpuUsage(cpuBefore);
  const read = await crowd.has(messages * wire);
  contender.check?.();
  return { rate: (messages / Number(read - begun)) * 1e9, cpu: (user + system) / messages };
}

const used = () => (({ user, system }) => (user + system) / 1000)(process.cpuUsage(begun));
const begun = process.cpuUsage();
while (used() < warmMs) await sample(sampleMs);
const paces = [];
for (let at = 0; at < samples; at += 1) paces.push(await sample(sampleMs));
const measured = {
  rate: median(paces.map(({ rate }) => rate)),
  cpu: median(paces.map(({ cpu }) => cpu)),
};
// Sockets hold the process.
process.stdout.write(JSON.stringify(measured), () => process.exit(0));
