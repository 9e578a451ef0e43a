import type { Duplex } from 'node:stream';
import type { ConnectionOptions } from 'node:tls';
import * as v from 'valibot';
import { parseDuration } from '../core/duration.js';
import { readFields } from '../core/fields.js';
import type { ConnPoolOptions, Duration, HeartbeatContext, OptionProblem } from '../core/index.js';
import { callDuration, OPTION_NAMES, optionProblems, whole } from '../core/options.js';
import { signalProblems } from '../core/signal-problems.js';
import type { Address, Network } from './address.js';
import type { Dialer } from './dialer.js';
import type { IdleData } from './socket-watches.js';

/**
 * How a socket pool behaves. What is not named here (`acquireTimeout`, `dialBackoff`, `maxLifetime`, `drain`, …) is as in
 * `ConnPoolOptions`.
 */
export interface SocketPoolOptions extends Omit<ConnPoolOptions, 'min' | 'meta' | 'startup' | 'dialTimeout'> {
  /** Idle connections kept for each address; 0 = no reuse, `Infinity` = no limit. Default 2. */
  maxIdle?: number;
  /** Connections to all addresses together, dials in flight counted; 0 = no limit. Default 0. */
  max?: number;
  /** Idle longer: closed. 0 or `Infinity` = never. Default `'2m'`. */
  idleTimeout?: Duration;
  /** What a dial does at `max`, when no idle connection of another address can make room. Default `'fail'`. */
  exhausted?: 'fail' | 'wait';
  /** Rewrites `host:port` at the moment of a real dial; connections are still kept under the address as it was given. */
  host?: (address: string) => string | Promise<string>;
  /** Called at every dial; connections are kept under, and dialled to, what it gives. Default: the address as it is. */
  resolveAddress?: (network: Network, address: string) => Address | Promise<Address>;
  /** Makes the connections in place of Node's own sockets. */
  dialer?: Dialer;
  /**
   * Bytes that arrive while nobody has a connection: `'destroy'` closes it; `'discard'` drops the bytes; `'keep'` leaves
   * them for the next borrower. Default `'destroy'`.
   */
  idleData?: IdleData;
  /** A connection that takes longer to be established, the TLS handshake included, has failed. Default `'10s'`. */
  connectTimeout?: Duration;
  /** Idle for so long, the system probes the peer; false = off. Default `'15s'`. */
  keepAlive?: boolean | Duration;
  /** Small writes are sent at once. Default true. */
  noDelay?: boolean;
  /** For the network `tls`; a dial may add to it. */
  tls?: ConnectionOptions;
  /**
   * May what was written to a reused connection be written again when that turns out to have been closed by the peer?
   * True: up to 64 KiB; or a number of bytes. Default false: such a dial fails with a StaleConnectionError.
   */
  replay?: boolean | number;
  /** A probe of the user's for idle connections; without, they are judged by their state. Throw or reject = dead. */
  heartbeat?: (socket: Duplex, context: HeartbeatContext) => unknown;
}

/** The options of one pool beside those of its engine, complete; times in milliseconds. */
export interface ResolvedSocketOptions {
  readonly pool: string;
  readonly max: number;
  readonly maxIdle: number;
  readonly host: SocketPoolOptions['host'];
  readonly resolveAddress: SocketPoolOptions['resolveAddress'];
  readonly dialer: Dialer | undefined;
  readonly idleData: IdleData;
  readonly noDelay: boolean;
  readonly keepAlive: number | undefined;
  readonly tls: ConnectionOptions;
  /** How long the close of a socket waits for what is being written: the engine's `resetTimeout`. */
  readonly flushTimeout: number;
  readonly replay: number;
  readonly heartbeat: SocketPoolOptions['heartbeat'];
  /** For the engine. */
  readonly engine: Omit<ConnPoolOptions, 'min' | 'meta'>;
  /** What is wrong with the rest. */
  readonly problems: readonly OptionProblem[];
}

const DEFAULT_REPLAY = 64 * 1024;

const isFunction = (value: unknown): boolean => typeof value === 'function';
const aFunction = v.optional(v.custom<never>(isFunction, 'a function'));
const isFlag = (value: unknown): value is boolean => typeof value === 'boolean';

const OWN = {
  max: v.optional(whole(0)),
  maxIdle: v.optional(whole(0, 'Infinity')),
  exhausted: v.optional(v.picklist(['fail', 'wait'], "'fail' or 'wait'")),
  host: aFunction,
  resolveAddress: aFunction,
  heartbeat: aFunction,
  dialer: v.optional(
    v.custom<Dialer>(
      (value) => isFunction((value as Partial<Dialer> | null)?.dial),
      'an object with dial(network, address, { signal })',
    ),
  ),
  idleData: v.optional(v.picklist(['destroy', 'discard', 'keep'], "'destroy', 'discard' or 'keep'")),
  keepAlive: v.optional(
    v.custom<boolean | Duration>(
      (value) => isFlag(value) || isSpan(value),
      'true, false or a finite duration above 0',
    ),
  ),
  noDelay: v.optional(v.custom<boolean>(isFlag, 'true or false')),
  connectTimeout: v.optional(
    v.custom<Duration>(isSpan, "a finite duration above 0, in milliseconds or as text such as '5s'"),
  ),
  tls: v.optional(
    v.custom<ConnectionOptions>(
      (value) => typeof value === 'object' && value !== null,
      'an object of options of tls.connect()',
    ),
  ),
  replay: v.optional(
    v.custom<boolean | number>(
      (value) => isFlag(value) || (Number.isInteger(value) && (value as number) >= 0),
      'true, false or a number of bytes',
    ),
  ),
};

const OF_DIAL = {
  tls: OWN.tls,
  replay: OWN.replay,
  fresh: v.optional(v.custom<boolean>(isFlag, 'true or false')),
};

/** What is the engine's, but has another name here or no meaning. */
const NOT_HERE: readonly string[] = ['min', 'meta', 'startup', 'dialTimeout', ...Object.keys(OWN)];
const KNOWN = [...Object.keys(OWN), ...OPTION_NAMES.filter((name) => !NOT_HERE.includes(name))];

/** Fills in the defaults; what is wrong is told by the engine, together with what is wrong with its own options. */
export function resolveSocketOptions(options: SocketPoolOptions): ResolvedSocketOptions {
  const { fields: given, problems } = readFields(options, KNOWN);
  problems.unshift(...optionProblems(OWN, given as Record<string, unknown>));
  const bad = new Set(problems.map(({ path }) => path));
  // What is told here must not be told by the engine once more.
  const fields = Object.fromEntries(
    Object.entries(given).filter(([name]) => !bad.has(name)),
  ) as SocketPoolOptions;
  const { max = 0, maxIdle = 2, exhausted = 'fail', connectTimeout, ...rest } = fields;
  const { host, resolveAddress, dialer, idleData = 'destroy', noDelay = true, keepAlive = '15s' } = rest;
  const { tls = {}, replay = false, heartbeat, ...engine } = rest;
  for (const name of Object.keys(OWN)) delete (engine as Record<string, unknown>)[name];
  return {
    pool: typeof fields.name === 'string' ? fields.name : 'default',
    max,
    maxIdle,
    host,
    resolveAddress,
    dialer,
    idleData,
    noDelay,
    keepAlive:
      keepAlive === false ? undefined : (parseDuration(keepAlive === true ? '15s' : keepAlive) as number),
    tls,
    flushTimeout: parseDuration(fields.resetTimeout) ?? 5000,
    replay: replayLimit(replay),
    heartbeat,
    engine: { ...engine, exhausted, dialTimeout: connectTimeout },
    problems,
  };
}

/** What is wrong with what one dial says: the engine asks only when no connection is idle. */
export function dialProblems(given: Record<string, unknown>): OptionProblem[] {
  const { timeout, signal } = given;
  const problems = optionProblems(OF_DIAL, given);
  const limit = timeout === undefined ? 0 : callDuration('timeout', timeout as Duration, 'none');
  if (typeof limit !== 'number') problems.push(limit);
  return problems.concat(signalProblems(signal));
}

/** How many bytes may be written twice. */
export function replayLimit(replay: boolean | number): number {
  if (typeof replay === 'number') return replay;
  return replay ? DEFAULT_REPLAY : 0;
}

function isSpan(value: unknown): boolean {
  const ms = parseDuration(value);
  return ms !== undefined && ms > 0 && ms < Infinity;
}
