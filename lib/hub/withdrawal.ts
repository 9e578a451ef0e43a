import type { Delivery, Tell } from './delivery.js';
import type { Outbox } from './outbox.js';
import type { Outgoing } from './outlet.js';

/** A message, where it may still wait. */
export interface Offer {
  readonly outbox: Outbox;
  readonly item: Outgoing;
}

/**
 * Takes a message out of its queues at the signal, and rejects with the signal's reason.
 *
 * @param offers - asked for at the signal
 * @returns what to call in place of `resolve`
 */
export function withdrawAt(
  signal: AbortSignal,
  offers: () => readonly Offer[],
  resolve: Tell,
  reject: (reason: unknown) => void,
): Tell {
  const onAbort = (): void => {
    reject(signal.reason);
    for (const { outbox, item } of offers()) outbox.withdraw(item);
  };
  signal.addEventListener('abort', onAbort, { once: true });
  return (delivery: Delivery) => {
    signal.removeEventListener('abort', onAbort);
    resolve(delivery);
  };
}

/** What another instance is asked to deliver can only be forgotten. */
export function orAborted(delivery: Promise<Delivery>, signal: AbortSignal): Promise<Delivery> {
  return new Promise((resolve, reject) => {
    void delivery.then(withdrawAt(signal, () => [], resolve, reject));
  });
}
