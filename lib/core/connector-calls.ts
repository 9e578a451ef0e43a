import type { Alarm, Appointment } from './alarm.js';
import type { Connection } from './connection.js';
import { CallTimeoutError } from './errors.js';
import type { Runtime } from './runtime.js';

/** One kind of call on the connector: how it is made, and what becomes of it. Made once for each pool. */
export interface CallKind<T, R> {
  readonly name: 'dial' | 'heartbeat' | 'reset' | 'close';
  /** In milliseconds. */
  readonly timeout: number;
  /** Runs in the pool's async context. */
  make(connection: Connection<T>, call: ConnectorCall<T, R>): R | PromiseLike<R>;
  /** Exactly one of these two is called, unless the call is abandoned. */
  done(connection: Connection<T>, result: R): void;
  failed(connection: Connection<T>, cause: unknown): void;
  /** It has yielded something after all, but after its timeout or after it was abandoned. */
  late?(connection: Connection<T>, result: R): void;
}

/** One call that runs on the connector. */
export class ConnectorCall<T, R> implements Appointment {
  at = 0;
  place = -1;
  private settled = false;
  private answered = false;
  private controller: AbortController | undefined = undefined;
  private abandonedFor: unknown = undefined;

  constructor(
    private readonly calls: ConnectorCalls,
    readonly kind: CallKind<T, R>,
    readonly connection: Connection<T>,
  ) {}

  /** Made when it is asked for: it costs more than the rest of the call. */
  get signal(): AbortSignal {
    if (this.controller === undefined) {
      this.controller = new AbortController();
      if (this.abandonedFor !== undefined) this.controller.abort(this.abandonedFor);
    }
    return this.controller.signal;
  }

  /** Nobody waits for it any more. */
  get over(): boolean {
    return this.settled;
  }

  done(result: R): void {
    if (!this.first()) return;
    if (this.settle()) this.kind.done(this.connection, result);
    else this.kind.late?.(this.connection, result);
  }

  failed(cause: unknown): void {
    if (this.first() && this.settle()) this.kind.failed(this.connection, cause);
  }

  /** The pool waits for it no longer: its signal aborts, and what it answers is late. */
  abandon(reason: unknown): void {
    if (this.settle()) this.abort(reason);
  }

  private abort(reason: unknown): void {
    this.abandonedFor = reason;
    this.controller?.abort(reason);
  }

  ring(): void {
    if (!this.settle()) return;
    const error = new CallTimeoutError(this.calls.pool, this.kind.name, this.kind.timeout);
    // The listeners of the signal are told last: they may come back into the pool.
    this.kind.failed(this.connection, error);
    this.abort(error);
  }

  /** What calls back more than once has answered with the first, as every promise does. */
  private first(): boolean {
    const { answered } = this;
    this.answered = true;
    return !answered;
  }

  private settle(): boolean {
    if (this.settled) return false;
    this.settled = true;
    this.calls.alarm.cancel(this);
    if (this.connection.call === this) this.connection.call = undefined;
    return true;
  }
}

/** Calls that are answered at once may set off others within; deeper than this they wait their turn. */
const DEEPEST = 32;

/**
 * Runs the connector's calls: in the pool's own async context, under a timeout, and so that whatever they throw or
 * never answer comes back as one of two outcomes. A call that answers at once is settled at once.
 */
export class ConnectorCalls {
  private depth = 0;
  /** Calls that would have been made too deep inside others. */
  private readonly postponed: ConnectorCall<unknown, unknown>[] = [];

  constructor(
    readonly pool: string,
    private readonly runtime: Runtime,
  ) {}

  get alarm(): Alarm {
    return this.runtime.alarm;
  }

  /** Begins a call; what follows from it runs in the pool's context, too. */
  run<T, R>(kind: CallKind<T, R>, connection: Connection<T>): void {
    const call = new ConnectorCall(this, kind, connection);
    // Before the call: what it calls back into the pool may have to abandon it.
    connection.call = call;
    if (this.depth < DEEPEST) this.enter(call);
    else this.postponed.push(call as ConnectorCall<unknown, unknown>);
    if (this.depth === 0 && this.postponed.length > 0) this.catchUp();
  }

  /** Asks something of the connector that it answers at once. A promise is no answer, but must not go unhandled. */
  ask<R>(question: () => R): R {
    const answer: unknown = this.runtime.context.runInAsyncScope(question);
    if (answer !== true) silence(answer);
    return answer as R;
  }

  private enter<T, R>(call: ConnectorCall<T, R>): void {
    this.depth += 1;
    try {
      this.runtime.context.runInAsyncScope(this.begin, this, call);
    } finally {
      this.depth -= 1;
    }
  }

  /** More may be put off meanwhile. */
  private catchUp(): void {
    for (let next = this.postponed.pop(); next !== undefined; next = this.postponed.pop()) {
      if (!next.over) this.enter(next);
    }
  }

  private begin<T, R>(call: ConnectorCall<T, R>): void {
    const { kind, connection } = call;
    let result: R | PromiseLike<R>;
    try {
      result = kind.make(connection, call);
      if (isThenable(result)) {
        if (connection.call === call) this.alarm.set(call, this.runtime.turn.read() + kind.timeout);
        result.then(
          (value) => call.done(value),
          (cause: unknown) => call.failed(cause),
        );
        return;
      }
    } catch (cause) {
      call.failed(cause);
      return;
    }
    call.done(result);
  }
}

export function isThenable<R>(value: R | PromiseLike<R>): value is PromiseLike<R> {
  if ((typeof value !== 'object' || value === null) && typeof value !== 'function') return false;
  return typeof (value as PromiseLike<R>).then === 'function';
}

/** Nobody waits for this; if it is a promise that rejects, it must not be an unhandled rejection. */
export function silence(value: unknown): void {
  try {
    if (isThenable(value)) value.then(undefined, noop);
  } catch {
    // It is no promise.
  }
}

function noop(): void {}
