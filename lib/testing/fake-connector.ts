import type { PoolClock } from '../core/clock.js';
import type {
  CloseContext,
  Connector,
  DialContext,
  HeartbeatContext,
  ResetContext,
} from '../core/connector.js';
import { FakeCalls, type FakeControl } from './fake-call.js';
import { FakeConn, FakeOwnershipError, type FakeViolation, poolSide } from './fake-conn.js';

/** Which of a connector's optional calls a fake one has. A pool behaves differently without them, so none is the default. */
export interface FakeConnectorOptions {
  heartbeat?: boolean;
  reset?: boolean;
  isAlive?: boolean;
  watch?: boolean;
  isFatal?: (error: unknown) => boolean;
  isPermanent?: (error: unknown) => boolean;
  /** What `{ after }` is measured on: the pool's own `FakeClock`. */
  clock?: PoolClock;
}

type Controlled<Call, Context> = Call & FakeControl<Context, FakeConn>;

/** A connector that does as it is told and remembers what it was asked; see `fakeConnector`. */
export interface FakeConnector<
  M = undefined,
  O extends FakeConnectorOptions = FakeConnectorOptions,
> extends Connector<FakeConn, M> {
  readonly dial: Controlled<Connector<FakeConn, M>['dial'], DialContext<M>>;
  readonly close: Controlled<Connector<FakeConn, M>['close'], CloseContext<M>>;
  readonly heartbeat: Asked<
    O,
    'heartbeat',
    Controlled<NonNullable<Connector<FakeConn, M>['heartbeat']>, HeartbeatContext<M>>
  >;
  readonly reset: Asked<
    O,
    'reset',
    Controlled<NonNullable<Connector<FakeConn, M>['reset']>, ResetContext<M>>
  >;
  /** `'fail'` and `'throw'` work; it cannot be late. */
  readonly isAlive: Asked<
    O,
    'isAlive',
    Controlled<NonNullable<Connector<FakeConn, M>['isAlive']>, undefined>
  >;
  /** `'fail'` reports the connection lost at once, `'throw'` throws; it cannot be late. */
  readonly watch: Asked<O, 'watch', Controlled<NonNullable<Connector<FakeConn, M>['watch']>, undefined>>;
  /** Every connection ever made, in order. */
  readonly conns: readonly FakeConn[];
  /** Those whose close has not answered. */
  readonly live: readonly FakeConn[];
  /** Those the pool has closed or is closing, in that order. */
  readonly closed: readonly FakeConn[];
  /** The most that ever existed at once: being dialled, live or being closed. Calls the pool gave up on count, too. */
  readonly peak: number;
  /** Every broken rule of ownership so far; a test ends well when there is none. */
  readonly violations: readonly FakeOwnershipError[];
}

type Asked<O, Name extends string, Call> = O extends { readonly [name in Name]: true } ? Call : undefined;

/**
 * A connector for tests: each of its calls can be told to succeed, fail, throw, hang, be late or wait for the test, and
 * counts what was asked of it. Its connections cry out when two use one at once, or one is used or closed when it must
 * not be.
 *
 * @example
 * const connector = fakeConnector({ heartbeat: true });
 * connector.dial.next('fail', 'ok'); // the first dial fails, the second goes well
 * connector.heartbeat.always('hang'); // until further notice
 * const dialing = connector.dial.gate(); // one that waits for the test …
 * dialing.resolve(); // … and goes well now
 * connector.conns[0].die(new Error('cable cut'));
 * expect(connector.violations).toEqual([]);
 */
export function fakeConnector<M = undefined, const O extends FakeConnectorOptions = FakeConnectorOptions>(
  options?: O,
): FakeConnector<M, O>;
export function fakeConnector<M>(options: FakeConnectorOptions = {}): FakeConnector<M> {
  const maker = new Maker(options.clock);
  const connector = {
    dial: maker.dial<M>(),
    close: maker.close<M>(),
    get conns() {
      return maker.conns;
    },
    get live() {
      return maker.conns.filter((conn) => !maker.gone.includes(conn));
    },
    get closed() {
      return maker.closed;
    },
    get peak() {
      return maker.peak;
    },
    get violations() {
      return maker.violations;
    },
  };
  return Object.assign(
    connector,
    options.heartbeat === true && {
      heartbeat: maker.check<HeartbeatContext<M>>('heartbeat', () => undefined),
    },
    options.reset === true && {
      reset: maker.check<ResetContext<M>>('reset', (conn) => (conn.state = undefined)),
    },
    options.isAlive === true && { isAlive: maker.isAlive() },
    options.watch === true && { watch: maker.watch() },
    options.isFatal !== undefined && { isFatal: options.isFatal },
    options.isPermanent !== undefined && { isPermanent: options.isPermanent },
  ) as unknown as FakeConnector<M>;
}

/** Makes the connections and the calls of one fake connector. */
class Maker {
  readonly conns: FakeConn[] = [];
  readonly closed: FakeConn[] = [];
  /** Closed, and the close has answered. */
  readonly gone: FakeConn[] = [];
  readonly violations: FakeOwnershipError[] = [];
  peak = 0;
  private existing = 0;

  constructor(private readonly clock: PoolClock | undefined) {}

  dial<M>(): FakeConnector<M>['dial'] {
    const calls = new FakeCalls<DialContext<M>, FakeConn>('dial', this.clock);
    const dial = (context: DialContext<M>): FakeConn | Promise<FakeConn> => {
      this.peak = Math.max(this.peak, ++this.existing);
      return calls.answer(context, undefined, {
        well: (call) => (call.conn = this.make()),
        badly: () => void this.existing--,
      });
    };
    return controlled(dial, calls);
  }

  close<M>(): FakeConnector<M>['close'] {
    const calls = new FakeCalls<CloseContext<M>, FakeConn>('close', this.clock);
    const close = (conn: FakeConn, context: CloseContext<M>): void | Promise<void> => {
      this.refuseForeign(conn);
      conn[poolSide].close(context.reason);
      this.closed.push(conn);
      const ended = (): void => {
        this.existing--;
        this.gone.push(conn);
      };
      return calls.answer(context, conn, { well: ended, badly: ended });
    };
    return controlled(close, calls);
  }

  check<Context>(name: 'heartbeat' | 'reset', passed: (conn: FakeConn) => void) {
    const calls = new FakeCalls<Context, FakeConn>(name, this.clock);
    const check = (conn: FakeConn, context: Context): void | Promise<void> => {
      this.refuseForeign(conn);
      const leave = conn[poolSide].check();
      const well = (): void => {
        leave();
        if (!conn.alive) throw new Error(`fake connection ${conn.serial} is dead`);
        passed(conn);
      };
      return calls.answer(context, conn, { well, badly: leave });
    };
    return controlled(check, calls);
  }

  isAlive() {
    const calls = new FakeCalls<undefined, FakeConn>('isAlive', this.clock);
    const isAlive = (conn: FakeConn): boolean =>
      calls.answerAtOnce(undefined, conn, { well: () => conn.alive, badly: () => false });
    return controlled(isAlive, calls);
  }

  watch() {
    const calls = new FakeCalls<undefined, FakeConn>('watch', this.clock);
    const watch = (conn: FakeConn, lost: (cause?: unknown) => void): (() => void) =>
      calls.answerAtOnce(undefined, conn, {
        well: () => conn[poolSide].watch(lost),
        badly: (error) => {
          conn.dieSilently();
          lost(error);
          return () => undefined;
        },
      });
    return controlled(watch, calls);
  }

  private make(): FakeConn {
    const conn = new FakeConn(this.conns.length + 1, this.cryOut);
    this.conns.push(conn);
    return conn;
  }

  private refuseForeign(conn: FakeConn): void {
    if (!this.conns.includes(conn)) this.cryOut('not mine', conn instanceof FakeConn ? conn.serial : 0);
  }

  private readonly cryOut = (violation: FakeViolation, serial: number): never => {
    const error = new FakeOwnershipError(violation, serial);
    this.violations.push(error);
    throw error;
  };
}

/** The call itself, with what a test can tell and ask it; the counts stay live, so nothing is copied. */
function controlled<Call extends object, Context>(call: Call, calls: FakeCalls<Context, FakeConn>) {
  return Object.defineProperties(call, {
    calls: { get: () => calls.calls },
    count: { get: () => calls.count },
    open: { get: () => calls.open },
    next: { value: calls.next.bind(calls) },
    always: { value: calls.always.bind(calls) },
    gate: { value: calls.gate.bind(calls) },
    tap: { value: calls.tap.bind(calls) },
  }) as Call & FakeControl<Context, FakeConn>;
}
