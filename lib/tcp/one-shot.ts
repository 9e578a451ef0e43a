import type { ConnectionOptions } from 'node:tls';
import { errorText } from '../core/error-text.js';
import { callDuration } from '../core/options.js';
import { TcpConn } from './tcp-conn.js';
import { InvalidTcpOptionsError, type Where } from './tcp-errors.js';
import {
  type PackageOptions,
  readPackageOptions,
  readReadOptions,
  readSendOptions,
  type TcpCallOptions,
  type TcpReadOptions,
} from './tcp-options.js';

/** What a call that makes its own connection needs beside its other options. */
export interface WithTls {
  /** With TLS, and these options of `tls.connect()`. Default: without. */
  tls?: ConnectionOptions;
}

/**
 * Connects, sends, closes. `timeout` covers all of it; without, only the connecting is bounded, by 30 s. Rejects as
 * `TcpConn.connect` and `TcpConn.send`.
 *
 * @example
 * await tcpSend('127.0.0.1:8999', 'hello');
 */
export function tcpSend(
  address: string,
  data: Uint8Array | string,
  options?: TcpCallOptions & WithTls,
): Promise<void> {
  return once(address, options, readSendOptions, (conn, rest) => conn.send(data, rest));
}

/** Connects, sends, receives, closes: see `tcpSend`, `TcpConn.recv`. */
export function tcpSendRecv(
  address: string,
  data: Uint8Array | string,
  length: number,
  options?: TcpReadOptions & WithTls,
): Promise<Buffer> {
  return once(address, options, readReadOptions, (conn, rest) => conn.sendRecv(data, length, rest));
}

/** Connects, sends a package, closes: see `tcpSend`, `TcpConn.sendPkg`. */
export function tcpSendPkg(
  address: string,
  data: Uint8Array | string,
  options?: PackageOptions & WithTls,
): Promise<void> {
  return once(address, options, readPackageOptions, (conn, rest) => conn.sendPkg(data, rest));
}

/** Connects, sends a package, receives one, closes: see `tcpSend`, `TcpConn.sendRecvPkg`. */
export function tcpSendRecvPkg(
  address: string,
  data: Uint8Array | string,
  options?: PackageOptions & WithTls,
): Promise<Buffer> {
  return once(address, options, readPackageOptions, (conn, rest) => conn.sendRecvPkg(data, rest));
}

async function once<O extends TcpCallOptions, R>(
  address: string,
  options: (O & WithTls) | undefined,
  check: (where: Where, what: string, options: O) => unknown,
  work: (conn: TcpConn, options: O) => Promise<R>,
): Promise<R> {
  const where = { pool: '', address };
  const { tls, ...rest } = plain(where, options);
  // Nothing is dialled for what would be refused afterwards.
  check(where, 'a call', rest as unknown as O);
  const begun = performance.now();
  const { timeout, signal } = rest;
  const conn = await TcpConn.connect(address, { timeout, signal, tls });
  try {
    const limit = timeout === undefined ? Infinity : callDuration('timeout', timeout, 'none');
    const left = limit === Infinity ? timeout : Math.max(1, (limit as number) - (performance.now() - begun));
    const outcome = await work(conn, { ...rest, timeout: left } as unknown as O);
    await conn.close();
    return outcome;
  } catch (error) {
    conn.destroy();
    throw error;
  }
}

/** @throws InvalidOptionsError for what is no object, or cannot be read */
function plain<O extends object>(where: Where, options: O | undefined): O {
  if (options === undefined) return {} as O;
  let given: unknown = options;
  try {
    if (typeof options === 'object' && options !== null && !Array.isArray(options)) return { ...options };
  } catch (error) {
    given = `what cannot be read: ${errorText(error)}`;
  }
  throw new InvalidTcpOptionsError('a call', where, [
    { path: 'options', given, allowed: 'an object of options' },
  ]);
}
