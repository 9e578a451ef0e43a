import type { PoolClock } from '../core/clock.js';
import { type Duration, parseDuration } from '../core/duration.js';

/**
 * How a call of the connector is to answer:
 * - `'ok'`: well, as a promise; `'sync'`: well, and at once
 * - `'fail'`, `{ fail: error }`: rejects; `'throw'`, `{ throw: error }`: throws at once
 * - `'hang'`: not at all, unless the test answers with the call's `resolve` or `reject`
 * - `'obey'`: not at all until the call's signal aborts, then rejects with its reason
 * - `{ after: '2s' }`, `{ after: '2s', fail: error }`: later, on the connector's `clock`
 */
export type FakeBehavior =
  | 'ok'
  | 'sync'
  | 'fail'
  | 'throw'
  | 'hang'
  | 'obey'
  | { readonly fail: unknown }
  | { readonly throw: unknown }
  | { readonly after: Duration; readonly fail?: unknown };

/** One call the pool has made of its connector. */
export interface FakeCall<Context, Subject> {
  /** What the pool passed; `undefined` for `isAlive` and `watch`, which are given none. */
  readonly context: Context;
  /** The connection it was about; for a dial, the one it made (`undefined` until then). */
  readonly conn: Subject | undefined;
  /** It has answered. */
  readonly settled: boolean;
  /** Answers well; without effect on a call that has answered. */
  resolve(): void;
  /** Answers with an error; without effect on a call that has answered. */
  reject(error?: unknown): void;
}

/** A call yet to come, held until the test answers it. */
export interface FakeGate<Context, Subject> {
  /** The call, once the pool has made it. */
  readonly call: FakeCall<Context, Subject> | undefined;
  readonly called: boolean;
  /** Lets it answer well; at once if it has not been called yet. */
  resolve(): void;
  /** Lets it answer with an error; at once if it has not been called yet. */
  reject(error?: unknown): void;
}

/** What a test can tell and ask one of the connector's calls. */
export interface FakeControl<Context, Subject> {
  /** Every call so far, in order. */
  readonly calls: readonly FakeCall<Context, Subject>[];
  readonly count: number;
  /** The calls that have not answered. */
  readonly open: readonly FakeCall<Context, Subject>[];
  /** How the next calls answer, one behavior each; they come before what `always` says. */
  next(...behaviors: FakeBehavior[]): void;
  /** How all further calls answer for which nothing else was said. At first `'ok'`. */
  always(behavior: FakeBehavior): void;
  /** Holds the next call for which nothing was said until the test answers it. */
  gate(): FakeGate<Context, Subject>;
  /** Calls back inside each call, before it answers. One tap at a time; `undefined` takes it off. */
  tap(listener: ((call: FakeCall<Context, Subject>) => void) | undefined): void;
}

/** The error of a call that was told to `'fail'` or `'throw'` without saying with what. */
export class FakeCallError extends Error {
  override readonly name = 'FakeCallError';

  constructor(
    /** `'dial'`, `'heartbeat'` … */
    readonly call: string,
    /** 1 for its first call. */
    readonly count: number,
  ) {
    super(`fake ${call} ${count} failed`);
  }
}

/** Keeps the record of one kind of call and makes each answer as it was told. */
export class FakeCalls<Context, Subject> implements FakeControl<Context, Subject> {
  private readonly record: RecordedCall<Context, Subject>[] = [];
  private readonly planned: (FakeBehavior | HeldGate<Context, Subject>)[] = [];
  private otherwise: FakeBehavior = 'ok';
  private listener: ((call: FakeCall<Context, Subject>) => void) | undefined;

  constructor(
    private readonly name: string,
    private readonly clock: PoolClock | undefined,
  ) {}

  get calls(): readonly FakeCall<Context, Subject>[] {
    return this.record;
  }

  get count(): number {
    return this.record.length;
  }

  get open(): readonly FakeCall<Context, Subject>[] {
    return this.record.filter(({ settled }) => !settled);
  }

  next(...behaviors: FakeBehavior[]): void {
    this.planned.push(...behaviors);
  }

  always(behavior: FakeBehavior): void {
    this.otherwise = behavior;
  }

  gate(): FakeGate<Context, Subject> {
    const gate = new HeldGate<Context, Subject>();
    this.planned.push(gate);
    return gate;
  }

  tap(listener: ((call: FakeCall<Context, Subject>) => void) | undefined): void {
    this.listener = listener;
  }

  /** For the connector: one call that may answer at once, later or never. */
  answer<R>(context: Context, conn: Subject | undefined, ends: Ends<Subject, R>): R | Promise<R> {
    const call = this.begin(context, conn, ends);
    const plan = this.planned.shift() ?? this.otherwise;
    if (plan instanceof HeldGate) {
      plan.hold(call);
      return call.promise;
    }
    if (plan === 'sync') return call.endWell();
    if (plan === 'throw') return call.throwNow(call.failure);
    if (typeof plan === 'object' && 'throw' in plan) return call.throwNow(plan.throw);
    this.answerLater(call, plan);
    return call.promise;
  }

  /** For the connector: one call whose answer is wanted at once. */
  answerAtOnce<R>(context: Context, conn: Subject | undefined, ends: Ends<Subject, R>): R {
    const call = this.begin(context, conn, ends);
    const plan = this.planned.shift() ?? this.otherwise;
    if (plan === 'ok' || plan === 'sync') return call.endWell();
    if (plan === 'throw') return call.throwNow(call.failure);
    if (plan === 'fail') return call.endBadly(call.failure);
    if (typeof plan === 'object' && 'throw' in plan) return call.throwNow(plan.throw);
    if (typeof plan === 'object' && 'fail' in plan && !('after' in plan)) return call.endBadly(plan.fail);
    throw new Error(`${this.name} answers at once: it can be told 'ok', 'fail' and 'throw' only`);
  }

  private begin<R>(
    context: Context,
    conn: Subject | undefined,
    ends: Ends<Subject, R>,
  ): RecordedCall<Context, Subject, R> {
    const failure = new FakeCallError(this.name, this.record.length + 1);
    const call = new RecordedCall(context, conn, ends, failure);
    this.record.push(call as RecordedCall<Context, Subject>);
    this.listener?.(call);
    return call;
  }

  private answerLater<R>(
    call: RecordedCall<Context, Subject, R>,
    plan: Exclude<FakeBehavior, 'sync' | 'throw' | { readonly throw: unknown }>,
  ): void {
    if (plan === 'ok') return call.resolve();
    if (plan === 'fail') return call.reject();
    if (plan === 'hang') return;
    if (plan === 'obey') return rejectOnAbort(call);
    const settle = (): void => ('fail' in plan ? call.reject(plan.fail) : call.resolve());
    if (!('after' in plan)) return settle();
    if (this.clock === undefined) throw new Error('{ after } needs a clock: fakeConnector({ clock })');
    const ms = parseDuration(plan.after);
    if (ms === undefined) throw new RangeError(`not a duration: ${String(plan.after)}`);
    this.clock.setTimeout(settle, ms).unref();
  }
}

/** What a call comes to when it goes well (which may still throw) and when it was told to fail. */
export interface Ends<Subject, R> {
  well(call: { conn: Subject | undefined }): R;
  badly(error: unknown): unknown;
}

class RecordedCall<Context, Subject, R = unknown> implements FakeCall<Context, Subject> {
  settled = false;
  readonly promise: Promise<R>;
  private resolvePromise!: (value: R) => void;
  private rejectPromise!: (error: unknown) => void;

  constructor(
    readonly context: Context,
    public conn: Subject | undefined,
    private readonly ends: Ends<Subject, R>,
    /** What it fails with unless told with what. */
    readonly failure: FakeCallError,
  ) {
    this.promise = new Promise<R>((resolve, reject) => {
      this.resolvePromise = resolve;
      this.rejectPromise = reject;
    });
  }

  endWell(): R {
    this.settled = true;
    return this.ends.well(this);
  }

  /** The answer is what the connector made of the failure; most only take note of it. */
  endBadly(error: unknown): R {
    this.settled = true;
    return this.ends.badly(error) as R;
  }

  throwNow(error: unknown): never {
    this.endBadly(error);
    throw error;
  }

  resolve(): void {
    if (this.settled) return;
    try {
      this.resolvePromise(this.endWell());
    } catch (error) {
      this.rejectPromise(error);
    }
  }

  reject(...given: [error?: unknown]): void {
    if (this.settled) return;
    // Told to reject with `undefined` is not the same as not told with what.
    const error = given.length === 0 ? this.failure : given[0];
    this.endBadly(error);
    this.rejectPromise(error);
  }
}

class HeldGate<Context, Subject> implements FakeGate<Context, Subject> {
  call: FakeCall<Context, Subject> | undefined;
  private early: ((call: FakeCall<Context, Subject>) => void) | undefined;

  get called(): boolean {
    return this.call !== undefined;
  }

  resolve(): void {
    this.open((call) => call.resolve());
  }

  reject(...given: [error?: unknown]): void {
    this.open((call) => call.reject(...given));
  }

  hold(call: FakeCall<Context, Subject>): void {
    this.call = call;
    this.early?.(call);
  }

  private open(answer: (call: FakeCall<Context, Subject>) => void): void {
    if (this.call === undefined) this.early ??= answer;
    else answer(this.call);
  }
}

function rejectOnAbort(call: FakeCall<unknown, unknown>): void {
  const signal = (call.context as { signal?: AbortSignal } | undefined)?.signal;
  if (signal === undefined) return;
  const obey = (): void => call.reject(signal.reason);
  if (signal.aborted) obey();
  else signal.addEventListener('abort', obey, { once: true });
}
