import { errorText, keyText, withoutCredentials } from './error-text.js';
import type { PoolStats } from './stats.js';

/** The root of every error this package throws. */
export abstract class ConnPoolError extends Error {
  /** For `switch` and for logs: `ERR_…`. */
  abstract readonly code: string;

  /** The name of the pool it happened in. */
  readonly pool: string;
  /** Of a `KeyedConnPool`: the key that it concerns, where it concerns one. */
  declare readonly key?: unknown;

  constructor(message: string, pool: PoolTitle, options?: ErrorOptions) {
    super(message, options);
    this.name = new.target.name;
    if (typeof pool === 'string') this.pool = pool;
    else {
      this.pool = pool.name;
      this.key = pool.key;
    }
  }
}

/** Which pool: its name or, of a pool by keys, the name and the key. */
export type PoolTitle = string | { readonly name: string; readonly key: unknown };

function named(pool: PoolTitle): string {
  return typeof pool === 'string' ? `Pool "${pool}"` : `Pool "${pool.name}", key ${keyText(pool.key)},`;
}

/** What an acquire was waiting for when its deadline came. */
export type AcquirePhase = 'wait' | 'dial' | 'check';

/** No connection came within the acquire's deadline. `cause` is the last dial error, if dials have been failing. */
export class AcquireTimeoutError extends ConnPoolError {
  override readonly code = 'ERR_ACQUIRE_TIMEOUT';

  constructor(
    pool: PoolTitle,
    /** The deadline that was missed, in milliseconds. */
    readonly timeout: number,
    /** `'wait'`: all connections were in use; `'dial'`: a new one was being made; `'check'`: one was being checked. */
    readonly phase: AcquirePhase,
    /** The pool at that instant. */
    readonly stats: PoolStats,
    options?: ErrorOptions,
  ) {
    super(
      `${named(pool)} gave no connection within ${timeout} ms (phase: ${phase}; ${counts(stats)})` +
        `${because(options?.cause)}. ${stats.state === 'paused' ? 'It is paused: resume() it.' : ACQUIRE_ADVICE[phase]}`,
      pool,
      options,
    );
  }
}

const ACQUIRE_ADVICE: Record<AcquirePhase, string> = {
  wait: 'Hold leases for less long, raise "max", or look with "leakThreshold" for a leak or for work that acquires while it holds a lease.',
  dial: 'Check that the server is up, accepts connections and answers.',
  check: 'The server accepts connections but does not answer heartbeats.',
};

/** The pool is at `max` and the line is as long as it may be. */
export class PoolExhaustedError extends ConnPoolError {
  override readonly code = 'ERR_POOL_EXHAUSTED';

  constructor(
    pool: PoolTitle,
    readonly stats: PoolStats,
    /** How many may wait; 0 with `exhausted: 'fail'`. */
    readonly maxWaiting: number,
  ) {
    super(
      `${named(pool)} is exhausted (${counts(stats)}; at most ${maxWaiting} may wait). ` +
        'Raise "max" or "maxWaiting", or shed load before it gets here.',
      pool,
    );
  }
}

/** The pool is draining or closed. */
export class PoolClosedError extends ConnPoolError {
  override readonly code = 'ERR_POOL_CLOSED';

  constructor(pool: PoolTitle) {
    super(
      `${named(pool)} is closed: it lends nothing any more. Acquire before close(), or make a new pool.`,
      pool,
    );
  }
}

/** A connection could not be made; `cause` is what the connector threw. */
export class DialError extends ConnPoolError {
  override readonly code = 'ERR_DIAL';

  constructor(
    pool: PoolTitle,
    /** How many attempts were made for this acquire. */
    readonly attempts: number,
    /** True when the connector's `isPermanent` called the error one that retrying cannot mend. */
    readonly permanent: boolean,
    options: ErrorOptions,
  ) {
    super(
      `${named(pool)} could not dial${permanent ? ' (permanent error)' : ` (${attempts} attempt${attempts === 1 ? '' : 's'})`}` +
        `${because(options.cause)}. ${permanent ? 'Correct what it says; retrying cannot mend it.' : ACQUIRE_ADVICE.dial}`,
      pool,
      options,
    );
  }
}

/** A connector's call did not answer within its timeout. Found as a `cause`, never thrown by itself. */
export class CallTimeoutError extends ConnPoolError {
  override readonly code = 'ERR_CALL_TIMEOUT';

  constructor(
    pool: string,
    readonly call: 'dial' | 'heartbeat' | 'reset' | 'close',
    readonly timeout: number,
  ) {
    super(`Pool "${pool}": ${call} gave no answer within ${timeout} ms.`, pool);
  }
}

/** The lease was released, discarded, detached or taken back; its connection is not the caller's any more. */
export class LeaseEndedError extends ConnPoolError {
  override readonly code = 'ERR_LEASE_ENDED';

  constructor(
    pool: string,
    /** Of the connection the lease was on. */
    readonly id: number,
    options?: ErrorOptions,
  ) {
    super(`The lease on connection ${id} of pool "${pool}" has ended. Acquire a new one.`, pool, options);
  }
}

/** More are counted, not listed. */
const MOST_PROBLEMS = 20;
const LONGEST_VALUE = 80;

/** One bad option: where it stands, what was given, what is allowed. */
export interface OptionProblem {
  readonly path: string;
  /** Left out where only the name is wrong: the value may be a secret that belongs elsewhere. */
  readonly given?: unknown;
  readonly allowed: string;
}

/** Options or environment variables are wrong; lists every bad field at once. */
export class InvalidOptionsError extends ConnPoolError {
  override readonly code = 'ERR_INVALID_OPTIONS';

  constructor(
    pool: string,
    readonly problems: readonly OptionProblem[],
  ) {
    super(
      [
        `Pool "${pool}" has ${problems.length === 1 ? 'a bad option' : `${problems.length} bad options`}:`,
        ...problems.slice(0, MOST_PROBLEMS).map((problem) => `  ${textOf(problem)}`),
        ...(problems.length > MOST_PROBLEMS ? [`  … and ${problems.length - MOST_PROBLEMS} more`] : []),
      ].join('\n'),
      pool,
    );
  }
}

/** No pool of this name is registered. */
export class UnknownPoolError extends ConnPoolError {
  override readonly code = 'ERR_UNKNOWN_POOL';

  constructor(
    pool: string,
    readonly known: readonly string[],
  ) {
    const names =
      known.length === 0 ? 'none is registered' : `known: ${known.map((name) => `"${name}"`).join(', ')}`;
    super(`Pool "${pool}" is not registered (${names}). Add it with ConnPoolModule.forFeature().`, pool);
  }
}

/** A pool of this name is registered already. */
export class DuplicatePoolError extends ConnPoolError {
  override readonly code = 'ERR_DUPLICATE_POOL';

  constructor(
    pool: string,
    readonly known: readonly string[],
  ) {
    super(
      `Pool "${pool}" is registered twice (known: ${known.map((name) => `"${name}"`).join(', ')}). ` +
        'Give each forFeature() its own "name".',
      pool,
    );
  }
}

/** The engine found itself in a state that cannot be; please report it. */
export class InvariantError extends ConnPoolError {
  override readonly code = 'ERR_INVARIANT';
}

function counts(stats: PoolStats): string {
  const { max, idle, leased, dialing, checking, closing, waiting } = stats;
  return `max ${max}, idle ${idle}, leased ${leased}, dialing ${dialing}, checking ${checking}, closing ${closing}, waiting ${waiting}`;
}

function because(cause: unknown): string {
  return cause === undefined ? '' : `: ${withoutCredentials(errorText(cause)).replace(/[.:\s]+$/, '')}`;
}

function textOf(problem: OptionProblem): string {
  const got = 'given' in problem ? `got ${show(problem.given)}; allowed: ` : '';
  return `${problem.path}: ${got}${problem.allowed}`;
}

/** Whatever was given by mistake may be long, and what an object holds is no business of a log. */
function show(value: unknown): string {
  if (typeof value === 'string') {
    const text = withoutCredentials(value);
    return JSON.stringify(text.length > LONGEST_VALUE ? `${text.slice(0, LONGEST_VALUE)}…` : text);
  }
  if (typeof value === 'function') return 'a function';
  if (typeof value !== 'object' || value === null) return String(value);
  try {
    if (Array.isArray(value)) return `an array of ${value.length}`;
    const { name } = value.constructor;
    return name === 'Object' ? 'an object' : `an object (${String(name).slice(0, LONGEST_VALUE)})`;
  } catch {
    return 'an object';
  }
}
