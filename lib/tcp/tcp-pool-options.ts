import type { ConnectionOptions } from 'node:tls';
import { errorText } from '../core/error-text.js';
import type { Duration, HeartbeatContext, OptionProblem } from '../core/index.js';
import type { SocketPoolOptions } from '../net/index.js';
import type { TcpConn } from './tcp-conn.js';

/** How a TCP pool behaves: as a `SocketPool`, but for what is named here. */
export interface TcpPoolOptions extends Omit<SocketPoolOptions, 'heartbeat' | 'idleData' | 'replay'> {
  /** Idle longer: closed. 0 or `Infinity` = never. Default `'600s'`. */
  idleTimeout?: Duration;
  /** Connections to all addresses together, dials in flight counted; 0 = no limit. Default 0. */
  max?: number;
  /** Idle connections kept for each address; 0 = no reuse, `Infinity` = no limit. Default `Infinity`. */
  maxIdle?: number;
  /** A connection that takes longer to be established, the TLS handshake included, has failed. Default `'30s'`. */
  connectTimeout?: Duration;
  /** All connections are made with TLS, and with these options. Default: without. */
  tls?: ConnectionOptions;
  /** A probe for idle connections; without, they are judged by their state. Throw or reject = dead. */
  heartbeat?: (conn: TcpConn, context: HeartbeatContext) => unknown;
}

/** What would let bytes of one borrower reach the next, or send twice. */
const NOT_HERE = ['idleData', 'replay'];

const DEFAULTS = { idleTimeout: '600s', maxIdle: Infinity, connectTimeout: '30s' } as const;

/** With the defaults of this kind of pool, and what is wrong with the names; the rest is for the `SocketPool` to judge. */
export function withTcpDefaults(options: TcpPoolOptions): {
  given: TcpPoolOptions;
  problems: OptionProblem[];
} {
  const given: Record<string, unknown> = { ...DEFAULTS };
  const problems: OptionProblem[] = [];
  for (const [name, value] of entriesOf(options, problems)) {
    if (value === undefined) continue;
    if (NOT_HERE.includes(name)) problems.push({ path: name, allowed: 'no option of this name' });
    else given[name] = value;
  }
  return { given, problems };
}

function entriesOf(options: unknown, problems: OptionProblem[]): [string, unknown][] {
  try {
    if (typeof options === 'object' && options !== null && !Array.isArray(options))
      return Object.entries(options);
    problems.push({ path: 'options', given: options, allowed: 'an object of options' });
  } catch (error) {
    const given = `what cannot be read: ${errorText(error)}`;
    problems.push({ path: 'options', given, allowed: 'an object of options' });
  }
  return [];
}
