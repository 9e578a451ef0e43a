import type { CloseReason } from './connector.js';
import type { CloseReport } from './stats.js';

interface Of<Type extends string> {
  readonly type: Type;
  /** The pool's name. */
  readonly pool: string;
  /** Of a `KeyedConnPool`: the key that it concerns. */
  readonly key?: unknown;
}

interface OfConnection<Type extends string> extends Of<Type> {
  /** Of the connection, unique in the pool. */
  readonly id: number;
}

/** An acquire that stood in line has got its connection; `acquired` follows. */
export interface WaitedEvent extends OfConnection<'waited'> {
  /** In line. */
  readonly durationMs: number;
}

/** A connection has been handed out. */
export interface AcquiredEvent extends OfConnection<'acquired'> {
  /** It had served before, or had been idle. */
  readonly reused: boolean;
  /** Since the acquire; 0 = at once. */
  readonly durationMs: number;
}

/** A lease has ended. */
export interface ReleasedEvent extends OfConnection<'released'> {
  /** How: the borrower gave it back, as fit or unfit, or took it out of the pool; or `close()` took it by force. */
  readonly by: 'release' | 'discard' | 'detach' | 'force';
  /** Of the lease. */
  readonly durationMs: number;
}

/** `start()` has done its part. */
export interface StartedEvent extends Of<'started'> {
  /** Connections ready. */
  readonly ready: number;
}

/** A connection was made and passed its first heartbeat. */
export interface DialedEvent extends OfConnection<'dialed'> {
  readonly attempt: number;
  readonly durationMs: number;
}

export interface DialFailedEvent extends Of<'dial-failed'> {
  readonly attempt: number;
  readonly durationMs: number;
  readonly cause: unknown;
  readonly permanent: boolean;
  /** Failed attempts in a row, this one included. */
  readonly failures: number;
  /** No dial begins before this many milliseconds have passed. */
  readonly retryInMs: number;
}

/** The first dial that succeeds after one or more that failed. */
export interface RecoveredEvent extends Of<'recovered'> {
  readonly failures: number;
  /** Since the first of those failures. */
  readonly downMs: number;
}

/** Dials are held back from now on: one has failed, or has given a connection that was of no use. */
export interface BackoffEnteredEvent extends Of<'backoff-entered'> {
  readonly cause: unknown;
  /** No dial begins before this many milliseconds have passed. */
  readonly retryInMs: number;
}

/** A dial has succeeded, and the next is not held back any more. */
export interface BackoffLeftEvent extends Of<'backoff-left'> {
  /** Of the back-off. */
  readonly durationMs: number;
}

/** `evictAll()`: what was dialled before is not lent again. */
export interface GenerationEvent extends Of<'generation'> {
  /** Counts up from 1. */
  readonly generation: number;
}

/** A connection died by itself: `watch` or `isAlive` said so. */
export interface LostEvent extends OfConnection<'lost'> {
  readonly cause: unknown;
  /** It was in a borrower's hands. */
  readonly leased: boolean;
  /** Since it was dialled. */
  readonly ageMs: number;
}

/** An idle connection has answered its heartbeat. */
export interface CheckedEvent extends OfConnection<'checked'> {
  readonly durationMs: number;
}

export interface HeartbeatFailedEvent extends OfConnection<'heartbeat-failed'> {
  readonly cause: unknown;
  readonly durationMs: number;
}

export interface ResetFailedEvent extends OfConnection<'reset-failed'> {
  readonly cause: unknown;
  readonly durationMs: number;
}

/** A connection has been closed. */
export interface CloseEvent extends OfConnection<'close'> {
  readonly reason: CloseReason;
  /** What made it unfit, where there is more to say than the reason. */
  readonly cause?: unknown;
  /** Of the close. */
  readonly durationMs: number;
}

/** The connector's `close` threw, rejected or had no answer in time. The slot is free all the same. */
export interface CloseFailedEvent extends OfConnection<'close-failed'> {
  readonly reason: CloseReason;
  readonly cause: unknown;
}

/** An acquire was refused because the pool was exhausted. */
export interface ExhaustedEvent extends Of<'exhausted'> {
  readonly leased: number;
  readonly waiting: number;
}

/** An acquire missed its deadline. */
export interface TimeoutEvent extends Of<'timeout'> {
  readonly error: Error;
  /** What it was given. */
  readonly durationMs: number;
}

/** A lease was held longer than `leakThreshold`: once for each lease. */
export interface LeakEvent extends OfConnection<'leak'> {
  readonly heldMs: number;
  /** Where it was acquired. */
  readonly stack: string;
}

/** A lease reported as a leak has ended after all. */
export interface LeakReturnedEvent extends OfConnection<'leak-returned'> {
  readonly heldMs: number;
}

/** `pause()`, `resume()` or the beginning of `close()`. */
export interface StateEvent extends Of<'state'> {
  readonly state: 'open' | 'paused' | 'draining';
}

/** The pool is closed; the stream completes after this one. */
export interface ClosedEvent extends Of<'closed'> {
  readonly report: CloseReport;
}

/** What every borrowing brings. */
export type BorrowingEvent = WaitedEvent | AcquiredEvent | ReleasedEvent;

/** What happens in a pool, as it happens; told apart by `type`. */
export type PoolEvent =
  | StartedEvent
  | DialedEvent
  | DialFailedEvent
  | RecoveredEvent
  | BackoffEnteredEvent
  | BackoffLeftEvent
  | BorrowingEvent
  | LostEvent
  | CheckedEvent
  | HeartbeatFailedEvent
  | ResetFailedEvent
  | CloseEvent
  | CloseFailedEvent
  | ExhaustedEvent
  | TimeoutEvent
  | LeakEvent
  | LeakReturnedEvent
  | GenerationEvent
  | StateEvent
  | ClosedEvent;
