import { once } from 'node:events';
import net, { type AddressInfo } from 'node:net';

/** A plain TCP server of the loopback: it does with each connection what the test says, and knows which are open. */
export interface ScriptedServer extends AsyncDisposable {
  readonly port: number;
  readonly open: ReadonlySet<net.Socket>;
  /** Resolves when the next connection has come. */
  connected(): Promise<void>;
  /** Resolves when every connection it ever had is closed. */
  allClosed(): Promise<void>;
  close(): Promise<void>;
}

export async function scriptedServer(
  script: (socket: net.Socket) => void = (socket) => void socket.resume(),
): Promise<ScriptedServer> {
  const open = new Set<net.Socket>();
  const server = net.createServer((socket) => {
    open.add(socket);
    socket.on('error', () => undefined);
    socket.on('close', () => open.delete(socket));
    script(socket);
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const close = (): Promise<void> => {
    for (const socket of open) socket.destroy();
    return new Promise((resolve) => void server.close(() => resolve()));
  };
  return {
    port: (server.address() as AddressInfo).port,
    open,
    connected: async () => void (await once(server, 'connection')),
    allClosed: async () => {
      await Promise.all([...open].map((socket) => once(socket, 'close')));
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}

/** A port of the loopback nobody listens on. */
export async function freePort(): Promise<number> {
  const server = await scriptedServer();
  await server.close();
  return server.port;
}
