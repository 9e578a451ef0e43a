import { Observable, type Observer, Subscriber, type Subscription } from 'rxjs';
import { isThenable } from './connector-calls.js';
import { errorStack, errorText } from './error-text.js';
import type { OptionProblem } from './errors.js';

/**
 * A stream of events. Unlike a plain subject it keeps a listener's exception away from whoever emits and from the
 * process: rxjs would throw it again from a timer, where nothing can catch it.
 */
export class EventStream<E> extends Observable<E> {
  private readonly subscribers = new Set<Subscriber<E>>();
  private completed = false;

  /**
   * @param whose - for the warning about a listener that fails
   * @param refuse - makes the error for what is no observer
   * @param onAudience - the first subscriber has come, or the last has gone
   */
  constructor(
    private readonly whose: string,
    private readonly refuse: (problem: OptionProblem) => Error,
    onAudience: () => void = () => undefined,
  ) {
    super((subscriber) => {
      if (this.completed) return subscriber.complete();
      this.subscribers.add(subscriber);
      if (this.subscribers.size === 1) onAudience();
      return () => {
        this.subscribers.delete(subscriber);
        if (this.subscribers.size === 0) onAudience();
      };
    });
  }

  get observed(): boolean {
    return this.subscribers.size > 0;
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
    if (first !== undefined && first !== null && typeof first !== 'object' && typeof first !== 'function') {
      throw this.noObserver(first);
    }
    // An operator subscribes with a subscriber of its own; its errors belong to the pipeline that the user built.
    if (this.isSubscriber(first)) return super.subscribe(first);
    const observer = typeof first === 'object' && first !== null ? first : { next: first, error, complete };
    return super.subscribe({
      next: this.harmless((event: E) => observer.next?.(event)),
      error: this.harmless((cause: unknown) => observer.error?.(cause)),
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
    return this.refuse({ path: 'events$.subscribe()', given, allowed: 'a function or an observer' });
  }

  /** Tells every subscriber; call it only when the accounting is complete. */
  emit(event: E): void {
    for (const subscriber of [...this.subscribers]) subscriber.next(event);
  }

  complete(): void {
    this.completed = true;
    for (const subscriber of [...this.subscribers]) subscriber.complete();
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
    process.emitWarning(`A listener of ${this.whose}'s events has failed: ${errorStack(error)}`, {
      code: 'CONN_POOL_LISTENER',
    });
  }
}
