import { Observable, type Observer, Subscriber, type Subscription } from 'rxjs';
import { isThenable } from './connector-calls.js';
import type { CloseReason } from './connector.js';
import { errorStack, errorText } from './error-text.js';
import { InvalidOptionsError } from './errors.js';
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

/**
 * A pool's stream of events. Unlike a plain subject it keeps a listener's exception away from the pool and from the
 * process: rxjs would throw it again from a timer, where nothing can catch it.
 */
export class PoolEvents extends Observable<PoolEvent> implements EventSink {
  private readonly subscribers = new Set<Subscriber<PoolEvent>>();
  private completed = false;

  constructor(private readonly pool: string) {
    super((subscriber) => {
      if (this.completed) return subscriber.complete();
      this.subscribers.add(subscriber);
      return () => this.subscribers.delete(subscriber);
    });
  }

  get observed(): boolean {
    return this.subscribers.size > 0;
  }

  override subscribe(observer?: Partial<Observer<PoolEvent>> | ((event: PoolEvent) => void)): Subscription;
  override subscribe(
    next?: ((event: PoolEvent) => void) | null,
    error?: ((error: unknown) => void) | null,
    complete?: (() => void) | null,
  ): Subscription;
  override subscribe(
    first?: Partial<Observer<PoolEvent>> | ((event: PoolEvent) => void) | null,
    error?: ((error: unknown) => void) | null,
    complete?: (() => void) | null,
  ): Subscription {
    if (first !== undefined && first !== null && typeof first !== 'object' && typeof first !== 'function') {
      throw this.noObserver(first);
    }
    // An operator subscribes with a subscriber of its own; its errors belong to the pipeline that the user built.
    if (this.isSubscriber(first)) return super.subscribe(first);
    const observer = typeof first === 'object' && first !== null ? first : { next: first, error, complete };
    return super.subscribe({
      next: harmless((event: PoolEvent) => observer.next?.(event)),
      error: harmless((cause: unknown) => observer.error?.(cause)),
      complete: harmless(() => observer.complete?.()),
    });
  }

  private isSubscriber(first: unknown): first is Subscriber<PoolEvent> {
    try {
      return first instanceof Subscriber;
    } catch (error) {
      throw this.noObserver(`what cannot be read: ${errorText(error)}`);
    }
  }

  private noObserver(given: unknown): InvalidOptionsError {
    return new InvalidOptionsError(this.pool, [
      { path: 'events$.subscribe()', given, allowed: 'a function or an observer' },
    ]);
  }

  /** Tells every subscriber; call it only when the pool's accounting is complete. */
  emit(event: PoolEvent): void {
    for (const subscriber of [...this.subscribers]) subscriber.next(event);
  }

  complete(): void {
    this.completed = true;
    for (const subscriber of [...this.subscribers]) subscriber.complete();
  }
}

/** A listener may throw, or be an async function and reject: either is a warning. */
function harmless<A extends unknown[]>(listener: (...args: A) => unknown): (...args: A) => void {
  return (...args) => {
    try {
      const outcome = listener(...args);
      if (isThenable(outcome)) outcome.then(undefined, warn);
    } catch (error) {
      warn(error);
    }
  };
}

function warn(error: unknown): void {
  process.emitWarning(`A listener of a pool's events has failed: ${errorStack(error)}`, {
    code: 'CONN_POOL_LISTENER',
  });
}
