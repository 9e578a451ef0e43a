import { AsyncResource } from 'node:async_hooks';
import type { Observable } from 'rxjs';
import { Alarm, type Appointment } from './alarm.js';
import { CallContext } from './call-context.js';
import { TurnClock } from './clock.js';
import { Connection } from './connection.js';
import { CLOSE_REASONS, type CloseReason, type Connector } from './connector.js';
import { type CallKind, ConnectorCall, ConnectorCalls, isThenable } from './connector-calls.js';
import type { Duration } from './duration.js';
import {
  type AcquirePhase,
  AcquireTimeoutError,
  CallTimeoutError,
  DialError,
  InvalidOptionsError,
  InvariantError,
  type OptionProblem,
  PoolClosedError,
  PoolExhaustedError,
} from './errors.js';
import { type PoolEvent, PoolEvents } from './events.js';
import { IdleList } from './idle-list.js';
import { type Lease, type Lender, PooledLease } from './lease.js';
import type { CloseOptions, HeartbeatOptions, ManagedPool } from './managed-pool.js';
import {
  type ConnPoolOptions,
  type ResolvedOptions,
  resolveCallDuration,
  resolveOptions,
  resolveSize,
} from './options.js';
import { Probe } from './probe.js';
import { Roster } from './roster.js';
import type { CloseReport, ConnInfo, HeartbeatReport, PoolState, PoolStats } from './stats.js';
import { Backoff } from './upkeep/backoff.js';
import { LeakWatch, type LeaseSite } from './upkeep/leak.js';
import { lifetimeWithin } from './upkeep/lifetime.js';
import { Rounds } from './upkeep/rounds.js';
import { Waiter, WaitQueue } from './wait-queue.js';

/** How one acquire differs from the others. */
export interface AcquireOptions {
  /** Ends the wait; the acquire rejects with the signal's own reason. */
  signal?: AbortSignal;
  /** One deadline for the whole acquire. 0 or `Infinity` = none. Default: the pool's `acquireTimeout`. */
  timeout?: Duration;
  /** Higher is served first. Default 0. */
  priority?: number;
  /** Dials a new connection even when idle ones exist; at `max` an idle one is closed to make room. Default false. */
  fresh?: boolean;
}

/** The sizes that can be changed while the pool runs. */
export interface PoolSize {
  max?: number;
  min?: number;
  maxIdle?: number;
}

/** Somebody who waits for a number of connections to be ready. */
interface Warming {
  readonly count: number;
  readonly dialsBefore: number;
  attempts: number;
  settle(ready: number, cause?: unknown): void;
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
  /** What happens in the pool, as it happens. Costs nothing while nobody subscribes. */
  readonly events$: Observable<PoolEvent>;

  private current: PoolState = 'open';
  private readonly connector: Connector<T, M>;
  private readonly options: ResolvedOptions<M>;
  private readonly turn: TurnClock;
  private readonly alarm: Alarm;
  private readonly calls: ConnectorCalls;
  private readonly kinds: ReturnType<ConnPool<T, M>['callKinds']>;
  private readonly events = new PoolEvents();
  private readonly backoff: Backoff;
  private readonly rounds: Rounds<T>;
  private readonly leaks: LeakWatch<T> | undefined;
  private readonly lender: Lender<T>;

  private readonly conns = new Roster<T>();
  private readonly idle: IdleList<T>;
  private readonly line = new WaitQueue<T>();
  private readonly warmings = new Set<Warming>();
  private readonly probes = new Set<Probe<T>>();
  private readonly retry: Appointment = { at: 0, place: -1, ring: () => this.serve() };
  /** The earliest deadline in line; one for all, since hardly any is ever reached. */
  private readonly deadline: Appointment = { at: 0, place: -1, ring: (now) => this.expireDue(now) };
  private readonly drainEnd: Appointment = { at: 0, place: -1, ring: () => this.force() };

  private max: number;
  private min: number;
  private maxIdle: number;
  private leased = 0;
  private dialing = 0;
  private checking = 0;
  private closing = 0;
  /** Connections on their way to idle: what the line may count on. Of those, the ones being dialled. */
  private incoming = 0;
  private incomingDials = 0;
  private lastId = 0;
  private dials = 0;
  private generation = 0;
  private keepsMin = false;
  private serving = false;
  private servesAgain = false;
  /** Dialled, but not looked at by the line yet: a fresh acquire may still have them. */
  private newborn: Connection<T>[] = [];
  private starting: Promise<void> | undefined;
  private closed: Promise<CloseReport> | undefined;
  private readonly closeReport = { closed: 0, forced: 0, failed: 0, startedAt: 0 };
  private resolveClosed: (report: CloseReport) => void = () => undefined;
  private readonly totals = {
    acquired: 0,
    reused: 0,
    dialed: 0,
    dialFailures: 0,
    timeouts: 0,
    aborted: 0,
    refused: 0,
    lost: 0,
    heartbeats: 0,
    heartbeatFailures: 0,
    leaks: 0,
    detached: 0,
    closed: Object.fromEntries(CLOSE_REASONS.map((reason) => [reason, 0])) as Record<CloseReason, number>,
  };

  /**
   * One object of each kind that borrowing makes. V8 forgets the shape of objects of which a full garbage collection
   * finds none alive, and with it the code compiled for them: a pool at rest would start cold, at five times the cost.
   */
  protected readonly shapes: readonly unknown[];

  /** @throws InvalidOptionsError with every bad option and every connector method that is missing */
  constructor(connector: Connector<T, M>, options: ConnPoolOptions<M> = {}) {
    this.options = resolveOptions(options, connectorProblems(connector));
    this.name = this.options.name;
    this.connector = connector;
    const { clock, dialBackoff, order, idleTimeout, leakThreshold } = this.options;
    ({ max: this.max, min: this.min } = this.options);
    this.maxIdle = this.options.maxIdle ?? this.max;
    this.events$ = this.events;
    this.turn = new TurnClock(clock, (beganAt, lasted) => this.makeUp(beganAt, lasted));
    const context = new AsyncResource('ConnPool');
    this.alarm = new Alarm(clock, this.turn, context);
    this.calls = new ConnectorCalls(this.name, this.alarm, this.turn, context);
    this.kinds = this.callKinds();
    this.backoff = new Backoff(dialBackoff.initial, dialBackoff.max);
    this.idle = new IdleList(order);
    const heartbeatInterval = connector.heartbeat === undefined ? Infinity : this.options.heartbeatInterval;
    this.rounds = new Rounds(idleTimeout, heartbeatInterval, this.idle, this.alarm, {
      maySpare: () => this.present > this.min,
      end: (connection, reason) => this.end(connection, reason),
      check: (connection) => this.check(connection),
    });
    this.leaks = leakThreshold === Infinity ? undefined : this.watchLeaks(leakThreshold);
    this.lender = {
      name: this.name,
      returned: (connection) => this.returned(connection),
      discarded: (connection, reason) => this.discarded(connection, reason),
      detached: (connection) => this.detached(connection),
    };
    const connection = new Connection<T>(0, 0);
    const call = new ConnectorCall(this.calls, this.kinds.dial, connection);
    this.shapes = [
      connection,
      call,
      new CallContext(call, 1, this.options.meta, this.name),
      new PooledLease(this.lender, connection, false),
      new Waiter<T>(noop, noop, false, 0, NaN),
    ];
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
    if (options !== undefined) return this.acquireWith(options);
    const lease = this.tryAcquire();
    return lease === undefined ? this.wait(this.options.acquireTimeout, 0, false) : Promise.resolve(lease);
  }

  /**
   * Borrows an idle connection that is ready now, or gives `undefined`: when there is none, when others wait, when a
   * check is due, when the pool is paused or closed. Never waits, never overtakes the line.
   */
  tryAcquire(): Lease<T> | undefined {
    if (this.current !== 'open' || this.line.size > 0) return undefined;
    const now = this.turn.now();
    const connection = this.pick(now, false);
    if (connection === undefined) return undefined;
    const site = this.leaks === undefined ? undefined : LeakWatch.site(this.tryAcquire);
    this.idle.remove(connection);
    return this.lend(connection, now, site);
  }

  /**
   * Borrows a connection for one piece of work and gives it back, whatever happens. After an error the connection is
   * closed if the connector's `isFatal` says so; without `isFatal` it always is.
   *
   * Rejects with what `work` throws, and as `acquire` does.
   */
  async use<R>(work: (conn: T, lease: Lease<T>) => R | Promise<R>, options?: AcquireOptions): Promise<R> {
    const lease = (options === undefined ? this.tryAcquire() : undefined) ?? (await this.acquire(options));
    try {
      const outcome = work(lease.conn, lease);
      const result = isThenable(outcome) ? await outcome : outcome;
      lease.release();
      return result;
    } catch (error) {
      if (this.isFatal(error)) lease.discard(error);
      else lease.release();
      throw error;
    }
  }

  private acquireWith(options: AcquireOptions): Promise<Lease<T>> {
    let timeout: number;
    try {
      timeout = this.checkAcquire(options);
    } catch (error) {
      return Promise.reject(error);
    }
    const { signal, priority = 0, fresh = false } = options;
    if (signal?.aborted === true) {
      this.totals.aborted += 1;
      return Promise.reject(signal.reason);
    }
    const lease = fresh ? undefined : this.tryAcquire();
    return lease === undefined ? this.wait(timeout, priority, fresh, signal) : Promise.resolve(lease);
  }

  private checkAcquire({ timeout, priority, signal }: AcquireOptions): number {
    const problems: OptionProblem[] = [];
    if (priority !== undefined && !Number.isFinite(priority)) {
      problems.push({ path: 'priority', given: priority, allowed: 'a finite number' });
    }
    if (signal !== undefined && typeof signal?.addEventListener !== 'function') {
      problems.push({ path: 'signal', given: signal, allowed: 'an AbortSignal' });
    }
    if (problems.length > 0) throw new InvalidOptionsError(this.name, problems);
    if (timeout === undefined) return this.options.acquireTimeout;
    return resolveCallDuration(this.name, 'timeout', timeout, 'none');
  }

  /** Joins the line, unless it is clear already that waiting would be in vain. */
  private wait(timeout: number, priority: number, fresh: boolean, signal?: AbortSignal): Promise<Lease<T>> {
    const refusal = this.refusal();
    if (refusal !== undefined) return Promise.reject(refusal);
    if (this.options.startup === 'lazy') this.keepsMin = this.starting !== undefined;
    return new Promise<Lease<T>>((resolve, reject) => {
      const deadline = this.turn.now() + timeout;
      const waiter = new Waiter<T>(resolve, reject, fresh, this.dials, deadline);
      if (timeout !== this.options.acquireTimeout) waiter.ownTimeout = timeout;
      if (this.leaks !== undefined) waiter.site = LeakWatch.site(this.acquire);
      this.line.push(waiter, priority);
      this.alarm.hold(true);
      if (this.deadline.place === -1 || deadline < this.deadline.at) this.alarm.set(this.deadline, deadline);
      if (signal !== undefined) this.listen(waiter, signal);
      this.serve();
    });
  }

  private refusal(): Error | undefined {
    if (this.current === 'draining' || this.current === 'closed') return new PoolClosedError(this.name);
    const maxWaiting = this.options.exhausted === 'fail' ? 0 : this.options.maxWaiting;
    // Those in line for whom there is a slot, or will be as soon as it is dialled, are not in excess.
    const excess = this.leased + this.closing + this.line.size + 1 - this.max;
    if (excess > maxWaiting && this.options.exhausted !== 'overflow') {
      this.totals.refused += 1;
      if (this.events.observed) {
        const { leased } = this;
        this.events.emit({ type: 'exhausted', pool: this.name, leased, waiting: this.line.size });
      }
      return new PoolExhaustedError(this.name, this.stats(), maxWaiting);
    }
    const { permanent, readyAt, lastError, failures } = this.backoff;
    if (permanent && this.turn.now() < readyAt && !this.hasLiving()) {
      return new DialError(this.name, failures, true, { cause: lastError });
    }
    return undefined;
  }

  private listen(waiter: Waiter<T>, signal: AbortSignal): void {
    const onAbort = (): void => {
      this.totals.aborted += 1;
      this.dismiss(waiter, signal.reason);
      this.serve();
    };
    waiter.stopListening = () => signal.removeEventListener('abort', onAbort);
    signal.addEventListener('abort', onAbort, { once: true });
  }

  private expireDue(now: number): void {
    let next = Infinity;
    for (const waiter of this.line.all()) {
      if (waiter.deadline > now) next = Math.min(next, waiter.deadline);
      else if (waiter.lane !== undefined) this.expire(waiter);
    }
    // A long line is looked through less often, so that looking stays cheap: for 10,000 it costs 2 ms of exactness.
    if (next < Infinity)
      this.alarm.set(this.deadline, Math.max(next, now + Math.floor(this.line.size / 5000)));
    this.serve();
  }

  /** A turn of the event loop lasted long: those who came in it were given a deadline counted from its beginning. */
  private makeUp(beganAt: number, lasted: number): void {
    for (const waiter of this.line.all()) {
      const cameAt = waiter.deadline - (waiter.ownTimeout ?? this.options.acquireTimeout);
      if (Math.abs(cameAt - beganAt) < 0.001) waiter.deadline += lasted;
    }
  }

  private expire(waiter: Waiter<T>): void {
    this.totals.timeouts += 1;
    const { lastError } = this.backoff;
    const cause = lastError === undefined ? undefined : { cause: lastError };
    const timeout = waiter.ownTimeout ?? this.options.acquireTimeout;
    const error = new AcquireTimeoutError(this.name, timeout, this.phase(), this.stats(), cause);
    this.dismiss(waiter, error);
    if (this.events.observed) this.events.emit({ type: 'timeout', pool: this.name, error });
  }

  /** What the head of the line is waiting for. */
  private phase(): AcquirePhase {
    if (this.dialing > 0) return 'dial';
    if (this.checking > 0) return 'check';
    return this.retry.place === -1 ? 'wait' : 'dial';
  }

  private dismiss(waiter: Waiter<T>, error: unknown): void {
    this.leaveLine(waiter);
    waiter.reject(error);
  }

  private leaveLine(waiter: Waiter<T>): void {
    this.line.remove(waiter);
    waiter.stopListening?.();
    if (this.line.size === 0) this.holdOn();
  }

  /** Somebody waits on a timer of the pool: the process must not end meanwhile. */
  private holdOn(): void {
    const awaited = this.line.size + this.warmings.size + this.probes.size > 0;
    this.alarm.hold(awaited || this.current === 'draining');
  }

  // ---- lending ---------------------------------------------------------------------------------------------------

  /**
   * The one function that serves the line; every step that may have freed capacity ends in it. What its own calls to
   * the connector set off (a dial that answers at once, a listener that acquires) makes it go round again.
   */
  private serve(): void {
    if (this.serving) {
      this.servesAgain = true;
      return;
    }
    if (this.current === 'draining') return this.finish();
    this.serving = true;
    do {
      this.servesAgain = false;
      if (this.current === 'open') {
        if (this.line.size > 0 && this.idle.size > 0) this.serveLine();
        this.grow();
      }
    } while (this.servesAgain);
    this.serving = false;
    this.finish();
    if (this.newborn.length > 0) this.settleNewborn();
    if (this.warmings.size > 0) this.settleWarmings();
  }

  private serveLine(): void {
    const now = this.turn.now();
    while (this.current === 'open' && this.line.size > 0) {
      const connection = this.pick(now, this.line.fresh === this.line.size);
      const waiter = connection && this.line.first(connection.used);
      if (connection === undefined || waiter === undefined) return;
      this.leaveLine(waiter);
      this.idle.remove(connection);
      waiter.resolve(this.lend(connection, now, waiter.site));
    }
  }

  /** The next idle connection fit to be lent; what turns out unfit on the way is closed. It stays idle till leased. */
  private pick(now: number, unused: boolean): Connection<T> | undefined {
    let connection = this.idle.first;
    while (connection !== undefined) {
      const { next } = connection;
      if (unused && connection.used) {
        connection = next;
        continue;
      }
      const verdict = now < connection.dueAt ? undefined : this.rounds.verdict(connection, now);
      if (verdict === 'check') {
        connection = next;
        continue;
      }
      if (verdict === undefined) {
        if (this.connector.isAlive === undefined || this.isAlive(connection)) return connection;
      } else this.end(connection, verdict);
      // The connector was called; it may have called the pool.
      connection = this.idle.first;
    }
    return undefined;
  }

  private isAlive(connection: Connection<T>): boolean {
    let cause: unknown;
    try {
      if (this.connector.isAlive?.(connection.resource as T) !== false) return connection.state === 'idle';
    } catch (error) {
      cause = error;
    }
    this.lose(connection, cause);
    return false;
  }

  /** Lends a connection that stands in no other's hands and in no list. */
  private lend(connection: Connection<T>, now: number, site: LeaseSite | undefined): PooledLease<T> {
    this.leased += 1;
    this.totals.acquired += 1;
    if (connection.used) this.totals.reused += 1;
    const lease = new PooledLease(this.lender, connection, connection.used);
    connection.state = 'leased';
    connection.since = now;
    connection.uses += 1;
    connection.used = true;
    connection.lease = lease;
    if (this.leaks !== undefined && site !== undefined) this.leaks.taken(connection, site, now);
    return lease;
  }

  /** A lease gives its connection back as fit. */
  private returned(connection: Connection<T>): void {
    const now = this.turn.now();
    this.leaseOver(connection, now);
    const reason = this.unfitAfterUse(connection, now);
    if (reason !== undefined) this.end(connection, reason, connection.cause);
    else if (this.connector.reset !== undefined) this.reset(connection);
    else if (this.line.size === 0 || !this.handOver(connection, now)) this.shelve(connection, now);
  }

  /** The short way of `shelve` and `serve` where nothing of the connector's lies between the two. */
  private handOver(connection: Connection<T>, now: number): boolean {
    if (this.current !== 'open' || this.connector.isAlive !== undefined) return false;
    const heir = this.line.first(true);
    if (heir === undefined) return false;
    this.leaveLine(heir);
    this.rounds.sound(connection, now);
    this.leased -= 1;
    heir.resolve(this.lend(connection, now, heir.site));
    return true;
  }

  private discarded(connection: Connection<T>, reason: unknown): void {
    this.leaseOver(connection, this.turn.now());
    if (connection.lost) this.end(connection, 'lost', connection.cause);
    else this.end(connection, 'discarded', reason);
  }

  private detached(connection: Connection<T>): void {
    this.leaseOver(connection, this.turn.now());
    this.totals.detached += 1;
    this.drop(connection);
    this.stopWatching(connection);
    this.serve();
  }

  private leaseOver(connection: Connection<T>, now: number): void {
    connection.lease = undefined;
    if (this.leaks !== undefined) this.leaks.ended(connection, now);
  }

  /** What exists and is not about to be gone. */
  private get present(): number {
    return this.conns.size - this.closing;
  }

  /** Why a connection may not become idle, if it may not. */
  private unfit(connection: Connection<T>, now: number): CloseReason | undefined {
    if (connection.lost) return 'lost';
    if (this.current === 'draining') return 'pool-closed';
    if (connection.generation !== this.generation) return 'evicted';
    if (now >= connection.expiresAt) return 'max-lifetime';
    if (connection.uses >= this.options.maxUses) return 'max-uses';
    if (this.present > this.max && (this.options.exhausted !== 'overflow' || this.line.size === 0))
      return 'surplus';
    return undefined;
  }

  /** The same, for one that comes back from a borrower: only then the idle ones may be too many. */
  private unfitAfterUse(connection: Connection<T>, now: number): CloseReason | undefined {
    const reason = this.unfit(connection, now);
    if (reason !== undefined || this.idle.size < this.maxIdle) return reason;
    return this.line.size === 0 && this.present > this.min ? 'surplus' : undefined;
  }

  private reset(connection: Connection<T>): void {
    this.leave(connection);
    connection.state = 'resetting';
    this.checking += 1;
    this.expect(connection);
    this.calls.run(this.kinds.reset, connection);
  }

  private wasReset(connection: Connection<T>): void {
    const now = this.turn.now();
    const reason = this.unfitAfterUse(connection, now);
    if (reason === undefined) this.shelve(connection, now);
    else this.end(connection, reason);
  }

  private resetFailed(connection: Connection<T>, cause: unknown): void {
    this.end(connection, 'reset-failed', cause);
    const { name: pool } = this;
    if (this.events.observed) this.events.emit({ type: 'reset-failed', pool, id: connection.id, cause });
  }

  /** Puts a connection that was used just now with the idle ones, and serves the line. */
  private shelve(connection: Connection<T>, now: number): void {
    this.leave(connection);
    connection.state = 'idle';
    connection.since = now;
    this.rounds.sound(connection, now);
    this.idle.push(connection);
    this.rounds.shelved(connection);
    if (this.line.size > 0 || this.warmings.size > 0) this.serve();
  }

  // ---- growing ---------------------------------------------------------------------------------------------------

  /** Begins the checks and dials that somebody needs, and no more. */
  private grow(): void {
    const full = this.conns.size >= this.max && this.options.exhausted !== 'overflow';
    if (full && this.idle.size === 0) return;
    // What a call that answers at once has brought must reach the line before more is begun.
    while (!this.servesAgain && this.line.size - this.line.fresh > this.incoming) {
      const due = this.firstDue();
      if (due === undefined) break;
      this.check(due);
    }
    while (!this.servesAgain && this.wanted() > 0 && this.mayDial()) this.dial();
  }

  private firstDue(): Connection<T> | undefined {
    const now = this.turn.now();
    for (let each = this.idle.first; each !== undefined; each = each.next) {
      if (now >= each.dueAt && this.rounds.verdict(each, now) === 'check') return each;
    }
    return undefined;
  }

  /** How many dials are missing: for the line, for its fresh ones, for `min` and for those who warm up. */
  private wanted(): number {
    const forLine = Math.max(this.line.size - this.incoming, this.line.fresh - this.incomingDials);
    if (forLine > 0) return forLine;
    let target = this.keepsMin ? this.min : 0;
    if (this.warmings.size > 0) for (const { count } of this.warmings) if (count > target) target = count;
    return target === 0 ? 0 : target - this.idle.size - this.leased - this.incoming;
  }

  private mayDial(): boolean {
    if (this.dialing >= this.options.dialConcurrency || !this.hasRoom()) return false;
    if (this.turn.now() >= this.backoff.readyAt) return true;
    if (this.retry.place === -1) this.alarm.set(this.retry, this.backoff.readyAt);
    return false;
  }

  private hasRoom(): boolean {
    if (this.conns.size < this.max) return true;
    if (this.options.exhausted === 'overflow' && this.line.size > this.incoming) return true;
    const { oldest } = this.idle;
    if (oldest === undefined || this.line.fresh - this.incomingDials <= this.closing) return false;
    this.end(oldest, 'surplus');
    return this.conns.size < this.max;
  }

  /** @param begun - told of the connection before the connector is called */
  private dial(begun?: (connection: Connection<T>) => void): void {
    const connection = new Connection<T>((this.lastId += 1), this.generation);
    this.conns.add(connection);
    begun?.(connection);
    this.dialing += 1;
    this.dials += 1;
    this.expect(connection);
    connection.attempt = this.attempt();
    connection.dialedAt = this.turn.now();
    this.calls.run(this.kinds.dial, connection);
  }

  /** Which attempt the next dial is for whoever is first in need of it. */
  private attempt(): number {
    const waiter = this.line.first(false);
    if (waiter !== undefined) return waiter.attempts + 1;
    for (const warming of this.warmings) return warming.attempts + 1;
    return this.backoff.failures + 1;
  }

  private dialled(connection: Connection<T>, resource: T): void {
    connection.resource = resource;
    try {
      connection.unwatch =
        this.connector.watch?.(resource, (cause) => this.lose(connection, cause)) ?? undefined;
    } catch (cause) {
      if (connection.state === 'dialing') this.stillborn(connection, 'discarded', cause);
    }
    if (connection.state !== 'dialing') return this.stopWatching(connection);
    if (this.connector.heartbeat === undefined) return this.ready(connection);
    this.totals.heartbeats += 1;
    this.calls.run(this.kinds.firstHeartbeat, connection);
  }

  private ready(connection: Connection<T>): void {
    const now = this.turn.now();
    const { id, attempt } = connection;
    const durationMs = now - connection.dialedAt;
    connection.dialedAt = now;
    connection.expiresAt = now + lifetimeWithin(this.options.maxLifetime, this.options.lifetimeJitter);
    this.totals.dialed += 1;
    const outage = this.backoff.succeed(now);
    this.tellProbes(connection, true);
    const reason = this.unfit(connection, now);
    if (reason !== undefined) this.end(connection, reason);
    else {
      this.newborn.push(connection);
      this.shelve(connection, now);
    }
    if (this.events.observed) {
      const { name: pool } = this;
      this.events.emit({ type: 'dialed', pool, id, attempt, durationMs });
      if (outage !== undefined) this.events.emit({ type: 'recovered', pool, ...outage });
    }
    this.serve();
  }

  /** It was dialled, but did not live to be lent: a failed attempt that has left something to close. */
  private stillborn(connection: Connection<T>, reason: CloseReason, cause: unknown): void {
    const permanent = this.countFailure(connection, cause);
    if (connection.state === 'dialing') this.end(connection, reason, cause);
    this.tellOfFailure(connection, permanent, cause);
  }

  private dialFailed(connection: Connection<T>, cause: unknown): void {
    const permanent = this.countFailure(connection, cause);
    if (connection.state === 'dialing') this.drop(connection);
    this.tellProbes(connection, false, cause);
    this.tellOfFailure(connection, permanent, cause);
  }

  /** @returns whether the error is one that retrying cannot mend */
  private countFailure({ dialedAt }: Connection<T>, cause: unknown): boolean {
    let permanent = false;
    try {
      permanent = this.connector.isPermanent?.(cause) === true;
    } catch {
      // A predicate that throws has not said yes.
    }
    this.totals.dialFailures += 1;
    this.backoff.fail(dialedAt, this.turn.now(), cause, permanent);
    return permanent;
  }

  private tellOfFailure({ attempt, dialedAt }: Connection<T>, permanent: boolean, cause: unknown): void {
    // While another dial may still serve nobody is turned away, except where every dial must fail the same way.
    if (permanent || this.incomingDials === 0) this.turnAway(permanent, cause);
    if (this.events.observed) {
      const now = this.turn.now();
      const { failures, readyAt } = this.backoff;
      this.events.emit({
        type: 'dial-failed',
        pool: this.name,
        attempt,
        durationMs: now - dialedAt,
        cause,
        permanent,
        failures,
        retryInMs: Math.max(0, readyAt - now),
      });
    }
    this.serve();
  }

  /** Ends the wait of those who have had all their attempts and whom no living connection can serve. */
  private turnAway(permanent: boolean, cause: unknown): void {
    const { dialAttempts } = this.options;
    const living = this.hasLiving();
    const spent = (one: { attempts: number; readonly dialsBefore: number }): boolean => {
      if (one.dialsBefore < this.dials) one.attempts += 1;
      return permanent || one.attempts >= dialAttempts;
    };
    for (const waiter of this.line.all()) {
      if (living && !waiter.fresh) continue;
      if (spent(waiter))
        this.dismiss(waiter, new DialError(this.name, waiter.attempts, permanent, { cause }));
    }
    for (const warming of [...this.warmings]) {
      if (spent(warming)) warming.settle(this.readyCount(), cause);
    }
  }

  /** Whether a connection exists that may yet be lent to somebody in line. */
  private hasLiving(): boolean {
    for (const { state, lost, generation } of this.conns) {
      if (state === 'idle') return true;
      if (lost || generation !== this.generation) continue;
      if (state === 'leased' || state === 'checking' || state === 'resetting') return true;
    }
    return false;
  }

  private settleNewborn(): void {
    for (const connection of this.newborn) connection.used = true;
    this.newborn = [];
  }

  // ---- checking --------------------------------------------------------------------------------------------------

  /** Puts an idle connection under a heartbeat; it is not lent meanwhile. */
  private check(connection: Connection<T>): void {
    this.leave(connection);
    connection.state = 'checking';
    this.checking += 1;
    this.expect(connection);
    this.totals.heartbeats += 1;
    this.calls.run(this.kinds.heartbeat, connection);
  }

  private checked(connection: Connection<T>): void {
    const now = this.turn.now();
    this.rounds.sound(connection, now);
    this.tellProbes(connection, true);
    const reason = this.unfit(connection, now);
    if (reason !== undefined) return this.end(connection, reason);
    this.leave(connection);
    connection.state = 'idle';
    this.idle.restore(connection);
    this.rounds.shelved(connection);
    this.serve();
  }

  /** What killed one has often killed the others: they are asked at once, side by side, not one after the other. */
  private checkFailed(connection: Connection<T>, cause: unknown): void {
    this.totals.heartbeatFailures += 1;
    this.end(connection, 'heartbeat-failed', cause);
    if (this.current === 'open' || this.current === 'paused') {
      for (const other of this.idle.byAge()) if (other.state === 'idle') this.check(other);
    }
    const { name: pool } = this;
    if (this.events.observed) this.events.emit({ type: 'heartbeat-failed', pool, id: connection.id, cause });
  }

  /** The connection is dead: `watch` or `isAlive` says so, at any time and as often as it likes. */
  private lose(connection: Connection<T>, cause: unknown): void {
    const { state } = connection;
    if (state === 'closing' || state === 'gone' || connection.lost) return;
    connection.lost = true;
    connection.cause = cause;
    this.totals.lost += 1;
    const leased = state === 'leased';
    const now = this.turn.now();
    this.rounds.suspect(now);
    if (state === 'dialing') this.stillborn(connection, 'lost', cause);
    else if (leased) {
      connection.lease?.abort(
        cause ?? new Error(`Connection ${connection.id} of pool "${this.name}" was lost.`),
      );
    } else {
      if (connection.uses === 0) this.backoff.setBack(connection.dialedAt, now, cause);
      this.end(connection, 'lost', cause);
    }
    const { name: pool } = this;
    if (this.events.observed) this.events.emit({ type: 'lost', pool, id: connection.id, cause, leased });
  }

  // ---- leaving ---------------------------------------------------------------------------------------------------

  /** Closes a connection in whatever state it is; its slot is free once the close has ended or timed out. */
  private end(connection: Connection<T>, reason: CloseReason, cause?: unknown): void {
    connection.call?.abandon(cause ?? reason);
    this.leave(connection);
    connection.state = 'closing';
    connection.reason = reason;
    connection.cause = cause;
    this.closing += 1;
    this.stopWatching(connection);
    this.tellProbes(connection, false, cause);
    this.calls.run(this.kinds.close, connection);
  }

  private ended(connection: Connection<T>): void {
    this.drop(connection);
    this.closeReport.closed += 1;
    connection.onGone?.();
    this.tellOfClose(connection);
    this.serve();
  }

  private tellOfClose({ id, reason, cause }: Connection<T>): void {
    this.totals.closed[reason] += 1;
    if (this.events.observed) this.events.emit({ type: 'close', pool: this.name, id, reason, cause });
  }

  /** A dial has yielded something after its slot was given up: nobody counts it, but it must not stay open. */
  private dialledLate(connection: Connection<T>, resource: T): void {
    connection.resource = resource;
    connection.reason = this.isOver() ? 'pool-closed' : 'surplus';
    this.calls.run(this.current === 'closed' ? this.kinds.lastClose : this.kinds.lateClose, connection);
  }

  private closeFailed({ id, reason }: Connection<T>, cause: unknown): void {
    if (this.events.observed) this.events.emit({ type: 'close-failed', pool: this.name, id, reason, cause });
  }

  /** Takes a connection out of the pool's count. */
  private drop(connection: Connection<T>): void {
    this.leave(connection);
    connection.state = 'gone';
    this.conns.delete(connection);
  }

  /** Takes a connection out of the state it is in; the caller gives it the next one in the same step. */
  private leave(connection: Connection<T>): void {
    if (connection.incoming) this.expectNoMore(connection);
    switch (connection.state) {
      case 'leased':
        this.leased -= 1;
        return;
      case 'idle':
        return this.idle.remove(connection);
      case 'checking':
      case 'resetting':
        this.checking -= 1;
        return;
      case 'dialing':
        this.dialing -= 1;
        return;
      case 'closing':
        this.closing -= 1;
        return;
      case 'gone':
        throw new InvariantError(`Connection ${connection.id} of pool "${this.name}" left twice.`, this.name);
    }
  }

  private stopWatching(connection: Connection<T>): void {
    const { unwatch } = connection;
    connection.unwatch = undefined;
    try {
      unwatch?.();
    } catch (cause) {
      this.closeFailed(connection, cause);
    }
  }

  /** The line may count on this one. */
  private expect(connection: Connection<T>): void {
    connection.incoming = true;
    this.incoming += 1;
    if (connection.state === 'dialing') this.incomingDials += 1;
  }

  private expectNoMore(connection: Connection<T>): void {
    connection.incoming = false;
    this.incoming -= 1;
    if (connection.state === 'dialing') this.incomingDials -= 1;
  }

  private tellProbes(connection: Connection<T>, healthy: boolean, cause?: unknown): void {
    if (this.probes.size === 0) return;
    const now = this.turn.now();
    for (const probe of [...this.probes]) probe.answer(connection, now, healthy, cause);
  }

  private isFatal(error: unknown): boolean {
    try {
      return this.connector.isFatal?.(error) ?? true;
    } catch {
      return true;
    }
  }

  /** What may be called on the connector, and where each answer goes. */
  private callKinds() {
    const { connector, name: pool } = this;
    const { meta, dialTimeout, heartbeatTimeout, resetTimeout, closeTimeout } = this.options;
    const dial: CallKind<T, T> = {
      name: 'dial',
      timeout: dialTimeout,
      make: (connection, call) => connector.dial(new CallContext(call, connection.attempt, meta, pool)),
      done: (connection, resource) => this.dialled(connection, resource),
      failed: (connection, cause) => this.dialFailed(connection, cause),
      late: (connection, resource) => this.dialledLate(connection, resource),
    };
    const heartbeat: CallKind<T, unknown> = {
      name: 'heartbeat',
      timeout: heartbeatTimeout,
      make: ({ resource, attempt }, call) =>
        connector.heartbeat?.(resource as T, new CallContext(call, attempt, meta, pool)),
      done: (connection) => this.checked(connection),
      failed: (connection, cause) => this.checkFailed(connection, cause),
    };
    const firstHeartbeat: CallKind<T, unknown> = {
      ...heartbeat,
      done: (connection) => this.ready(connection),
      failed: (connection, cause) => {
        this.totals.heartbeatFailures += 1;
        this.stillborn(connection, 'heartbeat-failed', cause);
      },
    };
    const reset: CallKind<T, void> = {
      name: 'reset',
      timeout: resetTimeout,
      make: ({ resource, attempt }, call) =>
        connector.reset?.(resource as T, new CallContext(call, attempt, meta, pool)),
      done: (connection) => this.wasReset(connection),
      failed: (connection, cause) => this.resetFailed(connection, cause),
    };
    const close: CallKind<T, void> = {
      name: 'close',
      timeout: closeTimeout,
      make: ({ resource, reason }) => connector.close(resource as T, { reason, meta, pool }),
      done: (connection) => this.ended(connection),
      failed: (connection, cause) => {
        this.closeReport.failed += 1;
        this.ended(connection);
        this.closeFailed(connection, cause);
      },
    };
    const lateClose: CallKind<T, void> = {
      ...close,
      done: (connection) => this.tellOfClose(connection),
      failed: (connection, cause) => {
        this.tellOfClose(connection);
        this.closeFailed(connection, cause);
      },
    };
    // Of a pool that is closed: no timer of it may be left running.
    const lastClose: CallKind<T, void> = { ...lateClose, timeout: Infinity };
    return { dial, firstHeartbeat, heartbeat, reset, close, lateClose, lastClose };
  }

  private watchLeaks(threshold: number): LeakWatch<T> {
    return new LeakWatch<T>(
      threshold,
      this.alarm,
      ({ id }, heldMs, stack) => {
        this.totals.leaks += 1;
        if (this.events.observed) this.events.emit({ type: 'leak', pool: this.name, id, heldMs, stack });
      },
      ({ id }, heldMs) => {
        if (this.events.observed) this.events.emit({ type: 'leak-returned', pool: this.name, id, heldMs });
      },
    );
  }

  // ---- running the pool ------------------------------------------------------------------------------------------

  /**
   * Begins the upkeep: `min` is filled and kept, idle connections are checked in the background. Idempotent.
   *
   * With `startup: 'wait'` it resolves when `min` are ready and rejects with `DialError` when they could not be made;
   * it may then be called again. Rejects with `PoolClosedError` on a closed pool.
   */
  start(): Promise<void> {
    this.starting ??= this.begin().catch((error: unknown) => {
      this.starting = undefined;
      throw error;
    });
    return this.starting;
  }

  private async begin(): Promise<void> {
    if (this.isOver()) throw new PoolClosedError(this.name);
    this.rounds.checksIdle = true;
    this.rounds.ring(this.turn.read());
    if (this.options.startup !== 'lazy') this.keepsMin = true;
    if (this.options.startup === 'wait') {
      const { ready, cause } = await this.warm(this.min);
      if (this.isOver()) throw new PoolClosedError(this.name);
      if (ready < this.min) {
        const permanent = this.backoff.permanent;
        throw new DialError(this.name, this.options.dialAttempts, permanent, {
          cause:
            cause ??
            new Error(`only ${ready} of ${this.min} connections are ready; the pool is ${this.current}`),
        });
      }
    } else this.serve();
    if (this.events.observed)
      this.events.emit({ type: 'started', pool: this.name, ready: this.readyCount() });
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

  private warm(count: number): Promise<{ ready: number; cause?: unknown }> {
    return new Promise((resolve) => {
      const warming: Warming = {
        count,
        dialsBefore: this.dials,
        attempts: 0,
        settle: (ready, cause) => {
          this.warmings.delete(warming);
          this.holdOn();
          resolve({ ready, cause });
        },
      };
      this.warmings.add(warming);
      this.holdOn();
      this.serve();
      this.settleWarmings();
    });
  }

  private settleWarmings(): void {
    const ready = this.readyCount();
    for (const warming of [...this.warmings]) {
      if (ready >= warming.count || this.current !== 'open') warming.settle(ready);
    }
  }

  private readyCount(): number {
    return this.idle.size + this.leased + this.checking;
  }

  /**
   * Checks the idle connections now; with `dialIfNone`, makes one when there is none.
   *
   * @returns what they answered by the deadline (default: `heartbeatTimeout`); a slower check goes on without it
   * @throws PoolClosedError, InvalidOptionsError, or the signal's own reason
   */
  async heartbeat(options: HeartbeatOptions = {}): Promise<HeartbeatReport> {
    const { signal, timeout = this.options.heartbeatTimeout, dialIfNone = false } = options;
    const limit = resolveCallDuration(this.name, 'timeout', timeout, 'none');
    signal?.throwIfAborted();
    if (this.isOver()) throw new PoolClosedError(this.name);
    const now = this.turn.read();
    const silence = new CallTimeoutError(this.name, 'heartbeat', limit);
    const probe = new Probe<T>(now, this.alarm, silence, () => {
      this.probes.delete(probe);
      this.holdOn();
    });
    this.probes.add(probe);
    this.askAll(probe, dialIfNone);
    if (limit !== Infinity) this.alarm.set(probe, now + limit);
    this.holdOn();
    probe.seal();
    return signal === undefined ? probe.report : raceSignal(probe.report, signal);
  }

  private askAll(probe: Probe<T>, dialIfNone: boolean): void {
    let asked = false;
    for (const connection of this.conns) {
      if (connection.state !== 'idle' && connection.state !== 'checking') continue;
      asked = true;
      if (this.connector.heartbeat === undefined) {
        const healthy = this.connector.isAlive === undefined || this.isAlive(connection);
        probe.known(healthy, connection.cause);
        continue;
      }
      probe.ask(connection);
      if (connection.state === 'idle') this.check(connection);
    }
    if (asked || !dialIfNone) return;
    for (const connection of this.conns) if (connection.state === 'dialing') probe.ask(connection);
    if (this.dialing > 0 || this.current !== 'open' || this.conns.size >= this.max) return;
    if (this.turn.now() < this.backoff.readyAt) probe.known(false, this.backoff.lastError);
    else this.dial((connection) => probe.ask(connection));
  }

  /** The counts of this instant. */
  stats(): PoolStats {
    const { name, current: state, max, min, maxIdle, leased, dialing, checking, closing, totals } = this;
    return Object.freeze({
      name,
      state,
      max,
      min,
      maxIdle,
      size: this.conns.size,
      idle: this.idle.size,
      leased,
      dialing,
      checking,
      closing,
      waiting: this.line.size,
      totals: Object.freeze({ ...totals, closed: Object.freeze({ ...totals.closed }) }),
    });
  }

  /** One row for each live connection. */
  inspect(): ConnInfo[] {
    const now = this.turn.read();
    return Array.from(this.conns, (connection) => {
      const { id, state, dialedAt, since, uses, lease, resource } = connection;
      if (state === 'gone')
        throw new InvariantError(`Connection ${id} of pool "${this.name}" is gone.`, this.name);
      return {
        id,
        state,
        age: resource === undefined ? 0 : now - dialedAt,
        idle: state === 'idle' || state === 'checking' ? now - since : 0,
        uses,
        ...(lease === undefined
          ? {}
          : { lease: { held: now - since, stack: this.leaks?.stackOf(connection) } }),
      };
    });
  }

  /** Changes the sizes at once: growth serves the line, shrinking closes what is idle and the rest as it comes back. */
  resize(size: PoolSize): void {
    const present = { max: this.max, min: this.min, maxIdle: this.options.maxIdle };
    const next = resolveSize(this.name, present, size);
    this.options.maxIdle = next.maxIdle;
    ({ max: this.max, min: this.min } = next);
    this.maxIdle = next.maxIdle ?? next.max;
    for (const connection of this.idle.byAge()) {
      const { present } = this;
      const tooMany = present > this.max || (this.idle.size > this.maxIdle && present > this.min);
      if (tooMany && connection.state === 'idle') this.end(connection, 'surplus');
    }
    this.serve();
  }

  /** Closes the idle connections; the pool stays fully usable. @returns how many, once they are closed */
  async closeIdle(): Promise<number> {
    const idle = this.idle.byAge();
    const gone = idle.map((connection) => new Promise<void>((resolve) => (connection.onGone = resolve)));
    for (const connection of idle) if (connection.state === 'idle') this.end(connection, 'evicted');
    await Promise.all(gone);
    return idle.length;
  }

  /** Ends the present generation: idle connections are closed now, the others when they come back. */
  evictAll(): void {
    this.generation += 1;
    for (const connection of this.conns) if (connection.incoming) this.expectNoMore(connection);
    for (const connection of this.idle.byAge()) {
      if (connection.state === 'idle') this.end(connection, 'evicted');
    }
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
    if (this.events.observed) this.events.emit({ type: 'state', pool: this.name, state });
    this.serve();
    this.settleWarmings();
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
      drain = resolveCallDuration(this.name, 'drain', options.drain ?? this.options.drain, 'at once');
    } catch (error) {
      return Promise.reject(error);
    }
    this.closed ??= new Promise<CloseReport>((resolve) => {
      this.resolveClosed = resolve;
      this.beginClose();
    });
    if (this.current === 'draining') this.drainBy(this.turn.read() + drain);
    return this.closed;
  }

  /** Closes with the pool's own `drain`. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  private beginClose(): void {
    this.current = 'draining';
    Object.assign(this.closeReport, { closed: 0, forced: 0, failed: 0, startedAt: this.turn.read() });
    this.alarm.cancel(this.retry);
    this.alarm.cancel(this.rounds);
    for (const waiter of this.line.all()) this.dismiss(waiter, new PoolClosedError(this.name));
    this.become('draining');
    for (const connection of this.idle.byAge()) {
      if (connection.state === 'idle') this.end(connection, 'pool-closed');
    }
    this.finish();
  }

  private drainBy(at: number): void {
    if (this.drainEnd.place !== -1 && this.drainEnd.at <= at) return;
    if (at <= this.turn.now()) this.force();
    else this.alarm.set(this.drainEnd, at);
    this.holdOn();
  }

  /** The drain is over: everything that is not being closed yet is taken and closed. */
  private force(): void {
    this.alarm.cancel(this.drainEnd);
    for (const connection of this.conns) {
      if (connection.state === 'closing' || connection.state === 'gone') continue;
      if (connection.state === 'dialing' && connection.resource === undefined) {
        connection.call?.abandon(new PoolClosedError(this.name));
        this.drop(connection);
        continue;
      }
      this.closeReport.forced += 1;
      const { lease } = connection;
      if (lease !== undefined) {
        this.leaseOver(connection, this.turn.now());
        lease.revoke(new PoolClosedError(this.name));
      }
      this.end(connection, 'forced');
    }
    this.finish();
  }

  private finish(): void {
    if (this.current !== 'draining' || this.conns.size > 0) return;
    this.current = 'closed';
    this.alarm.clear();
    const { closed, forced, failed, startedAt } = this.closeReport;
    const report = Object.freeze({ closed, forced, failed, durationMs: this.turn.read() - startedAt });
    if (this.events.observed) this.events.emit({ type: 'closed', pool: this.name, report });
    this.events.complete();
    this.resolveClosed(report);
  }
}

function noop(): void {}

function connectorProblems(connector: unknown): OptionProblem[] {
  const given = (typeof connector === 'object' && connector !== null ? connector : {}) as Record<
    string,
    unknown
  >;
  const problems: OptionProblem[] = [];
  for (const method of ['dial', 'close']) {
    if (typeof given[method] !== 'function') {
      problems.push({ path: `connector.${method}`, given: given[method], allowed: 'a function' });
    }
  }
  for (const method of ['heartbeat', 'reset', 'isAlive', 'watch', 'isFatal', 'isPermanent']) {
    if (given[method] !== undefined && typeof given[method] !== 'function') {
      problems.push({ path: `connector.${method}`, given: given[method], allowed: 'a function, or nothing' });
    }
  }
  return problems;
}

function raceSignal<R>(work: Promise<R>, signal: AbortSignal): Promise<R> {
  return new Promise<R>((resolve, reject) => {
    const onAbort = (): void => reject(signal.reason);
    signal.addEventListener('abort', onAbort, { once: true });
    void work.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort));
  });
}
