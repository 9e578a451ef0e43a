import { once } from 'node:events';
import { createServer } from 'node:http';
import { setImmediate as turn } from 'node:timers/promises';
import { Server } from 'socket.io';
import { framed } from './web-sockets.mjs';

/** What a client says first: it wants the namespace '/'. */
const CONNECT = '40';

/** @type {import('../contender.mjs').OpenContender} */
export async function open() {
  const server = createServer();
  // Its clients here answer no pings.
  const io = new Server(server, { transports: ['websocket'], pingInterval: 600_000, serveClient: false });
  let count = 0;
  const rooms = [];
  // Each joins a room of its own, as its documentation says.
  io.on('connection', (socket) => {
    const at = count++;
    rooms[at] = `user-${at}`;
    return socket.join(rooms[at]);
  });
  server.listen({ port: 0, host: '127.0.0.1', backlog: 4096 });
  await once(server, 'listening');
  return {
    where: {
      port: server.address().port,
      path: '/socket.io/?EIO=4&transport=websocket&at=',
      says: CONNECT,
    },
    push: (at, text) => io.to(rooms[at]).emit('m', text),
    broadcast: (text) => io.emit('m', text),
    bytesOf: (text) => framed(`42${JSON.stringify(['m', text])}`.length),
    turn: () => turn(),
  };
}
