import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { createInterface } from 'node:readline';

const SLOW = 700;

/** Gives every line back, the line `slow` after a while. Resolves with its port. */
export async function listenForEchoes(): Promise<number> {
  const server = createServer((socket) => {
    createInterface(socket).on('line', (line) => {
      setTimeout(() => socket.write(`${line}\n`), line === 'slow' ? SLOW : 0);
    });
  });
  server.listen(0, '127.0.0.1').unref();
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}
