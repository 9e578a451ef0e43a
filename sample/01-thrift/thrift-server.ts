import type { AddressInfo, Server, Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import thrift from 'thrift';
import { Processor } from './gen/ConnPoolExample.js';

export interface ThriftServerOptions {
  /** Default `'127.0.0.1'`. */
  host?: string;
  /** Default: any free one. */
  port?: number;
  /** Every second Echo, counted over all clients, is answered with an exception. Default: none is. */
  failEverySecondEcho?: boolean;
  /** How long an Echo takes, in milliseconds. Default: no time. */
  echoTakes?: () => number;
}

export interface ThriftServer {
  readonly host: string;
  readonly port: number;
  /** Stops listening and ends every connection. */
  close(): Promise<void>;
}

/** The service of `conn-pool-example.thrift`: framed transport, binary protocol. */
export async function startThriftServer(options: ThriftServerOptions = {}): Promise<ThriftServer> {
  const { host = '127.0.0.1', port = 0, failEverySecondEcho = false, echoTakes } = options;
  let echoes = 0;
  const handler = {
    Ping: async (meta: string) => meta,
    Echo: async (req: string) => {
      echoes += 1;
      if (echoTakes !== undefined) await delay(echoTakes());
      if (failEverySecondEcho && echoes % 2 === 0) throw new Error('echo error');
      return req;
    },
  };

  const transport = thrift.TFramedTransport;
  const server: Server = thrift.createServer(Processor, handler, {
    transport,
    protocol: thrift.TBinaryProtocol,
  });
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
  });
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(port, host, resolve));
  // From here on the runtime reports clients that break off: no reason to end.
  server.on('error', () => undefined);

  return {
    host,
    port: (server.address() as AddressInfo).port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      }),
  };
}

// By itself: `THRIFT_PORT=9090 node thrift-server.js`
if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const server = await startThriftServer({
    host: process.env.THRIFT_HOST,
    port: Number(process.env.THRIFT_PORT ?? 9090),
    failEverySecondEcho: process.env.THRIFT_FAIL === 'every-second',
  });
  console.log(`Thrift server on ${server.host}:${server.port}`);
}
