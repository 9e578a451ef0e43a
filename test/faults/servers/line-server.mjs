import net from 'node:net';
import tls from 'node:tls';
import { openFront } from './front.mjs';
import { given } from './orders.mjs';
import { CERTIFICATES } from './secured.mjs';

// One line asks, one line answers: "ping" is answered with "pong", "echo …" with the rest of the line.
function converse(socket) {
  let rest = '';
  socket.setEncoding('latin1');
  socket.on('error', () => undefined);
  socket.on('data', (text) => {
    if (text.startsWith('\x16')) return void socket.end('this is no TLS\n');
    const lines = (rest + text).split('\n');
    rest = lines.pop();
    for (const line of lines) socket.write(line === 'ping' ? 'pong\n' : `${line.slice('echo '.length)}\n`);
  });
}

const inner =
  given.certificate === undefined
    ? net.createServer(converse)
    : tls.createServer(CERTIFICATES[given.certificate], converse);
openFront(inner, given);
