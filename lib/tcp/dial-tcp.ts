import { connect } from 'node:net';
import type { Duplex } from 'node:stream';
import { readFields } from '../core/fields.js';
import type { OptionProblem } from '../core/index.js';
import { callDuration } from '../core/options.js';
import { signalProblems } from '../core/signal-problems.js';
import { type HostPort, parseAddress } from '../net/address.js';
import { dialNode } from '../net/node-dialer.js';
import { TlsSessions } from '../net/tls-sessions.js';
import { within } from '../net/within.js';
import { InvalidTcpOptionsError, TcpDialError, TcpTimeoutError } from './tcp-errors.js';
import type { TcpConnectOptions } from './tcp-conn.js';

const TIMEOUT = 30_000;
const KEEP_ALIVE = 15_000;

/** Makes one connection that no pool keeps. */
export async function dialTcp(address: string, options: TcpConnectOptions): Promise<Duplex> {
  const { fields, problems } = readFields(options, ['timeout', 'signal', 'tls']);
  const { timeout = TIMEOUT, signal, tls } = fields;
  const limit = callDuration('timeout', timeout, 'none');
  if (typeof limit !== 'number') problems.push(limit);
  problems.push(...signalProblems(signal), ...tlsProblems(tls));
  const where = { pool: '', address };
  if (problems.length > 0) throw new InvalidTcpOptionsError('connect()', where, problems);
  const network = tls === undefined ? 'tcp' : 'tls';
  const endpoint = parseAddress('TcpConn.connect()', network, address);
  signal?.throwIfAborted();
  const giveUp = new AbortController();
  const { host } = endpoint as HostPort;
  const secure = tls && { options: tls, host, sessions: new TlsSessions(), key: address };
  const setup = { noDelay: true, keepAlive: KEEP_ALIVE, connect };
  const dialling = dialNode(network, endpoint, setup, secure, giveUp.signal);
  const late = new TcpTimeoutError(where, 'connect');
  try {
    return await within(dialling, limit as number, signal, () => late);
  } catch (error) {
    giveUp.abort(error);
    // It may have been made in the very moment in which it was given up.
    dialling.then(
      (socket) => socket.destroy(),
      () => undefined,
    );
    if (error === late || (signal?.aborted === true && error === signal.reason)) throw error;
    throw new TcpDialError(where, error);
  }
}

export function tlsProblems(tls: unknown): OptionProblem[] {
  if (tls === undefined || (typeof tls === 'object' && tls !== null)) return [];
  return [{ path: 'tls', given: tls, allowed: 'an object of options of tls.connect()' }];
}
