import type { Socket } from 'node:net';
import type { ConnectionOptions, TlsOptions } from 'node:tls';
import { type Duration, InvalidOptionsError, type ManagedPool } from 'nestjs-conn-pool/core';
import * as exported from 'nestjs-conn-pool/tcp';
import { PoolConn, TcpConn, TcpPool, TcpServer } from 'nestjs-conn-pool/tcp';
import { FakeClock } from 'nestjs-conn-pool/testing';
import { thrown } from '../net/talk.js';

type Data = Uint8Array | string;
interface Options {
  timeout?: Duration;
  signal?: AbortSignal;
  retry?: { count: number; interval?: Duration };
}
interface ForBytes extends Options {
  maxBytes?: number;
}
interface ForPackages extends Options {
  headerSize?: 1 | 2 | 3 | 4;
  maxDataSize?: number;
}

/** As users were promised it; the compiler holds the classes to it. */
interface Conn extends AsyncDisposable {
  send(data: Data, options?: Options): Promise<void>;
  recv(length: number, options?: ForBytes): Promise<Buffer>;
  recvLine(options?: ForBytes): Promise<Buffer>;
  recvTill(delimiter: Data, options?: ForBytes): Promise<Buffer>;
  sendRecv(data: Data, length: number, options?: ForBytes): Promise<Buffer>;
  sendPkg(data: Data, options?: ForPackages): Promise<void>;
  recvPkg(options?: ForPackages): Promise<Buffer>;
  sendRecvPkg(data: Data, options?: ForPackages): Promise<Buffer>;
  lines(options?: ForBytes): AsyncIterable<Buffer>;
  packages(options?: ForPackages): AsyncIterable<Buffer>;
  setDeadline(at: Date | number | null): unknown;
  setSendDeadline(at: Date | number | null): unknown;
  setRecvDeadline(at: Date | number | null): unknown;
  setRecvBufferWait(wait: Duration): unknown;
  close(): Promise<void>;
}
interface Pool extends ManagedPool, AsyncDisposable {
  get(
    address: string,
    options?: { timeout?: Duration; signal?: AbortSignal; fresh?: boolean; tls?: ConnectionOptions },
  ): Promise<Conn & PoolConn>;
}
interface Server {
  listen(): Promise<unknown>;
  close(options?: { drain?: Duration }): Promise<unknown>;
  readonly port: number;
  readonly address: string;
}

const connect: (
  address: string,
  options?: { timeout?: Duration; signal?: AbortSignal; tls?: ConnectionOptions },
) => Promise<Conn> = (address, options) => TcpConn.connect(address, options);
const fromSocket: (socket: Socket) => Conn = (socket) => TcpConn.fromSocket(socket);
const makePool: (options: {
  name?: string;
  idleTimeout?: Duration;
  max?: number;
  maxIdle?: number;
  tls?: ConnectionOptions;
}) => Pool = (options) => new TcpPool(options);
const makeServer: (options: {
  address: string;
  handler: (conn: TcpConn) => unknown;
  tls?: TlsOptions;
}) => Server = (options) => new TcpServer(options);

describe('what users were promised', () => {
  it('is there', () => {
    expect([connect, fromSocket, makePool, makeServer].every((each) => typeof each === 'function')).toBe(
      true,
    );
    expect(Object.keys(exported)).toEqual(
      expect.arrayContaining([
        ...['TcpConn', 'PoolConn', 'TcpPool', 'TcpServer', 'tcpPool', 'PackageDecoder'],
        ...['tcpSend', 'tcpSendRecv', 'tcpSendPkg', 'tcpSendRecvPkg'],
        ...['EofError', 'TcpTimeoutError', 'LineTooLongError', 'PackageTooLargeError'],
        ...['InvalidPackageSizeError', 'TcpConnClosedError'],
      ]),
    );
    expect(Object.getPrototypeOf(PoolConn)).toBe(TcpConn);
  });

  it('connections are made by their pools and by connect() only', () => {
    const where = { pool: '', address: '' };
    // @ts-expect-error The constructor is not for users.
    const makeOne = (socket: never): unknown => new TcpConn(where, socket);
    // @ts-expect-error Nor is this one.
    const makePooled = (loan: never): unknown => new PoolConn(where, loan, loan);
    expect([makeOne, makePooled]).toHaveLength(2);
  });

  it('errors have their codes, and are errors of this package', () => {
    const where = { pool: 'devices', address: '10.0.0.7:1' };
    const errors = [
      new exported.EofError(where),
      new exported.TcpTimeoutError(where, 'receive'),
      new exported.LineTooLongError(where, 1),
      new exported.PackageTooLargeError(where, 2, 1),
      new exported.InvalidPackageSizeError(where, 2, 1),
      new exported.TcpConnClosedError(where),
      new exported.OutOfStepError(where),
    ];
    expect(errors.map(({ code }) => code)).toEqual([
      'ERR_EOF',
      'ETIMEDOUT',
      'ERR_LINE_TOO_LONG',
      'ERR_PACKAGE_TOO_LARGE',
      'ERR_INVALID_PACKAGE_SIZE',
      'ERR_CONN_CLOSED',
      'ERR_OUT_OF_STEP',
    ]);
    for (const error of errors) {
      expect(error).toMatchObject({ pool: 'devices', address: '10.0.0.7:1', name: error.constructor.name });
      expect(error.message).toContain('the connection of pool "devices" to 10.0.0.7:1'.slice(1));
    }
    const bad = thrown(() => new TcpPool({ max: -1 }));
    expect(bad).toBeInstanceOf(InvalidOptionsError);
  });

  it('every option of a pool does something: those of its engine reach that', () => {
    const clock = new FakeClock();
    const options = { name: 'devices', max: 7, maxIdle: 3, clock, drain: '1s', order: 'fifo' } as const;
    expect(new TcpPool(options).stats()).toMatchObject({ name: 'devices', max: 7, maxIdle: 3 });
    for (const name of [
      'idleTimeout',
      'connectTimeout',
      'drain',
      'order',
      'keepAlive',
      'noDelay',
      'tls',
      'host',
    ]) {
      expect(thrown(() => new TcpPool({ [name]: 'no such thing' })).message).toContain(`${name}: `);
    }
  });
});
