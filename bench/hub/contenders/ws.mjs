import { setImmediate as turn } from 'node:timers/promises';
import { framed, webSockets } from './web-sockets.mjs';

/** @type {import('../contender.mjs').OpenContender} */
export async function open() {
  const sockets = [];
  const where = await webSockets((socket, at) => {
    // What everybody has on each.
    socket.on('error', () => {});
    socket.on('message', () => {});
    sockets[at] = socket;
  });
  return {
    where,
    push: (at, text) => sockets[at].send(text),
    broadcast: (text) => {
      for (const socket of sockets) socket.send(text);
    },
    bytesOf: (text) => framed(text.length),
    turn: () => turn(),
    queued: () => sockets.reduce((sum, { bufferedAmount }) => sum + bufferedAmount, 0),
  };
}
