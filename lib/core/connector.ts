import { errorText } from './error-text.js';
import type { OptionProblem } from './errors.js';

/** What a dial is given. */
export interface DialContext<M = undefined> {
  /** Aborts at `dialTimeout` and when the pool is closed by force; never after the dial has settled. */
  readonly signal: AbortSignal;
  /** Which attempt this is for whoever asked, from 1 up to `dialAttempts`. */
  readonly attempt: number;
  /** The pool's `meta` option, as it was given. */
  readonly meta: M;
  /** The pool's name. */
  readonly pool: string;
}

/** What a heartbeat is given. */
export interface HeartbeatContext<M = undefined> {
  /** Aborts at `heartbeatTimeout` and when the pool is closed by force. */
  readonly signal: AbortSignal;
  readonly meta: M;
  readonly pool: string;
}

/** What a reset is given. */
export interface ResetContext<M = undefined> {
  /** Aborts at `resetTimeout` and when the pool is closed by force. */
  readonly signal: AbortSignal;
  readonly meta: M;
  readonly pool: string;
}

/** What a close is given. */
export interface CloseContext<M = undefined> {
  /** Why the pool ends this connection. */
  readonly reason: CloseReason;
  readonly meta: M;
  readonly pool: string;
}

/** Why a connection was closed by its pool; every closed connection has exactly one reason. */
export type CloseReason = (typeof CLOSE_REASONS)[number];

export const CLOSE_REASONS = [
  'idle-timeout',
  'max-lifetime',
  'max-uses',
  'heartbeat-failed',
  'reset-failed',
  'lost',
  'discarded',
  'surplus',
  'evicted',
  'pool-closed',
  'forced',
] as const;

/**
 * How one kind of connection is made, checked and ended: the whole of what a user must write.
 *
 * Every call runs in the pool's own async context, under its own timeout. A call that throws, rejects or never
 * answers costs its connection, never a slot of the pool.
 *
 * @typeParam T - the connection
 * @typeParam M - what the pool's `meta` option holds
 *
 * @example
 * const connector: Connector<net.Socket> = {
 *   dial: ({ signal }) => connectTo('127.0.0.1', 7000, signal),
 *   close: (socket) => void socket.destroy(),
 *   isAlive: (socket) => !socket.destroyed,
 *   watch: (socket, lost) => void socket.on('error', lost).on('close', () => lost()),
 * };
 */
export interface Connector<T, M = undefined> {
  /** Makes one connection. Bounded by `dialTimeout`; what it makes after that is closed. */
  dial(context: DialContext<M>): T | Promise<T>;

  /** Ends one connection. Called exactly once for each connection not detached; bounded by `closeTimeout`. */
  close(conn: T, context: CloseContext<M>): void | Promise<void>;

  /**
   * Proves that the peer still answers; throw or reject = dead. Runs after every dial, before a hand-out when the
   * connection was unused and unchecked for `heartbeatInterval`, and in the background on idle connections.
   */
  heartbeat?(conn: T, context: HeartbeatContext<M>): unknown;

  /** Cleans a connection before it goes back to idle; throw or reject = it is closed instead. */
  reset?(conn: T, context: ResetContext<M>): void | Promise<void>;

  /** Synchronous and cheap; asked at every hand-out. `false` or a throw = the connection is lost. */
  isAlive?(conn: T): boolean;

  /** Tells the pool the moment the connection dies. May return a function that stops the watching. */
  watch?(conn: T, lost: (cause?: unknown) => void): void | (() => void);

  /** `use()`: does this error make the connection unfit? Default: every error does. */
  isFatal?(error: unknown): boolean;

  /** Dial: is retrying pointless (wrong password, bad certificate)? Default: never. */
  isPermanent?(error: unknown): boolean;
}

/** The methods a connector must have, and those it may. */
const NEEDED = ['dial', 'close'] as const;
const OPTIONAL = ['heartbeat', 'reset', 'isAlive', 'watch', 'isFatal', 'isPermanent'] as const;

/** What a connector has at the moment its pool is made, and what keeps it from being one. */
export interface ConnectorReading<C> {
  /** Each method bound to the connector; meaningful when there are no problems. */
  readonly connector: C;
  readonly problems: readonly OptionProblem[];
}

/**
 * Reads a connector once. What becomes of its fields later is no concern of the pool: it must not find a method missing
 * halfway through a connection's life.
 */
export function readConnector<C extends object>(given: C): ConnectorReading<C> {
  if ((typeof given !== 'object' && typeof given !== 'function') || given === null) {
    const problem = { path: 'connector', given, allowed: 'an object with dial() and close()' };
    return { connector: given, problems: [problem] };
  }
  const problems: OptionProblem[] = [];
  const methods: Record<string, unknown> = {};
  for (const name of [...NEEDED, ...OPTIONAL]) {
    const path = `connector.${name}`;
    const allowed = isOneOf(NEEDED, name) ? 'a function' : 'a function, or nothing';
    try {
      const method = (given as Record<string, unknown>)[name];
      if (typeof method === 'function') methods[name] = method.bind(given);
      else if (method !== undefined || isOneOf(NEEDED, name)) problems.push({ path, given: method, allowed });
    } catch (error) {
      problems.push({ path, given: `a getter that throws: ${errorText(error)}`, allowed });
    }
  }
  return { connector: methods as C, problems };
}

function isOneOf(names: readonly string[], name: string): boolean {
  return names.includes(name);
}
