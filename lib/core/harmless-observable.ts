import { Observable, type Observer, type Operator, Subscriber, type Subscription } from 'rxjs';
import { isThenable } from './connector-calls.js';
import { errorStack, errorText } from './error-text.js';
import type { OptionProblem } from './errors.js';

/** Of whom the listeners are, for what they are told when something is wrong with them. */
export interface Audience {
  /** In the warning about a listener that fails: `'a pool'`. */
  readonly whose: string;
  /** Makes the error for what is no observer. */
  refuse(problem: OptionProblem): Error;
}

/**
 * Keeps a listener's exception away from whoever emits and from the process, through operators as well: rxjs would throw it
 * again from a timer, where nothing can catch it.
 */
export class HarmlessObservable<E> extends Observable<E> {
  constructor(
    private readonly audience: Audience,
    onSubscribe?: (subscriber: Subscriber<E>) => (() => void) | void,
  ) {
    super(onSubscribe);
  }

  /** What an operator makes of it is as harmless. */
  override lift<R>(operator?: Operator<E, R>): Observable<R> {
    const lifted = new HarmlessObservable<R>(this.audience);
    lifted.source = this;
    lifted.operator = operator;
    return lifted;
  }

  override subscribe(observer?: Partial<Observer<E>> | ((event: E) => void)): Subscription;
  override subscribe(
    next?: ((event: E) => void) | null,
    error?: ((error: unknown) => void) | null,
    complete?: (() => void) | null,
  ): Subscription;
  override subscribe(
    first?: Partial<Observer<E>> | ((event: E) => void) | null,
    error?: ((error: unknown) => void) | null,
    complete?: (() => void) | null,
  ): Subscription {
    if (first !== undefined && typeof first !== 'object' && typeof first !== 'function') {
      throw this.noObserver(first);
    }
    // An operator subscribes with a subscriber of its own, and hands on its errors to whoever subscribes behind it.
    if (this.isSubscriber(first)) return super.subscribe(first);
    const observer = typeof first === 'object' && first !== null ? first : { next: first, error, complete };
    return super.subscribe({
      next: this.harmless((event: E) => observer.next?.(event)),
      error: this.harmless((cause: unknown) => {
        if (observer.error) return observer.error(cause);
        throw cause;
      }),
      complete: this.harmless(() => observer.complete?.()),
    });
  }

  private isSubscriber(first: unknown): first is Subscriber<E> {
    try {
      return first instanceof Subscriber;
    } catch (error) {
      throw this.noObserver(`what cannot be read: ${errorText(error)}`);
    }
  }

  private noObserver(given: unknown): Error {
    return this.audience.refuse({ path: 'events$.subscribe()', given, allowed: 'a function or an observer' });
  }

  /** A listener may throw, or be an async function and reject: either is a warning. */
  private harmless<A extends unknown[]>(listener: (...args: A) => unknown): (...args: A) => void {
    return (...args) => {
      try {
        const outcome = listener(...args);
        if (isThenable(outcome)) outcome.then(undefined, (error: unknown) => this.warn(error));
      } catch (error) {
        this.warn(error);
      }
    };
  }

  private warn(error: unknown): void {
    process.emitWarning(`A listener of ${this.audience.whose}'s events has failed: ${errorStack(error)}`, {
      code: 'CONN_POOL_LISTENER',
    });
  }
}
