import { AsyncResource } from 'node:async_hooks';
import type { Alarm, Appointment } from './alarm.js';
import type { TurnClock } from './clock.js';
import { CallTimeoutError } from './errors.js';

/** The signal of a call that nobody asked it for is never made: it costs more than the rest of the call. */
export class ConnectorCall implements Appointment {
  at = 0;
  place = -1;
  private controller: AbortController | undefined = undefined;
  private settled = false;
  private abandonedFor: unknown = undefined;

  constructor(
    private readonly alarm: Alarm,
    private readonly onTimeout: (call: ConnectorCall) => void,
  ) {}

  get signal(): AbortSignal {
    if (this.controller === undefined) {
      this.controller = new AbortController();
      if (this.abandonedFor !== undefined) this.controller.abort(this.abandonedFor);
    }
    return this.controller.signal;
  }

  /** The first to settle it gets `true`; whoever comes later is late. */
  settle(): boolean {
    if (this.settled) return false;
    this.settled = true;
    this.alarm.cancel(this);
    return true;
  }

  /** The pool waits for it no longer: its signal aborts, and what it answers is late. */
  abandon(reason: unknown): void {
    if (!this.settle()) return;
    this.abandonedFor = reason;
    this.controller?.abort(reason);
  }

  ring(): void {
    this.onTimeout(this);
  }
}

/** What becomes of one call; exactly one of the first two is called. */
export interface CallOutcome<R> {
  done(result: R): void;
  failed(cause: unknown): void;
  /** It did yield something, but after it had failed by its timeout or had been abandoned. */
  late?(result: R): void;
}

/**
 * Runs the connector's calls: in the pool's own async context, under a timeout, and so that whatever they throw or
 * never answer comes back as one of two outcomes. A call that answers at once is settled at once.
 */
export class ConnectorCalls {
  private readonly context = new AsyncResource('ConnPool');

  constructor(
    private readonly pool: string,
    private readonly clock: TurnClock,
  ) {}

  /** Runs a function outside of any caller's async context. */
  readonly outside = <R>(work: () => R): R => this.context.runInAsyncScope(work);

  run<R>(
    kind: 'dial' | 'heartbeat' | 'reset' | 'close',
    timeout: number,
    alarm: Alarm,
    subject: { call: ConnectorCall | undefined },
    work: (call: ConnectorCall) => R | PromiseLike<R>,
    outcome: CallOutcome<R>,
  ): void {
    const call = new ConnectorCall(alarm, () => {
      const error = new CallTimeoutError(this.pool, kind, timeout);
      call.abandon(error);
      outcome.failed(error);
    });
    // Before the call: what it calls back into the pool may have to abandon it.
    subject.call = call;
    let result: R | PromiseLike<R>;
    try {
      result = this.context.runInAsyncScope(work, undefined, call);
      if (isThenable(result)) {
        if (timeout !== Infinity) alarm.set(call, this.clock.now() + timeout);
        result.then(
          (value) => (call.settle() ? outcome.done(value) : outcome.late?.(value)),
          (cause: unknown) => (call.settle() ? outcome.failed(cause) : undefined),
        );
        return;
      }
    } catch (cause) {
      if (call.settle()) outcome.failed(cause);
      return;
    }
    if (call.settle()) outcome.done(result);
    else outcome.late?.(result);
  }
}

export function isThenable<R>(value: R | PromiseLike<R>): value is PromiseLike<R> {
  return typeof value === 'object' && value !== null && typeof (value as PromiseLike<R>).then === 'function';
}
