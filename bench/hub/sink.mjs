// The clients, in a process of their own: WebSockets by their upgrade only, which count what comes and do not look into it.
import { createServer, connect } from 'node:net';

/** Clients made side by side: a server's queue holds no more. */
const AT_ONCE = 100;
const HEAD_END = Buffer.from('\r\n\r\n');

let counted = 0;
/** What is awaited, and whom to tell. */
let awaited = Infinity;
let tell = () => {};

/**
 * Between two looks at its sockets it sleeps, and is not to be woken: as if it were on another machine. Else the sender
 * would pay for waking it, mostly at each message.
 */
const NAP = 1;
/** Reads of one look, from which on there is no time to sleep. */
const MANY = 64;
const bed = new Int32Array(new SharedArrayBuffer(4));
let reads = 0;
function look() {
  if (reads < MANY) Atomics.wait(bed, 0, 0, NAP);
  reads = 0;
  setImmediate(look);
}

/** All clients read into the same memory. */
const buffer = Buffer.allocUnsafeSlow(64 * 1024);

function add(bytes) {
  counted += bytes;
  reads += 1;
  if (counted < awaited) return true;
  awaited = Infinity;
  tell({ counted, at: String(process.hrtime.bigint()) });
  return true;
}

/** Linux has all of 127.0.0.0/8: more clients than one address has ports. */
const addressOf = (at) => `127.0.0.${2 + (at % 200)}`;

function client(port, path, at, reading, says) {
  return new Promise((resolve, reject) => {
    let isUp = false;
    const socket = connect({
      port,
      host: '127.0.0.1',
      localAddress: process.platform === 'linux' ? addressOf(at) : undefined,
      noDelay: true,
      onread: {
        buffer,
        callback: (bytes) => {
          if (isUp) return add(bytes);
          const end = buffer.subarray(0, bytes).indexOf(HEAD_END);
          if (!buffer.toString('latin1', 0, 12).endsWith(' 101') || end === -1)
            reject(new Error(`the server answers ${buffer.toString('latin1', 0, 40)}`));
          isUp = true;
          if (says !== undefined) socket.write(maskedText(says));
          if (!reading) socket.pause();
          add(bytes - end - HEAD_END.length);
          resolve();
          return reading;
        },
      },
    });
    socket.on('error', reject);
    socket.write(
      `GET ${path} HTTP/1.1\r\nHost: bench\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n` +
        'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n',
    );
  });
}

/** A client's frames are masked; with zeroes they look as before. */
function maskedText(text) {
  return Buffer.concat([Buffer.from([0x81, 0x80 | text.length, 0, 0, 0, 0]), Buffer.from(text)]);
}

async function dial({ port, path, from = 0, count, reading = true, says }) {
  const end = from + count;
  for (let begin = from; begin < end; begin += AT_ONCE) {
    const batch = Array.from({ length: Math.min(AT_ONCE, end - begin) }, (_, index) => begin + index);
    await Promise.all(batch.map((at) => client(port, `${path}${at}`, at, reading, says)));
  }
  return {};
}

const ORDERS = {
  dial,
  /** Tells when so many bytes have come since the beginning. */
  count: ({ bytes }) =>
    new Promise((resolve) => {
      tell = resolve;
      awaited = bytes;
      add(0);
    }),
  counted: async () => ({ counted }),
  /** For good. */
  doze: async () => (look(), {}),
};

const server = createServer({ noDelay: true }, (socket) => {
  let text = '';
  socket.setEncoding('utf8').on('data', async (chunk) => {
    text += chunk;
    const lines = text.split('\n');
    text = lines.pop();
    for (const line of lines) {
      const { order, ...what } = JSON.parse(line);
      const answer = await ORDERS[order](what).catch(({ message }) => ({ error: message }));
      socket.write(`${JSON.stringify(answer)}\n`);
    }
  });
  socket.on('error', () => {});
});
server.listen(0, '127.0.0.1', () => process.stdout.write(JSON.stringify({ port: server.address().port })));
// Whoever started it has gone.
process.stdin.resume().on('end', () => process.exit(0));
