import { once } from 'node:events';
import { createServer } from 'node:http';
import { setImmediate as turn } from 'node:timers/promises';
import { createAdapter } from '@socket.io/redis-adapter';
import { Redis } from 'ioredis';
import { Server } from 'socket.io';
import { framed } from './web-sockets.mjs';

/** What a client says first: it wants the namespace '/'. */
const CONNECT = '40';

/** @type {import('../contender.mjs').OpenContender} */
export async function open({ broker } = {}) {
  const server = createServer();
  // Its clients here answer no pings.
  const io = new Server(server, { transports: ['websocket'], pingInterval: 600_000, serveClient: false });
  if (broker !== undefined) io.adapter(createAdapter(new Redis(broker.url), new Redis(broker.url)));
  let count = 0;
  const rooms = [];
  const roomOf = (at) => (rooms[at] ??= `user-${at}`);
  // Each joins a room of its own, as its documentation says.
  io.on('connection', (socket) => socket.join(roomOf(count++)));
  server.listen({ port: 0, host: '127.0.0.1', backlog: 4096 });
  await once(server, 'listening');
  return {
    where: {
      port: server.address().port,
      path: '/socket.io/?EIO=4&transport=websocket&at=',
      says: CONNECT,
    },
    push: (at, text) => void io.to(roomOf(at)).emit('m', text),
    broadcast: (text) => io.emit('m', text),
    bytesOf: (text) => framed(`42${JSON.stringify(['m', text])}`.length),
    turn: () => turn(),
  };
}
