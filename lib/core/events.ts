import type { CloseReason } from './connector.js';
import { InvalidOptionsError } from './errors.js';
import { EventStream } from './event-stream.js';
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

/** A connection died by itself: `watch` or `isAlive` said so. */
export interface LostEvent extends OfConnection<'lost'> {
  readonly cause: unknown;
  /** It was in a borrower's hands. */
  readonly leased: boolean;
}

export interface HeartbeatFailedEvent extends OfConnection<'heartbeat-failed'> {
  readonly cause: unknown;
}

export interface ResetFailedEvent extends OfConnection<'reset-failed'> {
  readonly cause: unknown;
}

/** A connection has been closed. */
export interface CloseEvent extends OfConnection<'close'> {
  readonly reason: CloseReason;
  /** What made it unfit, where there is more to say than the reason. */
  readonly cause?: unknown;
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

/** What happens in a pool, as it happens; told apart by `type`. */
export type PoolEvent =
  | StartedEvent
  | DialedEvent
  | DialFailedEvent
  | RecoveredEvent
  | LostEvent
  | HeartbeatFailedEvent
  | ResetFailedEvent
  | CloseEvent
  | CloseFailedEvent
  | ExhaustedEvent
  | TimeoutEvent
  | LeakEvent
  | LeakReturnedEvent
  | StateEvent
  | ClosedEvent;

/** Where a pool's events go. */
export interface EventSink {
  readonly observed: boolean;
  emit(event: PoolEvent): void;
  complete(): void;
}

/** A pool's stream of events. */
export class PoolEvents extends EventStream<PoolEvent> implements EventSink {
  constructor(pool: string) {
    super('a pool', (problem) => new InvalidOptionsError(pool, [problem]));
  }
}
