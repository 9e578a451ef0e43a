import { setImmediate as turn } from 'node:timers/promises';
import { framed, webSockets } from './web-sockets.mjs';

/**
 * One write of one frame for each message, and nothing else at all: what a hub could save beside `ws` is saved here.
 *
 * @type {import('../contender.mjs').OpenContender}
 */
export async function open() {
  const sockets = [];
  const where = await webSockets((socket, at) => {
    socket.on('error', () => {});
    socket.on('message', () => {});
    sockets[at] = socket._socket;
  });
  const write = (socket, text) => socket.write(headerOf(text.length) + text, 'latin1');
  return {
    where,
    push: (at, text) => write(sockets[at], text),
    broadcast: (text) => {
      for (const socket of sockets) write(socket, text);
    },
    bytesOf: (text) => framed(text.length),
    turn: () => turn(),
  };
}

function headerOf(bytes) {
  return bytes < 126
    ? String.fromCharCode(0x81, bytes)
    : String.fromCharCode(0x81, 126, bytes >> 8, bytes & 0xff);
}
