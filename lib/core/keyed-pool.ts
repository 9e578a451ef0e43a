import type { Observable } from 'rxjs';
import type { AcquireOptions } from './acquire-options.js';
import type { Appointment } from './alarm.js';
import { Ceiling } from './ceiling.js';
import { closedSoFar } from './closing.js';
import { readConnector } from './connector.js';
import { type OptionProblem, PoolClosedError } from './errors.js';
import type { BorrowingEvent, PoolEvent } from './events.js';
import { Household } from './household.js';
import {
  type KeyedConnector,
  type KeyedConnPoolOptions,
  type ResolvedKeyedOptions,
  resolveKeyedOptions,
} from './keyed-options.js';
import { Latencies } from './latency.js';
import type { Lease } from './lease.js';
import type { CloseOptions, HeartbeatOptions, ManagedPool } from './managed-pool.js';
import { resolveHeartbeat } from './heartbeat-options.js';
import { resolveDrain } from './close-options.js';
import { ConnPool, type KeyPlace } from './pool.js';
import { type DialTrouble, PoolEvents, type RareEvent, type WaitWatcher } from './pool-events.js';
import type { PoolChannels } from './pool-channels.js';
import { Runtime } from './runtime.js';
import { isStatsOptions, wantsLatency } from './stats-options.js';
import type { CloseReport, ConnInfo, HeartbeatReport, PoolState, PoolStats, StatsOptions } from './stats.js';

/** The counts of one key. */
export interface KeyStats<K> extends Omit<PoolStats, 'totals' | 'min'> {
  readonly key: K;
}

/** One live connection, and the key it is for. */
export interface KeyedConnInfo<K> extends ConnInfo {
  readonly key: K;
}

/**
 * One pool per key (an address, a tenant) under one ceiling.
 *
 * When `max` is reached, an idle connection of another key is closed, the least recently used one first, before anybody
 * waits or is refused. A free slot goes to whoever has waited for longest, of whatever key: no key starves another. The
 * back-off after failed dials, `dialConcurrency`, `maxPerKey` and `maxIdlePerKey` are each key's own. A key that has no
 * connections costs nothing.
 *
 * @typeParam K - the key
 * @typeParam T - the connection
 * @typeParam M - what the `meta` option holds
 *
 * @example
 * const pool = new KeyedConnPool(
 *   { dial: (tenant: string) => connectTo(tenant), close: (conn) => conn.end() },
 *   { name: 'tenants', max: 100, maxPerKey: 5 },
 * );
 * const rows = await pool.use('acme', (conn) => conn.query('select 1'));
 */
export class KeyedConnPool<K, T, M = undefined> implements ManagedPool, AsyncDisposable {
  readonly name: string;
  /** What happens in the pools of all keys; an event that concerns one key names it. */
  readonly events$: Observable<PoolEvent>;

  private current: PoolState = 'open';
  /** Somebody wanted to know of borrowings when it was last asked. */
  private looks = false;
  private readonly options: ResolvedKeyedOptions<K, M>;
  private readonly events: PoolEvents;
  private readonly runtime: Runtime;
  private readonly ceiling: Ceiling<T>;
  private readonly household: Household<T, M>;
  /** By what `keyOf` makes of the key. */
  private readonly pools = new Map<unknown, KeyPool<K, T, M>>();
  private readonly forgetting: Appointment = { at: NaN, place: -1, ring: (now) => this.forget(now) };
  private closed: Promise<CloseReport> | undefined;

  /** @throws InvalidOptionsError with every bad option and every connector method that is missing */
  constructor(connector: KeyedConnector<K, T, M>, options?: KeyedConnPoolOptions<K, M>);
  /** @internal With what else is wrong, to be told in the same breath. */
  constructor(
    connector: KeyedConnector<K, T, M>,
    options: KeyedConnPoolOptions<K, M>,
    others: readonly OptionProblem[],
  );
  constructor(
    connector: KeyedConnector<K, T, M>,
    options: KeyedConnPoolOptions<K, M> = {},
    others: readonly OptionProblem[] = [],
  ) {
    const reading = readConnector(connector);
    this.options = resolveKeyedOptions(options, [...others, ...reading.problems]);
    const { max, maxIdle, each } = this.options;
    this.name = each.name;
    this.events = new PoolEvents(each.name, this);
    this.events$ = this.events;
    this.runtime = new Runtime(
      each.clock,
      (beganAt, now) => {
        for (const { pool } of this.pools.values()) pool.makeUp(beganAt, now);
      },
      () => this.lookAgain(),
    );
    this.ceiling = new Ceiling(max, maxIdle);
    const { dial } = reading.connector;
    this.household = new Household<T, M>(
      reading.connector,
      each,
      this.runtime,
      this.ceiling,
      (title, context) => dial((title as KeyPool<K, T, M>).key, context),
    );
  }

  /** `'open'` lends; `'draining'` waits for leases to come back; `'closed'` is the end. */
  get state(): PoolState {
    return this.current;
  }

  /** Borrows a connection for a key: see `ConnPool.acquire`, whose errors name the key, too. */
  acquire(key: K, options?: AcquireOptions): Promise<Lease<T>> {
    try {
      const entry = this.enter(key);
      try {
        return entry.pool.acquire(options);
      } finally {
        this.leave(entry);
      }
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /** Borrows an idle connection of this key that is ready now, or gives `undefined`. Never waits. */
  tryAcquire(key: K): Lease<T> | undefined {
    return this.find(key)?.pool.tryAcquire();
  }

  /** Borrows a connection for one piece of work and gives it back, whatever happens: see `ConnPool.use`. */
  async use<R>(
    key: K,
    work: (conn: T, lease: Lease<T>) => R | Promise<R>,
    options?: AcquireOptions,
  ): Promise<R> {
    const entry = this.enter(key);
    let outcome: Promise<R>;
    try {
      outcome = entry.pool.use(work, options);
    } finally {
      this.leave(entry);
    }
    return outcome;
  }

  /**
   * Takes in a connection made elsewhere, as an idle one.
   *
   * @internal
   * @throws PoolClosedError, PoolExhaustedError at `max` or `maxPerKey`
   */
  adopt(key: K, conn: T): void {
    if (this.isOver()) throw new PoolClosedError(this.name);
    const entry = this.enter(key);
    try {
      entry.pool.adopt(conn);
    } finally {
      this.leave(entry);
    }
  }

  /** Begins the upkeep: idle connections are checked in the background. Idempotent; dials nothing. */
  async start(): Promise<void> {
    if (this.isOver()) throw new PoolClosedError(this.name);
    if (this.household.started) return;
    this.household.started = true;
    for (const { pool } of this.pools.values()) pool.beginRounds();
    if (!this.events.wants('started')) return;
    const { idle, leased, checking } = this.ceiling;
    this.events.emit({ type: 'started', pool: this.name, ready: idle + leased + checking });
  }

  /** The keys that have connections, or waiters, or failures to remember. */
  keys(): K[] {
    return Array.from(this.pools.values(), ({ key }) => key);
  }

  /**
   * The counts of this instant: of all keys together, or of one, which is all zeros for a key that is not there. With
   * `{ latency: true }` also how long acquires wait, leases last and dials take, from the first time somebody asks.
   */
  stats(): PoolStats;
  stats(options: StatsOptions): PoolStats;
  stats(key: K): KeyStats<K>;
  stats(...[asked]: [] | [K | StatsOptions]): PoolStats | KeyStats<K> {
    const options = isStatsOptions(asked) ? asked : undefined;
    if (arguments.length > 0 && options === undefined) return this.statsOf(asked as K);
    const { name, current: state } = this;
    const { totals } = this.household;
    const { max, maxIdle, size, idle, leased, dialing, checking, closing } = this.ceiling;
    return Object.freeze({
      name,
      state,
      max,
      min: 0,
      maxIdle,
      size,
      idle,
      leased,
      dialing,
      checking,
      closing,
      waiting: this.runtime.arrivals.waiting,
      totals: Object.freeze({ ...totals, closed: Object.freeze({ ...totals.closed }) }),
      ...(wantsLatency(name, options) && { latency: this.latencies().read(this.runtime.turn.read()) }),
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
    return [...this.pools.values()].flatMap(({ pool }) => pool.dialTroubles());
  }

  /** @internal Somebody wants to know of borrowings, or nobody does any more. */
  lookOn(): void {
    this.looks = this.events.borrowingsWanted;
    for (const { pool } of this.pools.values()) pool.lookOn();
  }

  /** Whoever subscribes to a channel of the process does not tell the pools. */
  private lookAgain(): void {
    this.events.look();
    if (this.looks !== this.events.borrowingsWanted) this.lookOn();
  }

  /** One row for each live connection. */
  inspect(): KeyedConnInfo<K>[] {
    return [...this.pools.values()].flatMap(({ key, pool }) =>
      pool.inspect().map((info) => ({ key, ...info })),
    );
  }

  /**
   * Checks the idle connections of all keys now.
   *
   * @returns what they answered by the deadline (default: `heartbeatTimeout`). `dialIfNone` makes none: for which key?
   * @throws PoolClosedError, InvalidOptionsError, or the signal's own reason
   */
  async heartbeat(options: HeartbeatOptions = {}): Promise<HeartbeatReport> {
    const { signal, limit } = resolveHeartbeat(this.name, options, this.options.each.heartbeatTimeout);
    if (signal?.aborted === true) throw signal.reason as unknown;
    if (this.isOver()) throw new PoolClosedError(this.name);
    const pools = Array.from(this.pools.values(), ({ pool }) => pool);
    return sum(await Promise.all(pools.map((pool) => pool.heartbeat({ timeout: limit, signal }))));
  }

  /** Closes the idle connections, of one key or of all; the pool stays fully usable. @returns how many, once closed */
  async closeIdle(...[key]: [] | [K]): Promise<number> {
    const pools = this.those(arguments.length > 0, key as K);
    const counts = await Promise.all(pools.map((pool) => pool.closeIdle()));
    return counts.reduce((total, count) => total + count, 0);
  }

  /** Ends the present generation, of one key or of all: idle ones are closed now, the others when they come back. */
  evictAll(...[key]: [] | [K]): void {
    for (const pool of this.those(arguments.length > 0, key as K)) pool.evictAll();
  }

  /**
   * Closes the pool. Those in line are told at once; idle connections are closed now, borrowed ones when they come
   * back or, when `drain` is over, by force. Idempotent; a later call may shorten the drain. Resolves by `drain` plus
   * `closeTimeout`.
   */
  close(options: CloseOptions = {}): Promise<CloseReport> {
    let drain: number;
    try {
      drain = resolveDrain(this.name, options, this.options.each.drain);
    } catch (error) {
      return Promise.reject(error);
    }
    if (this.closed === undefined) {
      this.current = 'draining';
      // The promise first: whoever is told of it may call close() again.
      let begun: (outcome: Promise<CloseReport>) => void = () => undefined;
      this.closed = new Promise((resolve) => (begun = resolve));
      begun(this.closePools(drain));
    } else if (this.current === 'draining') {
      for (const { pool } of this.pools.values()) void pool.close({ drain });
    }
    return this.closed;
  }

  /** Closes with the pool's own `drain`. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  private async closePools(drain: number): Promise<CloseReport> {
    const startedAt = this.runtime.turn.read();
    const before = closedSoFar(this.household.totals);
    const pools = Array.from(this.pools.values(), ({ pool }) => pool);
    const closing = pools.map((pool) => pool.close({ drain }));
    if (this.events.wants('state')) this.events.emit({ type: 'state', pool: this.name, state: 'draining' });
    const reports = await Promise.all(closing);
    this.current = 'closed';
    this.runtime.alarm.close();
    this.pools.clear();
    const report = Object.freeze({
      closed: closedSoFar(this.household.totals) - before,
      forced: reports.reduce((total, { forced }) => total + forced, 0),
      failed: reports.reduce((total, { failed }) => total + failed, 0),
      durationMs: this.runtime.turn.read() - startedAt,
    });
    if (this.events.wants('closed')) this.events.emit({ type: 'closed', pool: this.name, report });
    this.events.complete();
    return report;
  }

  private find(key: K): KeyPool<K, T, M> | undefined {
    return this.pools.get(this.options.keyOf(key));
  }

  /** The pool of a key, which is not forgotten before `leave`: the call that follows may empty it and fill it again. */
  private enter(key: K): KeyPool<K, T, M> {
    const id = this.options.keyOf(key);
    let entry = this.pools.get(id);
    if (entry === undefined) {
      if (this.isOver()) throw new PoolClosedError(this.name);
      entry = this.open(id, key);
    }
    entry.calls += 1;
    return entry;
  }

  private leave(entry: KeyPool<K, T, M>): void {
    entry.calls -= 1;
    if (entry.pool.isVacant) this.vacated(entry);
  }

  private open(id: unknown, key: K): KeyPool<K, T, M> {
    const entry = new KeyPool<K, T, M>(this, this.household, this.events, id, key);
    this.pools.set(id, entry);
    return entry;
  }

  /** @internal A key without connections is forgotten at once, unless its dials have failed: then the back-off must be kept. */
  vacated(entry: KeyPool<K, T, M>): void {
    if (entry.calls > 0) return;
    if (entry.pool.isForgettable(this.runtime.turn.now())) this.drop(entry);
    else if (this.forgetting.place === -1) this.forgetLater();
  }

  private forget(now: number): void {
    for (const entry of this.pools.values()) if (entry.pool.isForgettable(now)) this.drop(entry);
    if (this.pools.size > 0) this.forgetLater();
  }

  private forgetLater(): void {
    const { alarm, turn } = this.runtime;
    alarm.set(this.forgetting, turn.now() + 2 * this.options.each.dialBackoff.max);
  }

  private drop({ id, pool }: KeyPool<K, T, M>): void {
    this.pools.delete(id);
    pool.retire();
  }

  private statsOf(key: K): KeyStats<K> {
    const found = this.find(key);
    const { max, maxIdle, name } = this.options.each;
    const none = { idle: 0, leased: 0, dialing: 0, checking: 0, closing: 0, waiting: 0, size: 0 };
    if (found === undefined) {
      return Object.freeze({ key, name, state: this.current, max, maxIdle: maxIdle ?? max, ...none });
    }
    const { totals: _totals, min: _min, ...counts } = found.pool.stats();
    return Object.freeze({ key: found.key, ...counts });
  }

  private those(one: boolean, key: K): ConnPool<T, M>[] {
    if (!one) return Array.from(this.pools.values(), ({ pool }) => pool);
    const found = this.find(key);
    return found === undefined ? [] : [found.pool];
  }

  private isOver(): boolean {
    return this.current !== 'open';
  }
}

/** The pool of one key. What happens in it is told with the key; what only concerns the pool as a whole is not told by each. */
class KeyPool<K, T, M> implements KeyPlace<T, M> {
  readonly pool: ConnPool<T, M>;
  /** Calls of the pool in progress. */
  calls = 0;

  constructor(
    private readonly owner: KeyedConnPool<K, T, M>,
    readonly household: Household<T, M>,
    private readonly events: PoolEvents,
    /** What `keyOf` made of the key. */
    readonly id: unknown,
    /** As it was first given. */
    readonly key: K,
  ) {
    this.pool = new ConnPool<T, M>(undefined, undefined, this);
  }

  get name(): string {
    return this.household.options.name;
  }

  get channels(): PoolChannels {
    return this.events.channels;
  }

  get waitWatchers(): readonly WaitWatcher[] {
    return this.events.waitWatchers;
  }

  get borrowingsWanted(): boolean {
    return this.events.borrowingsWanted;
  }

  get unheard(): boolean {
    return this.events.unheard;
  }

  wants(type: RareEvent['type']): boolean {
    return this.events.wants(type);
  }

  emit(event: RareEvent): void {
    if (event.type !== 'state' && event.type !== 'closed') this.events.emit({ ...event, key: this.key });
  }

  emitBorrowing(event: BorrowingEvent): void {
    this.events.emitBorrowing({ ...event, key: this.key });
  }

  complete(): void {}

  vacated(): void {
    this.owner.vacated(this);
  }
}

function sum(reports: readonly HeartbeatReport[]): HeartbeatReport {
  const total = { checked: 0, healthy: 0, failed: 0, latencyMs: 0, cause: undefined as unknown };
  for (const { checked, healthy, failed, latencyMs, cause } of reports) {
    total.checked += checked;
    total.healthy += healthy;
    total.failed += failed;
    total.latencyMs = Math.max(total.latencyMs, latencyMs);
    total.cause ??= cause;
  }
  const { cause, ...counts } = total;
  return Object.freeze(cause === undefined ? counts : { ...counts, cause });
}
