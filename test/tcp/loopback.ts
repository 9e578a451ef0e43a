import { jest } from '@jest/globals';
import type { Socket } from 'node:net';
import {
  TcpConn,
  type TcpConnectOptions,
  TcpPool,
  type TcpPoolOptions,
  TcpServer,
  type TcpServerOptions,
} from 'nestjs-conn-pool/tcp';
import { type Census, excess, takeCensus } from '../net/census.js';
import { echo, Peer, type PeerOptions, type Script } from '../net/peers.js';
import { until } from '../net/until.js';

/** Connections, pools, servers and peers of one `describe`, on the loopback. */
export interface Loopback {
  /** A plain peer; without a script it echoes. */
  peer(script?: Script, options?: PeerOptions): Promise<Peer>;
  /** A connection to a peer of its own, and the other end of it. */
  pair(script?: Script, options?: PeerOptions): Promise<{ conn: TcpConn; remote: Socket }>;
  connect(address: string, options?: TcpConnectOptions): Promise<TcpConn>;
  pool(options?: TcpPoolOptions): TcpPool;
  /** A server that listens on a free port. */
  server(handler: TcpServerOptions['handler'], options?: Partial<TcpServerOptions>): Promise<TcpServer>;
}

/** Says nothing and reads nothing by itself. */
export const mute: Script = () => undefined;

/**
 * After each test everything of it is closed, and nothing may be left: no socket, no timer, no listener on the process, no
 * warning, no rejection that nobody handles.
 */
export function loopback(): Loopback {
  jest.setTimeout(30_000);
  const conns: TcpConn[] = [];
  const pools: TcpPool[] = [];
  const servers: TcpServer[] = [];
  const peers: Peer[] = [];
  const complaints: unknown[] = [];
  let before: Census;
  const complain = (what: unknown): void => void complaints.push(what);

  beforeAll(() => void process.on('unhandledRejection', complain).on('warning', complain));
  afterAll(() => void process.off('unhandledRejection', complain).off('warning', complain));
  beforeEach(() => {
    before = takeCensus();
  });
  afterEach(async () => {
    for (const conn of conns.splice(0)) conn.destroy();
    await Promise.all(pools.splice(0).map((pool) => pool.close({ drain: 0 })));
    await Promise.all(servers.splice(0).map((server) => server.close({ drain: 0 })));
    await Promise.all(peers.splice(0).map((peer) => peer.close()));
    await until(() => excess(before, takeCensus()).length === 0, 3000).catch(() => undefined);
    expect(excess(before, takeCensus())).toEqual([]);
    expect(complaints.splice(0)).toEqual([]);
  });

  const of: Loopback = {
    peer: async (script = echo, options) => {
      const made = await Peer.start(script, options);
      peers.push(made);
      return made;
    },
    connect: async (address, options) => {
      const made = await TcpConn.connect(address, options);
      conns.push(made);
      return made;
    },
    pair: async (script = mute, options) => {
      const peer = await of.peer(script, options);
      const conn = await of.connect(peer.address);
      return { conn, remote: await peer.connection(1) };
    },
    pool: (options) => {
      const made = new TcpPool(options);
      pools.push(made);
      return made;
    },
    server: async (handler, options) => {
      const made = new TcpServer({ address: '127.0.0.1:0', handler, ...options });
      servers.push(made);
      return made.listen();
    },
  };
  return of;
}
