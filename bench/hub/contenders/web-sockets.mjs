import { once } from 'node:events';
import { WebSocketServer } from 'ws';

/**
 * A server of WebSockets in this process. The paths of its clients end with their numbers.
 *
 * @param {(socket: import('ws').WebSocket, at: number) => void} onSocket
 */
export async function webSockets(onSocket) {
  const server = new WebSocketServer({
    port: 0,
    host: '127.0.0.1',
    backlog: 4096,
    clientTracking: false,
    perMessageDeflate: false,
  });
  server.on('connection', (socket, { url }) => onSocket(socket, Number(url.split('=').pop())));
  await once(server, 'listening');
  return { port: server.address().port, path: '/?id=' };
}

/** How long a text is in a frame of a server. */
export function framed(bytes) {
  return bytes + (bytes < 126 ? 2 : bytes < 65_536 ? 4 : 10);
}
