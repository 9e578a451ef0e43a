// One way of reading lines in a process of its own.
import { once } from 'node:events';
import { connect } from 'node:net';
import { createInterface } from 'node:readline';
import { TcpConn } from '../../dist/esm/tcp/index.js';
import { HOST } from '../sockets/contender.mjs';
import { EFFORTS } from '../sockets/pace.mjs';
import { median } from '../statistics.mjs';

const [name, port, effort] = process.argv.slice(2);
const LENGTH = 60;
/** Lines between two looks at the clock. */
const OFTEN = 200;

const open = () => TcpConn.connect(`${HOST}:${port}`);
async function lineInterface() {
  const input = connect({ host: HOST, port: Number(port) });
  await once(input, 'connect');
  return createInterface({ input, crlfDelay: Infinity });
}

/** Each calls `count` for each line, or with how many, as long as that says yes. */
const CONTENDERS = {
  readline: async (count) => {
    for await (const line of await lineInterface()) if (!count(line.length)) return;
  },
  'readline, events': async (count) => {
    const lines = await lineInterface();
    await new Promise((resolve) => lines.on('line', (line) => count(line.length) || resolve()));
  },
  recvLine: async (count) => {
    const conn = await open();
    while (count((await conn.recvLine()).length));
  },
  lines: async (count) => {
    for await (const line of (await open()).lines()) if (!count(line.length)) return;
  },
  lineBatches: async (count) => {
    for await (const batch of (await open()).lineBatches()) {
      for (const { length } of batch) if (!count(length)) return;
    }
  },
  'byte by byte': async (count) => {
    const conn = await open();
    for (let line = []; ; line = []) {
      for (let [byte] = await conn.recv(1); byte !== 10; [byte] = await conn.recv(1)) line.push(byte);
      if (!count(Buffer.from(line).length)) return;
    }
  },
};

const { warmMs, sampleMs, samples } = EFFORTS[effort];
const rates = [];
let begun = performance.now();
let lines = 0;
let isWarm = false;
await CONTENDERS[name]((length) => {
  if (length !== LENGTH) throw new Error(`a line of ${length} bytes has come`);
  lines += 1;
  if (lines % OFTEN !== 0) return true;
  const ms = performance.now() - begun;
  if (ms < (isWarm ? sampleMs : warmMs)) return true;
  if (isWarm) rates.push((lines * 1000) / ms);
  isWarm = true;
  begun = performance.now();
  lines = 0;
  return rates.length < samples;
});
// Sockets hold the process.
process.stdout.write(JSON.stringify({ rate: median(rates) }), () => process.exit(0));
