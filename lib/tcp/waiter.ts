import { AlarmAt } from './alarm-at.js';
import type { Call } from './tcp-options.js';

/** Somebody who waits for bytes, or for a write to be accepted: until then, a deadline or a signal. */
export class Waiter<R> {
  private alarm: AlarmAt | undefined = undefined;
  private onAbort: (() => void) | undefined = undefined;

  constructor(
    readonly call: Call,
    readonly resolve: (value: R) => void,
    private readonly refuse: (reason: unknown) => void,
    /** What happens at the deadline. */
    private readonly expire: () => void,
    abort: (reason: unknown) => void,
  ) {
    const { signal } = call;
    if (signal === undefined) return;
    this.onAbort = () => abort(signal.reason);
    signal.addEventListener('abort', this.onAbort, { once: true });
  }

  /** @param deadline - of the connection, by `performance.now()`; the call's own stands as well */
  heed(deadline: number): void {
    const at = Math.min(deadline, this.call.deadline);
    if (this.alarm !== undefined) this.alarm.set(at);
    else if (at !== Infinity) this.alarm = new AlarmAt(this.expire, at);
  }

  done(value: R): void {
    if (this.alarm !== undefined || this.onAbort !== undefined) this.stop();
    this.resolve(value);
  }

  fail(reason: unknown): void {
    this.stop();
    this.refuse(reason);
  }

  private stop(): void {
    this.alarm?.stop();
    if (this.onAbort !== undefined) this.call.signal?.removeEventListener('abort', this.onAbort);
    this.onAbort = undefined;
  }
}
