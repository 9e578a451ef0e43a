import { NEVER, type Observable } from 'rxjs';
import { type AcquireOptions, resolvePlace } from './acquire-options.js';
import { type Alarm, type Appointment, Errand } from './alarm.js';
import type { Ceiling } from './ceiling.js';
import type { TurnClock } from './clock.js';
import { Closing } from './closing.js';
import type { Connection } from './connection.js';
import { type Connector, readConnector } from './connector.js';
import { isThenable, silence } from './connector-calls.js';
import {
  type AcquirePhase,
  AcquireTimeoutError,
  CallTimeoutError,
  DialError,
  InvalidOptionsError,
  PoolClosedError,
  PoolExhaustedError,
  type PoolTitle,
} from './errors.js';
import type { PoolEvent, ReleasedEvent } from './events.js';
import { resolveHeartbeat } from './heartbeat-options.js';
import { Household } from './household.js';
import { Latencies } from './latency.js';
import { type Lease, type Lender, PooledLease } from './lease.js';
import { resolveDrain } from './close-options.js';
import { Line, type Place } from './line.js';
import type { CloseOptions, HeartbeatOptions, ManagedPool } from './managed-pool.js';
import {
  type ConnPoolOptions,
  type PoolSize,
  type ResolvedOptions,
  resolveOptions,
  resolveSize,
} from './options.js';
import type { PoolChannels } from './pool-channels.js';
import { type DialTrouble, type EventSink, PoolEvents } from './pool-events.js';
import { Probe } from './probe.js';
import type { CloseReport, ConnInfo, HeartbeatReport, PoolState, PoolStats, StatsOptions } from './stats.js';
import { wantsLatency } from './stats-options.js';
import { raceSignal } from './race-signal.js';
import { Runtime } from './runtime.js';
import { Stock } from './stock.js';
import type { Totals } from './totals.js';
import { LeakWatch } from './upkeep/leak.js';
import { Waiter } from './wait-queue.js';
import { WarmUps } from './warm-ups.js';
import { Witness } from './witness.js';

/** `use()` within `use()` within … deeper than this it waits a turn first, or the stack would not hold it. */
const DEEPEST_USE = 32;

/** Somebody for whom dials are made. */
interface Attempting {
  attempts: number;
  readonly dialsBefore: number;
}

/** The key that a pool is for, and what the pool is to those of the other keys. */
export interface KeyPlace<T, M> extends EventSink {
  readonly household: Household<T, M>;
  /** Of all of them. */
  readonly name: string;
  readonly key: unknown;
  /** It holds nothing, and nobody waits. */
  vacated(): void;
}

/**
 * A pool of connections of one kind.
 *
 * Making one dials nothing. `start()` fills `min` and begins the background heartbeats; `acquire()` works without it.
 * Everything between two awaits is one step: its accounting is done before anybody (a waiter, a listener, the
 * connector) is told of it, and every step that may free capacity ends in `serve()`.
 *
 * @typeParam T - the connection
 * @typeParam M - what the `meta` option holds
 *
 * @example
 * const pool = new ConnPool(connector, { name: 'gateway', max: 20 });
 * const answer = await pool.use((socket) => ask(socket, 'time'));
 * await pool.close();
 */
export class ConnPool<T, M = undefined> implements ManagedPool, AsyncDisposable {
  readonly name: string;
  /** @internal In messages: which pool, and which key of it. */
  readonly title: PoolTitle;
  /** What happens in the pool, as it happens. Costs nothing while nobody subscribes. */
  readonly events$: Observable<PoolEvent>;

  private current: PoolState = 'open';
  private readonly connector: Omit<Connector<T, M>, 'dial'>;
  private readonly options: ResolvedOptions<M>;
  private readonly turn: TurnClock;
  private readonly alarm: Alarm;
  private readonly events: EventSink;
  private readonly channels: PoolChannels;
  private readonly totals: Totals;
  private readonly runtime: Runtime;
  private readonly ceiling: Ceiling<T> | undefined;
  private readonly stock: Stock<T, M>;
  private readonly line: Line<T>;
  private readonly warmUps = new WarmUps();
  private readonly leaks: LeakWatch<T> | undefined;
  /** Looks on at every borrowing, while anybody wants to know. */
  private witness: Witness<T> | undefined = undefined;
  private readonly household: Household<T, M>;
  private readonly lender: Lender<T>;
  /** How an acquire waits that says nothing about it. */
  private readonly usualPlace: Place;
  /** How many may stand in line beyond those there is a slot for. */
  private readonly mayWait: number;
  private readonly overflows: boolean;
  /** Nothing of the connector's lies between one borrower and the next. */
  private readonly passesOn: boolean;
  /** `min` is kept from the first acquire on, not from the start. */
  private readonly isLazy: boolean;
  private readonly retry: Appointment = new Errand<ConnPool<T, M>>(this, (pool) => pool.serve());

  private max: number;
  private min: number;
  private maxIdle: number;
  private keepsMin = false;
  /** How many `use()` have been called within each other's work. */
  private depth = 0;
  /** Somebody waits on a timer of the pool. */
  private holding = false;
  private serving = false;
  private servesAgain = false;
  private starting: Promise<void> | undefined;
  private closing: Closing | undefined;

  /**
   * One object of each kind that borrowing makes. V8 forgets the shape of objects of which a full garbage collection
   * finds none alive, and with it the code compiled for them: a pool at rest would start cold, at five times the cost.
   */
  protected readonly shapes: readonly unknown[] | undefined;

  /** @throws InvalidOptionsError with every bad option and every connector method that is missing */
  constructor(connector: Connector<T, M>, options?: ConnPoolOptions<M>);
  /** @internal */
  constructor(connector: undefined, options: undefined, place: KeyPlace<T, M>);
  constructor(
    connector: Connector<T, M> | undefined,
    options: ConnPoolOptions<M> = {},
    private readonly place?: KeyPlace<T, M>,
  ) {
    const household = place?.household ?? this.found(connector as Connector<T, M>, options);
    this.household = household;
    this.options = household.options;
    this.connector = household.connector;
    this.totals = household.totals;
    this.ceiling = household.ceiling;
    this.runtime = household.runtime;
    this.turn = this.runtime.turn;
    this.alarm = this.runtime.alarm;
    const { name, acquireTimeout, leakThreshold, max, min, maxIdle } = this.options;
    this.name = name;
    this.title = place ?? name;
    const events$ = place === undefined ? new PoolEvents(name, this) : undefined;
    this.events$ = events$ ?? NEVER;
    this.events = (place ?? events$) as EventSink;
    this.channels = this.events.channels;
    this.max = max;
    this.min = min;
    this.maxIdle = maxIdle ?? max;
    const { exhausted, maxWaiting, startup } = this.options;
    this.mayWait = exhausted === 'fail' ? 0 : maxWaiting;
    this.overflows = exhausted === 'overflow';
    this.passesOn = this.connector.isAlive === undefined && this.connector.reset === undefined;
    this.isLazy = startup === 'lazy';
    this.usualPlace = { timeout: acquireTimeout, priority: 0, fresh: false };
    this.line = new Line(acquireTimeout, this.turn, this.alarm, this, this.runtime.arrivals);
    this.stock = new Stock(household, this.events, this);
    this.leaks = leakThreshold === Infinity ? undefined : this.watchLeaks(leakThreshold);
    this.lender = place === undefined ? this.ownLender() : this;
    this.shapes = place === undefined ? this.shapesOfAll() : undefined;
    this.lookOn();
    if (household.started) this.stock.beginRounds();
  }

  private found(connector: Connector<T, M>, options: ConnPoolOptions<M>): Household<T, M> {
    const reading = readConnector(connector);
    const resolved = resolveOptions(options, reading.problems);
    const runtime = new Runtime(
      resolved.clock,
      (beganAt, now) => this.makeUp(beganAt, now),
      () => this.lookAgain(),
    );
    const { connector: read } = reading;
    return new Household<T, M>(read, resolved, runtime, undefined, (_, context) => read.dial(context));
  }

  /** Functions of its own, not the methods: by them V8 knows which pool it is, where there is only one. */
  private ownLender(): Lender<T> {
    return {
      name: this.name,
      returned: (connection) => this.returned(connection),
      discarded: (connection, reason) => this.discarded(connection, reason),
      detached: (connection) => this.detached(connection),
    };
  }

  private shapesOfAll(): readonly unknown[] {
    const shapes = this.stock.shapes();
    const lease = new PooledLease(this.lender, shapes[0] as Connection<T>, false);
    return [...shapes, lease, new Waiter<T>(noop, noop, false, 0, NaN)];
  }

  /** `'open'` lends; `'paused'` lends nothing; `'draining'` waits for leases to come back; `'closed'` is the end. */
  get state(): PoolState {
    return this.current;
  }

  // ---- borrowing -------------------------------------------------------------------------------------------------

  /**
   * Borrows a connection: an idle one, or one that is dialled, or the next that comes back.
   *
   * Rejects with `AcquireTimeoutError`, `PoolExhaustedError`, `PoolClosedError`, `DialError`, `InvalidOptionsError`
   * or, when aborted, the signal's own reason.
   */
  acquire(options?: AcquireOptions): Promise<Lease<T>> {
    if (options !== undefined || this.channels.traced.hasSubscribers) return this.acquireWith(options);
    const lease = this.tryAcquire();
    return lease === undefined ? this.wait(this.usualPlace) : Promise.resolve(lease);
  }

  /**
   * Borrows an idle connection that is ready now, or gives `undefined`: when there is none, when others wait, when a
   * check is due, when the pool is paused or closed. Never waits, never overtakes the line.
   */
  tryAcquire(): Lease<T> | undefined {
    return this.current !== 'open' || this.line.size > 0 ? undefined : this.takeIdle();
  }

  private takeIdle(): PooledLease<T> | undefined {
    const now = this.turn.now();
    const connection = this.stock.pick(now, false);
    // To look at a connection may have paused the pool.
    if (connection === undefined || !this.isOpen()) return undefined;
    const site = this.witness === undefined ? undefined : this.witness.site(this.tryAcquire);
    const reused = !connection.isNew;
    this.stock.lendOut(connection, now);
    const lease = this.lend(connection, reused);
    if (this.witness !== undefined) this.witness.lent(connection, reused, now, site, undefined);
    return lease;
  }

  /**
   * Borrows a connection for one piece of work and gives it back, whatever happens. After an error the connection is
   * closed if the connector's `isFatal` says so; without `isFatal` it always is.
   *
   * Rejects with what `work` throws, and as `acquire` does.
   */
  use<R>(work: (conn: T, lease: Lease<T>) => R | Promise<R>, options?: AcquireOptions): Promise<R> {
    if (typeof work !== 'function') {
      const problem = { path: 'work', given: work, allowed: 'a function' };
      return Promise.reject(new InvalidOptionsError(this.name, [problem]));
    }
    const mayBeQuick =
      options === undefined && this.depth < DEEPEST_USE && !this.channels.traced.hasSubscribers;
    const quick = mayBeQuick ? this.tryAcquire() : undefined;
    return this.doWork(work, quick, options);
  }

  /** Not one function with `use`: together they outgrow what V8 inlines, and cost a tenth more. */
  private async doWork<R>(
    work: (conn: T, lease: Lease<T>) => R | Promise<R>,
    quick: Lease<T> | undefined,
    options: AcquireOptions | undefined,
  ): Promise<R> {
    const lease = quick === undefined ? await this.acquire(options) : quick;
    let within = true;
    this.depth += 1;
    try {
      const outcome = work(lease.conn, lease);
      within = false;
      this.depth -= 1;
      const result = isThenable(outcome) ? await outcome : outcome;
      lease.release();
      return result;
    } catch (error) {
      if (within) this.depth -= 1;
      if (this.isFatal(error)) lease.discard(error);
      else lease.release();
      throw error;
    }
  }

  /** @internal Takes in a connection made elsewhere, as an idle one. */
  adopt(resource: T): void {
    if (this.stock.size >= this.max || (this.ceiling !== undefined && this.ceiling.size >= this.ceiling.max))
      throw this.exhaustion();
    this.stock.adopt(resource);
  }

  private acquireWith(options: AcquireOptions | undefined): Promise<Lease<T>> {
    const begin = (): Promise<Lease<T>> => this.acquireBy(options === undefined ? {} : options);
    if (!this.channels.traced.hasSubscribers) return begin();
    const key = this.place === undefined ? {} : { key: this.place.key };
    return this.channels.trace({ pool: this.name, ...key }, begin);
  }

  private acquireBy(options: AcquireOptions): Promise<Lease<T>> {
    try {
      const place = resolvePlace(this.name, options, this.usualPlace);
      if (place.signal?.aborted === true) {
        this.totals.aborted += 1;
        return Promise.reject(place.signal.reason);
      }
      const lease = place.fresh ? undefined : this.tryAcquire();
      return lease === undefined ? this.wait(place) : Promise.resolve(lease);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /** Joins the line, unless it is clear already that waiting would be in vain. */
  private wait(place: Place): Promise<Lease<T>> {
    const refusal = this.refusal();
    if (refusal !== undefined) return Promise.reject(refusal);
    if (this.isLazy) this.keepsMin = this.starting !== undefined;
    const { witness } = this;
    const site =
      witness === undefined ? undefined : witness.arrival(this.acquire, this.turn.now(), place.timeout);
    const granted = this.line.join(place, this.stock.dials, site);
    return witness === undefined ? granted : witness.followWait(granted);
  }

  private refusal(): Error | undefined {
    const isUsual = this.ceiling === undefined && this.mayWait === Infinity && this.current === 'open';
    return isUsual && !this.stock.backoff.permanent ? undefined : this.refuse();
  }

  private refuse(): Error | undefined {
    if (this.isOver()) return new PoolClosedError(this.title);
    // Those in line for whom there is a slot, or will be as soon as it is dialled, are not in excess.
    const taken = this.overflows ? 0 : this.stock.leased + this.stock.closing;
    const excess = taken + this.line.size + 1 - this.max;
    if (excess > this.mayWait || this.exceedsCeiling()) return this.exhaustion();
    const { backoff } = this.stock;
    if (backoff.permanent && this.turn.now() < backoff.readyAt && !this.stock.hasLiving()) {
      return new DialError(this.title, backoff.failures, true, { cause: backoff.lastError });
    }
    return undefined;
  }

  /** Among all that share the ceiling the line would be too long. */
  private exceedsCeiling(): boolean {
    if (this.ceiling === undefined || this.overflows || this.mayWait === Infinity) return false;
    return this.ceiling.excess(this.runtime.arrivals.waiting) > this.mayWait;
  }

  private exhaustion(): PoolExhaustedError {
    this.totals.refused += 1;
    if (this.events.wants('exhausted')) {
      const { leased } = this.stock;
      this.events.emit({ type: 'exhausted', pool: this.name, leased, waiting: this.line.size });
    }
    return new PoolExhaustedError(this.title, this.stats(), this.mayWait);
  }

  /** @internal As an `Usher` of the line, like those that follow. */
  joined(): void {
    const isInVain = this.ceiling === undefined && this.isFull && this.stock.idle.size === 0;
    if (!isInVain) this.serve();
    if (!this.holding && this.line.size > 0) this.hold(true);
  }

  /** @internal */
  aborted(count: number): void {
    this.totals.aborted += count;
    this.serve();
  }

  /** @internal */
  shortened(): void {
    this.serve();
  }

  /** @internal */
  emptied(): void {
    this.holdOn();
  }

  /** @internal */
  expired(waiters: readonly Waiter<T>[]): void {
    const { lastError } = this.stock.backoff;
    const cause = lastError === undefined ? undefined : { cause: lastError };
    const phase = this.phase();
    const stats = this.stats();
    const errors = withoutStacks(() =>
      waiters.map(
        (one) => new AcquireTimeoutError(this.title, this.line.timeoutOf(one), phase, stats, cause),
      ),
    );
    for (const [index, waiter] of waiters.entries()) {
      const error = errors[index];
      // Whoever was told before may have closed the pool.
      if (error === undefined || waiter.lane === undefined) continue;
      this.totals.timeouts += 1;
      this.line.dismiss(waiter, error);
      if (this.events.wants('timeout')) {
        const durationMs = this.line.timeoutOf(waiter);
        this.events.emit({ type: 'timeout', pool: this.name, error, durationMs });
      }
    }
  }

  /** What the head of the line is waiting for. */
  private phase(): AcquirePhase {
    if (this.stock.dialing > 0) return 'dial';
    if (this.stock.checking > 0) return 'check';
    return this.retry.place !== -1 && this.stock.size < this.max ? 'dial' : 'wait';
  }

  /** Somebody waits on a timer of the pool: the process must not end meanwhile. */
  private holdOn(): void {
    const awaited = this.line.size + this.warmUps.size + this.stock.probes.length > 0;
    this.hold(awaited || this.current === 'draining');
  }

  private hold(on: boolean): void {
    if (on === this.holding) return;
    this.holding = on;
    if (on) this.alarm.hold();
    else this.alarm.release();
  }

  /** @internal See `Line.makeUp`. */
  makeUp(beganAt: number, now: number): void {
    if (this.line.size > 0) this.line.makeUp(beganAt, now);
  }

  // ---- lending ---------------------------------------------------------------------------------------------------

  /**
   * The one function that serves the line; every step that may have freed capacity ends in it. What its own calls to
   * the connector set off (a dial that answers at once, a listener that acquires) makes it go round again.
   */
  /** @internal */
  serve(): void {
    if (this.serving) {
      this.servesAgain = true;
      return;
    }
    if (this.current === 'draining') return this.finish();
    this.serving = true;
    try {
      do {
        this.servesAgain = false;
        if (this.current === 'open') {
          if (this.line.size > 0 && this.stock.idle.size > 0) this.serveLine();
          this.grow();
        }
      } while (this.servesAgain);
    } finally {
      this.serving = false;
    }
    if (this.isOver()) this.finish();
    this.stock.seen = this.stock.births;
    if (this.warmUps.size > 0) this.settleWarmUps();
    if (this.ceiling !== undefined) this.lookAbove(this.ceiling);
  }

  /** What this pool does not need another key may. */
  private lookAbove(ceiling: Ceiling<T>): void {
    if (ceiling.wanted) ceiling.serve();
    if (this.isVacant) this.place?.vacated();
  }

  private serveLine(): void {
    const now = this.turn.now();
    while (this.line.size > 0) {
      const connection = this.stock.pick(now, this.line.fresh === this.line.size);
      if (connection === undefined) return;
      const reused = !connection.isNew;
      const waiter = this.line.first(reused);
      if (waiter === undefined || !this.isOpen()) return;
      this.line.leave(waiter);
      this.stock.lendOut(connection, now);
      waiter.resolve(this.lend(connection, reused));
      // Only now: who hears of it may ask for one, too, and would overtake.
      if (this.witness !== undefined) this.served(this.witness, waiter, connection, reused, now);
    }
  }

  private served(
    witness: Witness<T>,
    waiter: Waiter<T>,
    connection: Connection<T>,
    reused: boolean,
    now: number,
  ): void {
    witness.served(waiter, this.line.timeoutOf(waiter), connection, reused, now);
  }

  /** Makes the lease on a connection that has just been leased. */
  private lend(connection: Connection<T>, reused: boolean): PooledLease<T> {
    this.totals.acquired += 1;
    if (reused) this.totals.reused += 1;
    return new PooledLease(this.lender, connection, reused);
  }

  /** @internal As a `Lender`, like the two that follow: a lease gives its connection back as fit. */
  returned(connection: Connection<T>): void {
    const now = this.turn.now();
    this.leaseOver(connection, now, 'release');
    const reason = this.stock.unfitAfterUse(connection, now);
    if (reason !== undefined) this.stock.end(connection, reason, connection.cause);
    else if (this.line.size === 0 || !this.handOver(connection, now)) this.stock.takeBack(connection, now);
    if (this.witness !== undefined) this.witness.tellOfEnd(connection);
  }

  /** From one borrower to the next, where nothing of the connector's lies between the two. */
  private handOver(connection: Connection<T>, now: number): boolean {
    if (!this.passesOn || this.current !== 'open') return false;
    const heir = this.line.first(true);
    if (heir === undefined) return false;
    this.line.leave(heir);
    this.stock.passOn(connection, now);
    heir.resolve(this.lend(connection, true));
    if (this.witness !== undefined) this.served(this.witness, heir, connection, true, now);
    return true;
  }

  /** @internal */
  discarded(connection: Connection<T>, reason: unknown): void {
    this.leaseOver(connection, this.turn.now(), 'discard');
    if (connection.lost && connection.uses === 1) this.stock.endFirstUse(connection);
    else if (connection.lost) this.stock.end(connection, 'lost', connection.cause);
    else this.stock.end(connection, 'discarded', reason);
  }

  /** @internal */
  detached(connection: Connection<T>): void {
    this.leaseOver(connection, this.turn.now(), 'detach');
    this.stock.giveAway(connection);
    this.witness?.tellOfEnd(connection);
  }

  /** @internal */
  takenBack(connection: Connection<T>): void {
    connection.spoiled = connection.tenancy;
    connection.spoiledBy = new PoolClosedError(this.title);
    connection.tenancy += 1;
    this.witness?.ended(connection, this.turn.now(), 'force');
  }

  private leaseOver(connection: Connection<T>, now: number, by: ReleasedEvent['by']): void {
    if (connection.observer !== undefined) connection.observer = undefined;
    if (this.witness !== undefined) this.witness.ended(connection, now, by);
  }

  /** As many exist as may. */
  private get isFull(): boolean {
    return this.stock.size >= this.max && !this.overflows;
  }

  /** More exist than may, leaving aside what is about to be gone. */
  private get overfull(): boolean {
    return this.stock.present > this.max || this.ceiling?.overfull === true;
  }

  /** @internal As a `Housekeeper`, like those that follow. */
  unwanted(): 'pool-closed' | 'surplus' | undefined {
    if (this.isOver()) return 'pool-closed';
    return this.overfull && (!this.overflows || this.line.size === 0) ? 'surplus' : undefined;
  }

  /** @internal Those who wait may take only a fresh connection: none of them will have one that was there before. */
  unwantedAfterCheck(): 'pool-closed' | 'surplus' | undefined {
    const { present, dialing } = this.stock;
    const isOfNoUse = present - dialing > this.max && this.line.size === this.line.fresh;
    return this.unwanted() ?? (isOfNoUse ? 'surplus' : undefined);
  }

  /** @internal Only what comes back from a borrower may make the idle ones too many: what is dialled was asked for. */
  unwantedAfterUse(): 'pool-closed' | 'surplus' | undefined {
    const { size, idle } = this.stock;
    const isUsual = this.ceiling === undefined && this.line.fresh === 0 && this.current === 'open';
    return isUsual && size <= this.max && idle.size < this.maxIdle ? undefined : this.unwantedUnusually();
  }

  private unwantedUnusually(): 'pool-closed' | 'surplus' | undefined {
    const idleToo = this.stock.idle.size < this.maxIdle && this.ceiling?.keepsAnother !== false;
    if (this.line.fresh > 0 && this.isInTheWay()) return 'surplus';
    if (this.ceiling !== undefined && this.isOwed(this.ceiling)) return 'surplus';
    const reason = this.unwantedAfterCheck();
    if (reason !== undefined || idleToo) return reason;
    return this.line.size === 0 && this.stock.present > this.min ? 'surplus' : undefined;
  }

  /** Somebody of another key comes before whoever would have it. */
  private isOwed(ceiling: Ceiling<T>): boolean {
    const heir = ceiling.wanted ? this.line.first(true) : undefined;
    return heir !== undefined && ceiling.owesAnother(this, heir);
  }

  /** Whoever is first in line takes only a fresh connection, and there is no room to dial one. */
  private isInTheWay(): boolean {
    const { size, incomingDials, closing } = this.stock;
    if (size < this.max || incomingDials + closing > 0 || this.overflows) return false;
    return this.line.first(false)?.fresh === true;
  }

  // ---- growing ---------------------------------------------------------------------------------------------------

  /** Begins the checks and dials that somebody needs, and no more. */
  private grow(): void {
    if (this.line.size === 0 && this.min === 0 && this.warmUps.size === 0) return;
    if (this.isFull && this.stock.idle.size === 0) return;
    // What a call that answers at once has brought must reach the line before more is begun.
    while (!this.servesAgain && this.lacksUsed() > 0) {
      const due = this.stock.firstDue();
      if (due === undefined) break;
      this.stock.check(due);
    }
    while (!this.servesAgain && this.wanted() > 0 && this.mayDial()) this.stock.dial();
  }

  /** How many of those in line who take a used connection have none coming: dials go to the fresh ones first. */
  private lacksUsed(): number {
    const { incoming, incomingDials } = this.stock;
    const { size, fresh } = this.line;
    return size - fresh - (incoming - Math.min(incomingDials, fresh));
  }

  /** How many dials the line is short of, its fresh ones or all together. */
  private lacksDials(): number {
    const { incoming, incomingDials } = this.stock;
    return Math.max(this.line.size - incoming, this.line.fresh - incomingDials);
  }

  /** How many dials are missing: for the line, for `min` and for those who warm up. */
  private wanted(): number {
    const forLine = this.lacksDials();
    if (forLine > 0) return forLine;
    const kept = this.keepsMin ? this.min : 0;
    const target = this.warmUps.size === 0 ? kept : Math.max(kept, Math.min(this.warmUps.wanted, this.max));
    const { idle, leased, incoming } = this.stock;
    return target === 0 ? 0 : target - idle.size - leased - incoming;
  }

  private mayDial(): boolean {
    if (this.stock.dialing >= this.options.dialConcurrency) return false;
    if (this.turn.now() >= this.stock.backoff.readyAt) return this.hasRoom();
    if (this.retry.place === -1) this.alarm.set(this.retry, this.stock.backoff.readyAt);
    return false;
  }

  private hasRoom(): boolean {
    return this.hasRoomBelow() && (this.ceiling === undefined || this.overflows || this.ceiling.admits(this));
  }

  /** @internal */
  lacking(): Waiter<T> | undefined {
    return this.lacks() > 0 ? this.line.nth(this.line.size - this.lacksDials()) : undefined;
  }

  /** @internal */
  lacks(): number {
    if (this.current !== 'open' || this.turn.now() < this.stock.backoff.readyAt) return 0;
    const { dialing, size } = this.stock;
    return Math.min(this.lacksDials(), this.options.dialConcurrency - dialing, this.max - size);
  }

  private hasRoomBelow(): boolean {
    if (this.stock.size < this.max) return true;
    if (this.overflows && this.lacksDials() > 0) return true;
    const { oldest } = this.stock.idle;
    if (oldest === undefined || this.line.fresh - this.stock.incomingDials <= this.stock.closing)
      return false;
    this.stock.end(oldest, 'surplus');
    return this.current === 'open' && this.stock.size < this.max;
  }

  /** @internal */
  shelved(): void {
    if (this.line.size > 0 || this.warmUps.size > 0 || this.ceiling?.wanted === true) this.serve();
  }

  /** @internal */
  maySpare(): boolean {
    return this.stock.present > this.min;
  }

  /** @internal */
  diedUnused(cause: unknown): void {
    this.warmUps.turnAway(this.stock.ready, cause, (one) => this.isSpent(one, false));
  }

  /** @internal */
  attempt(): number {
    const waiter = this.line.first(false);
    if (waiter !== undefined) return waiter.attempts + 1;
    return (this.warmUps.size > 0 ? this.warmUps.attempts : this.stock.backoff.failures) + 1;
  }

  /**
   * Ends the wait of those who have had all their attempts and whom no living connection can serve. While another
   * dial may still serve nobody is turned away, except where every dial must fail the same way.
   *
   * @internal
   */
  dialFailed(permanent: boolean, cause: unknown): void {
    if (!permanent && this.stock.incomingDials > 0) return;
    const spent = (one: Attempting): boolean => this.isSpent(one, permanent);
    const living = this.stock.hasLiving();
    for (const waiter of this.line.all()) {
      if (living && !waiter.fresh) continue;
      if (spent(waiter))
        this.line.dismiss(waiter, new DialError(this.title, waiter.attempts, permanent, { cause }));
    }
    this.warmUps.turnAway(this.stock.ready, cause, spent);
  }

  /** Counts a failed round of dials against somebody. @returns whether it was the last they had */
  private isSpent(one: Attempting, permanent: boolean): boolean {
    if (one.dialsBefore < this.stock.dials) one.attempts += 1;
    return permanent || one.attempts >= this.options.dialAttempts;
  }

  private isFatal(error: unknown): boolean {
    try {
      const fatal = this.connector.isFatal?.(error) ?? true;
      silence(fatal);
      return fatal;
    } catch {
      return true;
    }
  }

  private watchLeaks(threshold: number): LeakWatch<T> {
    return new LeakWatch<T>(threshold, this.alarm, ({ id }, heldMs, stack) => {
      this.totals.leaks += 1;
      if (this.events.wants('leak')) this.events.emit({ type: 'leak', pool: this.name, id, heldMs, stack });
    });
  }

  // ---- running the pool ------------------------------------------------------------------------------------------

  /**
   * Begins the upkeep: `min` is filled and kept, idle connections are checked in the background. Idempotent.
   *
   * With `startup: 'wait'` it resolves when `min` are ready and rejects with `DialError` when they could not be made;
   * it may then be called again. Rejects with `PoolClosedError` on a closed pool.
   */
  start(): Promise<void> {
    if (this.starting !== undefined) return this.starting;
    // Set before it begins: what it calls may call it.
    let begun: (outcome: Promise<void>) => void = noop;
    this.starting = new Promise((resolve) => (begun = resolve));
    begun(this.begin());
    this.starting.catch(() => (this.starting = undefined));
    return this.starting;
  }

  private async begin(): Promise<void> {
    if (this.isOver()) throw new PoolClosedError(this.title);
    this.stock.beginRounds();
    if (this.options.startup !== 'lazy') this.keepsMin = true;
    if (this.options.startup === 'wait') {
      const { ready, cause } = await this.warm(this.min);
      if (this.isOver()) throw new PoolClosedError(this.title);
      if (ready < this.min) {
        const permanent = this.stock.backoff.permanent;
        throw new DialError(this.title, this.options.dialAttempts, permanent, {
          cause:
            cause ??
            new Error(`only ${ready} of ${this.min} connections are ready; the pool is ${this.current}`),
        });
      }
    } else this.serve();
    if (this.events.wants('started'))
      this.events.emit({ type: 'started', pool: this.name, ready: this.stock.ready });
  }

  /**
   * Dials until `count` (default: `min`; at most `max`) connections are ready.
   *
   * @returns how many are ready; fewer when dials failed, when the pool is paused or closes
   * @throws InvalidOptionsError
   */
  async warmUp(count: number = this.min): Promise<number> {
    if (!Number.isInteger(count) || count < 0) {
      throw new InvalidOptionsError(this.name, [
        { path: 'count', given: count, allowed: 'a whole number from 0' },
      ]);
    }
    const { ready } = await this.warm(Math.min(count, this.max));
    return ready;
  }

  private async warm(count: number): Promise<{ ready: number; cause?: unknown }> {
    const warmed = this.warmUps.join(count, this.stock.dials);
    this.holdOn();
    this.serve();
    this.settleWarmUps();
    const result = await warmed;
    this.holdOn();
    return result;
  }

  private settleWarmUps(): void {
    this.warmUps.settle(this.stock.ready, this.current === 'open' ? this.max : 0);
  }

  /**
   * Checks the idle connections now; with `dialIfNone`, makes one when there is none.
   *
   * @returns what they answered by the deadline (default: `heartbeatTimeout`); a slower check goes on without it
   * @throws PoolClosedError, InvalidOptionsError, or the signal's own reason
   */
  async heartbeat(options: HeartbeatOptions = {}): Promise<HeartbeatReport> {
    const { heartbeatTimeout } = this.options;
    const { signal, limit, dialIfNone } = resolveHeartbeat(this.name, options, heartbeatTimeout);
    if (signal?.aborted === true) throw signal.reason as unknown;
    if (this.isOver()) throw new PoolClosedError(this.title);
    const now = this.turn.read();
    const silence = new CallTimeoutError(this.name, 'heartbeat', limit);
    const probe = new Probe<T>(now, this.alarm, silence, () => {
      this.stock.probes = this.stock.probes.filter((other) => other !== probe);
      this.holdOn();
    });
    this.stock.probes = [...this.stock.probes, probe];
    if (!this.stock.ask(probe) && dialIfNone) this.askNew(probe);
    if (limit !== Infinity) this.alarm.set(probe, now + limit);
    this.holdOn();
    probe.seal();
    return signal === undefined ? probe.report : raceSignal(probe.report, signal, () => probe.abandon());
  }

  /** There is nothing to ask: asks what is being dialled, or dials. */
  private askNew(probe: Probe<T>): void {
    const { dialing, size, backoff } = this.stock;
    if (dialing > 0) return this.stock.askDials(probe);
    if (this.current !== 'open' || size >= this.max) return;
    if (this.turn.now() < backoff.readyAt) probe.known(false, backoff.lastError);
    else this.stock.dial((connection) => probe.ask(connection));
  }

  /**
   * The counts of this instant.
   *
   * @param options - `{ latency: true }`: also how long acquires wait, leases last and dials take. They are measured from
   *   the first time somebody asks
   * @throws InvalidOptionsError
   */
  stats(options?: StatsOptions): PoolStats {
    const { name, current: state, max, min, maxIdle, totals } = this;
    const { size, idle, leased, dialing, checking, closing } = this.stock;
    return Object.freeze({
      name,
      state,
      max,
      min,
      maxIdle,
      size,
      idle: idle.size,
      leased,
      dialing,
      checking,
      closing,
      waiting: this.line.size,
      totals: Object.freeze({ ...totals, closed: Object.freeze({ ...totals.closed }) }),
      ...(wantsLatency(name, options) && { latency: this.latencies().read(this.turn.read()) }),
    });
  }

  /** @internal As one who is `Watched`, like the one that follows: measured from now on. */
  latencies(): Latencies {
    const { household } = this;
    if (household.latencies === undefined) {
      household.latencies = new Latencies();
      this.lookOn();
    }
    return household.latencies;
  }

  /** @internal As one who is `Watched`. */
  dialTroubles(): readonly DialTrouble[] {
    const { failures, readyAt, lastError: cause } = this.stock.backoff;
    if (failures === 0 && this.turn.read() >= readyAt) return [];
    return [this.place === undefined ? { cause } : { cause, key: this.place.key }];
  }

  /** @internal Somebody wants to know of borrowings, or nobody does any more. */
  lookOn(): void {
    const { leaks, events, household } = this;
    const { latencies } = household;
    const tells = events.borrowingsWanted;
    const isWatched = leaks !== undefined || latencies !== undefined || tells;
    const witness = isWatched
      ? (this.witness ?? new Witness<T>(this.name, leaks, events, this.place?.key))
      : undefined;
    witness?.look(latencies, tells);
    // Only if it is another: V8 takes what has been written once for a constant.
    if (witness === this.witness) return;
    this.witness = witness;
    this.stock.witness = witness;
  }

  /** Whoever subscribes to a channel of the process does not tell the pools. */
  private lookAgain(): void {
    // Of a pool for a key the pool of all keys looks.
    (this.events as PoolEvents).look();
    this.lookOn();
  }

  /** One row for each live connection. */
  inspect(): ConnInfo[] {
    return this.stock.inspect((connection) => this.leaks?.stackOf(connection));
  }

  /** Changes the sizes at once: growth serves the line, shrinking closes what is idle and the rest as it comes back. */
  resize(size: PoolSize): void {
    const present = { max: this.max, min: this.min, maxIdle: this.options.maxIdle };
    const next = resolveSize(this.name, present, size);
    this.options.maxIdle = next.maxIdle;
    this.max = next.max;
    this.min = next.min;
    this.maxIdle = next.maxIdle ?? next.max;
    this.stock.makeRounds();
    this.stock.endIdle('surplus', () => {
      const { present: left, idle } = this.stock;
      return left > this.max || (idle.size > this.maxIdle && left > this.min);
    });
    this.serve();
  }

  /** Closes the idle connections; the pool stays fully usable. @returns how many, once they are closed */
  closeIdle(): Promise<number> {
    return this.stock.endIdleAndWait('evicted');
  }

  /** Ends the present generation: idle connections are closed now, the others when they come back. */
  evictAll(): void {
    this.stock.endGeneration();
    this.serve();
  }

  /** Nothing is lent or dialled until `resume()`; the deadlines of those in line go on. */
  pause(): void {
    if (this.current === 'open') this.become('paused');
  }

  resume(): void {
    if (this.current === 'paused') this.become('open');
  }

  private become(state: 'open' | 'paused' | 'draining'): void {
    this.current = state;
    if (this.events.wants('state')) this.events.emit({ type: 'state', pool: this.name, state });
    this.serve();
    this.settleWarmUps();
  }

  /** @internal It holds nothing, and nobody waits. */
  get isVacant(): boolean {
    return this.stock.size === 0 && this.line.size === 0;
  }

  /** @internal It holds nothing, nobody waits, and it has no failures to remember. */
  isForgettable(now: number): boolean {
    const { failures, readyAt } = this.stock.backoff;
    return this.isVacant && (failures === 0 || now >= readyAt + this.options.dialBackoff.max);
  }

  private isOpen(): boolean {
    return this.current === 'open';
  }

  private isOver(): boolean {
    return this.current === 'draining' || this.current === 'closed';
  }

  // ---- closing the pool ------------------------------------------------------------------------------------------

  /**
   * Closes the pool. Those in line are told at once; idle connections are closed now, borrowed ones when they come
   * back or, when `drain` is over, by force: the lease ends, its signal aborts, the connection is closed. Idempotent;
   * a later call may shorten the drain. Resolves by `drain` plus `closeTimeout`.
   */
  close(options: CloseOptions = {}): Promise<CloseReport> {
    let drain: number;
    try {
      drain = resolveDrain(this.name, options, this.options.drain);
    } catch (error) {
      return Promise.reject(error);
    }
    const closing = this.closing ?? this.beginClose();
    if (this.current === 'draining') {
      closing.drainBy(this.turn.read() + drain);
      this.holdOn();
    }
    return closing.report;
  }

  /** Closes with the pool's own `drain`. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  private beginClose(): Closing {
    this.current = 'draining';
    const closing = new Closing(this, this.stock, this.totals, this.runtime);
    this.closing = closing;
    this.alarm.cancel(this.retry);
    this.stock.endRounds();
    for (const waiter of this.line.all()) this.line.dismiss(waiter, new PoolClosedError(this.title));
    this.become('draining');
    this.stock.endIdle('pool-closed');
    this.finish();
    return closing;
  }

  /** @internal The drain is over: everything that is not being closed yet is taken and closed. */
  force(): void {
    this.stock.endAllByForce();
    this.finish();
  }

  private finish(): void {
    if (this.current !== 'draining' || this.stock.size > 0) return;
    this.current = 'closed';
    if (this.place === undefined) this.alarm.close();
    else this.retire();
    const closing = this.closing as Closing;
    const report = closing.sum();
    if (this.events.wants('closed')) this.events.emit({ type: 'closed', pool: this.name, report });
    this.events.complete();
    closing.end(report);
  }

  /** @internal Begins to check idle connections in the background. */
  beginRounds(): void {
    this.stock.beginRounds();
  }

  /** @internal It is empty and will not be used again: nothing of it may stay where others go on. */
  retire(): void {
    this.hold(false);
    this.alarm.cancel(this.retry);
    this.line.close();
    this.stock.endRounds();
    this.ceiling?.forget(this);
  }
}

function noop(): void {}

/** A stack taken in a timer shows the pool's own frames only, and costs more than all else about the error. */
function withoutStacks<R>(work: () => R): R {
  if (Object.getOwnPropertyDescriptor(Error, 'stackTraceLimit')?.writable !== true) return work();
  const { stackTraceLimit } = Error;
  Error.stackTraceLimit = 0;
  try {
    return work();
  } finally {
    Error.stackTraceLimit = stackTraceLimit;
  }
}
