import { readFileSync } from 'node:fs';
import net, { type Socket } from 'node:net';
import { Duplex } from 'node:stream';
import type { ConnectionOptions } from 'node:tls';
import type {
  CloseReport,
  Duration,
  HeartbeatReport,
  Lease,
  ManagedPool,
  PoolEvent,
  PoolStats,
} from 'nestjs-conn-pool/core';
import * as exported from 'nestjs-conn-pool/net';
import { type Address, type Network, type PooledSocket, SocketPool } from 'nestjs-conn-pool/net';
import { FakeClock } from 'nestjs-conn-pool/testing';
import type { Observable } from 'rxjs';
import { loopback } from './loopback.js';
import { echo } from './peers.js';
import { rejection } from './talk.js';

interface DialOptions {
  signal?: AbortSignal;
  timeout?: Duration;
  fresh?: boolean;
  tls?: ConnectionOptions;
}

/** As users were promised it; the compiler holds the classes to it. */
interface Promised extends ManagedPool, AsyncDisposable {
  dial(
    network: Network,
    address: string,
    options?: DialOptions & { replay?: boolean | number },
  ): Promise<PooledSocket>;
  acquire(network: Network, address: string, options?: DialOptions): Promise<Lease<Socket>>;
  add(socket: Socket): void;
  put(socket: Socket, address: Address): void;
  get(address: Address): Socket;
  readonly size: number;
  idleCount(network: Network, address: string): number;
  closeIdle(): Promise<number>;
  close(options?: { drain?: Duration }): Promise<CloseReport>;
  stats(): PoolStats;
  heartbeat(): Promise<HeartbeatReport>;
  readonly events$: Observable<PoolEvent>;
}

type Where = 'remoteAddress' | 'remotePort' | 'remoteFamily' | 'localAddress' | 'localPort';

interface PromisedSocket
  extends Duplex, Pick<Socket, Where | 'connecting' | 'bytesRead' | 'bytesWritten' | 'address'> {
  readonly reused: boolean;
  discard(): void;
  raw(): Socket;
  close(): Promise<void>;
  setDeadline(at: Date | number | null): this;
  setTimeout(ms: number, listener?: () => void): this;
  setKeepAlive(on?: boolean, initialDelay?: number): this;
  setNoDelay(on?: boolean): this;
  ref(): this;
  unref(): this;
}

const NETWORKS: Record<Network, true> = {
  tcp: true,
  tcp4: true,
  tcp6: true,
  tls: true,
  udp: true,
  udp4: true,
  udp6: true,
  unix: true,
};

describe('the contract', () => {
  const { pool, peer } = loopback();

  it('is kept by a pool and by a socket', async () => {
    const remote = await peer();
    const sockets: Promised = pool({
      name: 'all',
      maxIdle: 2,
      max: 0,
      idleTimeout: '2m',
      exhausted: 'fail',
      host: (address: string) => address,
      resolveAddress: (network: Network, address: string) => ({ network, address }),
      idleData: 'destroy',
      connectTimeout: '10s',
      keepAlive: true,
      noDelay: true,
      tls: {},
      order: 'lifo',
      replay: false,
    });
    const socket: PromisedSocket = await sockets.dial('tcp', remote.address, { timeout: '5s', fresh: false });
    expect(socket).toBeInstanceOf(Duplex);
    expect(sockets).toBeInstanceOf(SocketPool);
    expect(sockets.name).toBe('all');
    await socket[Symbol.asyncDispose]();
    await sockets[Symbol.asyncDispose]();
  });

  it('names the networks', async () => {
    const sockets = pool();
    for (const network of Object.keys(NETWORKS) as Network[]) {
      const error = await rejection(sockets.dial(network, ''));
      expect(error).toMatchObject({ code: 'ERR_INVALID_ADDRESS', network });
    }
  });

  it('[V24] gives each error a class and a code of its own', () => {
    const classes = Object.entries(exported).filter(([name]) => name.endsWith('Error'));
    expect(classes.map(([name]) => name).sort()).toEqual([
      'ConnBusyError',
      'ConnClosedError',
      'ConnNotAvailableError',
      'InvalidAddressError',
      'PeerGoneError',
      'PoolFullError',
      'RawTakenError',
      'SocketDeadlineError',
      'StaleConnectionError',
      'UnsupportedNetworkError',
    ]);
  });

  it('[V24] names in each error the pool, the network, the address and what to do', () => {
    const of = ['devices', 'tcp', 'device-7:502'] as const;
    const errors = [
      new exported.ConnBusyError(...of),
      new exported.ConnClosedError(...of, 'raw()'),
      new exported.ConnNotAvailableError(...of),
      new exported.InvalidAddressError(...of, 'host:port'),
      new exported.PeerGoneError(...of),
      new exported.PoolFullError(...of, 2),
      new exported.RawTakenError(...of),
      new exported.SocketDeadlineError(...of),
      new exported.StaleConnectionError(...of),
      new exported.UnsupportedNetworkError(...of, ['tcp', 'udp']),
    ];
    for (const error of errors) {
      const { name, message } = error;
      expect(error).toMatchObject({ pool: 'devices', network: 'tcp', address: 'device-7:502' });
      expect(name).toBe(error.constructor.name);
      expect([name, message]).toEqual([name, expect.stringMatching(/"devices"/)]);
      expect([name, message]).toEqual([name, expect.stringMatching(/tcp.*device-7:502|device-7:502.*tcp/)]);
      // A sentence, and another or the rest of one that says what to do.
      expect([name, message]).toEqual([name, expect.stringMatching(/([.:;] ).+\.$/)]);
    }
    expect(new Set(errors.map(({ code }) => code)).size).toBe(errors.length);
  });

  it('connects by connectTimeout, 10 s where nothing is said', async () => {
    const clock = new FakeClock();
    const sockets = pool({ clock, host: () => new Promise<string>(() => undefined) });
    const told = rejection(sockets.dial('tcp', 'device:1'));
    let isTold = false;
    void told.then(() => (isTold = true));
    await clock.advance(9999);
    expect(isTold).toBe(false);
    await clock.advance(1);
    expect(await told).toMatchObject({
      code: 'ERR_DIAL',
      cause: { code: 'ERR_CALL_TIMEOUT', timeout: 10_000 },
    });
  });

  it('waits for a dial 30 s where nothing is said', async () => {
    const clock = new FakeClock();
    const remote = await peer();
    const sockets = pool({ clock, max: 1, exhausted: 'wait' });
    const held = await sockets.dial('tcp', remote.address);
    const told = rejection(sockets.dial('tcp', remote.address));
    await clock.advance('30s');
    expect(await told).toMatchObject({ code: 'ERR_ACQUIRE_TIMEOUT', timeout: 30_000 });
    await held.close();
  });

  it.each([
    ['tcp', undefined, true],
    ['tcp', true, true],
    ['tcp', false, false],
    ['tls', undefined, true],
    ['tls', false, false],
  ] as const)('sends small writes by %s at once with noDelay: %s', async (network, noDelay, expected) => {
    const pem = (name: string): Buffer => readFileSync(new URL(`../faults/tls/${name}`, import.meta.url));
    const certificate = { key: pem('self-signed.key'), cert: pem('self-signed.pem') };
    const remote = await peer(echo, network === 'tls' ? { tls: certificate } : {});
    const sockets = pool({ noDelay, tls: { rejectUnauthorized: false } });
    using lease = await sockets.acquire(network, remote.address);
    expect(hasNoDelay(lease.conn)).toBe(expected);
  });

  it('is checked by a Node that tells of noDelay', async () => {
    const remote = await peer();
    const plain = net.connect({ port: remote.port, host: '127.0.0.1', noDelay: true });
    expect(hasNoDelay(plain)).toBe(true);
    plain.destroy();
  });

  /** What Node remembers of it; the kernel does not tell. */
  function hasNoDelay(socket: Socket): unknown {
    const symbol = Object.getOwnPropertySymbols(socket).find(
      ({ description }) => description === 'kSetNoDelay',
    );
    return symbol === undefined ? undefined : (socket as unknown as Record<symbol, unknown>)[symbol];
  }
});
