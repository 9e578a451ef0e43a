import type { Subscriber } from 'rxjs';
import { type Audience, HarmlessObservable } from './harmless-observable.js';

/** A stream of events. */
export class EventStream<E> extends HarmlessObservable<E> {
  private readonly subscribers = new Set<Subscriber<E>>();
  private completed = false;

  /** @param onAudience - the first subscriber has come, or the last has gone */
  constructor(audience: Audience, onAudience: () => void = () => undefined) {
    super(audience, (subscriber) => {
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

  /** Tells every subscriber; call it only when the accounting is complete. */
  emit(event: E): void {
    for (const subscriber of [...this.subscribers]) subscriber.next(event);
  }

  complete(): void {
    this.completed = true;
    for (const subscriber of this.subscribers) subscriber.complete();
  }
}
