import { jest } from '@jest/globals';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import { SocketPool, type SocketPoolOptions } from 'nestjs-conn-pool/net';
import { type Census, excess, listenersOf, takeCensus } from './census.js';
import { echo, Peer, type PeerOptions, type Script, UdpPeer } from './peers.js';
import { until } from './until.js';

/** Pools and peers of one `describe`, on the loopback. */
export interface Loopback {
  pool(options?: SocketPoolOptions): SocketPool;
  /** A TCP, TLS or Unix server; without a script it echoes. */
  peer(script?: Script, options?: PeerOptions): Promise<Peer>;
  /** A UDP server; without an answer it echoes. */
  udpPeer(...of: Parameters<typeof UdpPeer.start>): Promise<UdpPeer>;
  /** Has something closed at the end of the test, after the pools. */
  closeLater(close: () => Promise<unknown>): void;
  /** Every plain TCP socket the process has connected in this test. */
  readonly dialled: readonly Socket[];
}

/**
 * After each test every pool of it is closed by force, and nothing of it may be left: no socket, no listener on a socket
 * that rests in a pool, none on the process, no timer or other handle that would hold the process open, no warning, no
 * rejection that nobody handles.
 *
 * @example
 * const { pool, peer } = loopback();
 * it('dials', async () => {
 *   const { address } = await peer();
 *   const socket = await pool().dial('tcp', address);
 * });
 */
export function loopback(): Loopback {
  jest.setTimeout(30_000);
  const pools: SocketPool[] = [];
  const peers: (Peer | UdpPeer)[] = [];
  const others: (() => Promise<unknown>)[] = [];
  const dialled: Socket[] = [];
  const complaints: unknown[] = [];
  let before: Census;
  let atRest: Record<string, number>;

  const onSocket = (message: unknown): void => {
    const { socket } = message as { socket: Socket };
    // From Node 22 on those of TLS are told of, too.
    if (!(socket instanceof TLSSocket)) dialled.push(socket);
  };
  const complain = (what: unknown): void => void complaints.push(what);

  beforeAll(async () => {
    process.on('unhandledRejection', complain).on('warning', complain);
    subscribe('net.client.socket', onSocket);
    atRest = await listenersAtRest(dialled);
  });
  afterAll(() => {
    process.off('unhandledRejection', complain).off('warning', complain);
    unsubscribe('net.client.socket', onSocket);
  });
  beforeEach(() => {
    dialled.length = 0;
    before = takeCensus();
  });
  afterEach(async () => {
    const [closing, serving] = [pools.splice(0), peers.splice(0)];
    const isAtRest = closing.every((pool) => pool.stats().idle === pool.size);
    const resting = isAtRest ? dialled.filter(({ destroyed }) => !destroyed) : [];
    const listeners = resting.map(listenersOf);
    try {
      await Promise.all(closing.map((pool) => pool.close({ drain: 0 })));
      // Before the peers close: that would close what was forgotten.
      await Promise.all(serving.map((peer) => (peer instanceof Peer ? peer.abandoned(5000) : undefined)));
    } finally {
      await Promise.all([
        ...serving.map((peer) => peer.close()),
        ...others.splice(0).map((close) => close()),
      ]);
    }
    await until(() => excess(before, takeCensus()).length === 0, 3000).catch(() => undefined);
    expect(excess(before, takeCensus())).toEqual([]);
    expect(complaints.splice(0)).toEqual([]);
    for (const each of listeners) expect(each).toEqual(atRest);
  });

  return {
    dialled,
    closeLater: (close) => void others.push(close),
    pool: (options) => {
      const made = new SocketPool(options);
      pools.push(made);
      return made;
    },
    peer: async (script, options) => {
      const made = await Peer.start(script, options);
      peers.push(made);
      return made;
    },
    udpPeer: async (...of) => {
      const made = await UdpPeer.start(...of);
      peers.push(made);
      return made;
    },
  };
}

/** What a socket has that was never lent but once, untouched. */
async function listenersAtRest(dialled: readonly Socket[]): Promise<Record<string, number>> {
  const peer = await Peer.start(echo);
  const pool = new SocketPool();
  await (await pool.dial('tcp', peer.address)).close();
  const listeners = listenersOf(dialled.at(-1) as Socket);
  await pool.close();
  await peer.close();
  return listeners;
}
