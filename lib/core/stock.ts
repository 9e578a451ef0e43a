import type { Alarm } from './alarm.js';
import { CallContext } from './call-context.js';
import type { CallKinds } from './call-kinds.js';
import type { Ceiling } from './ceiling.js';
import type { TurnClock } from './clock.js';
import { Connection } from './connection.js';
import type { CloseReason, Connector } from './connector.js';
import { ConnectorCall, type ConnectorCalls, silence } from './connector-calls.js';
import { InvariantError, PoolClosedError, type PoolTitle } from './errors.js';
import type { EventSink } from './pool-events.js';
import type { Household } from './household.js';
import { IdleList } from './idle-list.js';
import type { ResolvedOptions } from './options.js';
import type { Probe } from './probe.js';
import { Roster } from './roster.js';
import type { ConnInfo } from './stats.js';
import type { Totals } from './totals.js';
import { Backoff, type Outage } from './upkeep/backoff.js';
import { lifetimeWithin } from './upkeep/lifetime.js';
import { Rounds } from './upkeep/rounds.js';
import type { Witness } from './witness.js';

/** What the stock asks of its pool, and tells it. */
export interface Housekeeper<T> {
  readonly title: PoolTitle;
  /** Something may have become free, or the last connection may have gone: serve the line. Ends every step. */
  serve(): void;
  /** A connection has become idle, and nothing else has changed. */
  shelved(): void;
  /** Why a connection that is sound in itself may not go to idle, if it may not. */
  unwanted(): 'pool-closed' | 'surplus' | undefined;
  /** The same for one that comes back from a check. */
  unwantedAfterCheck(): 'pool-closed' | 'surplus' | undefined;
  /** The same for one that comes back from a borrower. */
  unwantedAfterUse(): 'pool-closed' | 'surplus' | undefined;
  /** Whether one idle connection less would still leave `min`. */
  maySpare(): boolean;
  /** Which attempt the next dial is for whoever is first in need of it. */
  attempt(): number;
  /** A dial has failed and is counted; nobody has been told. */
  dialFailed(permanent: boolean, cause: unknown): void;
  /** A connection has died before it was of any use, soon after it was dialled. */
  diedUnused(cause: unknown): void;
  /** A connection goes out of its borrower's hands without a word from the borrower. */
  takenBack(connection: Connection<T>): void;
}

/**
 * All the connections of one pool: how they are made, checked, kept, lost and ended, and how many there are of each.
 * It knows neither borrowers nor waiters. Each method that puts a connection into another state does so in one step.
 */
export class Stock<T, M> {
  readonly idle: IdleList<T>;
  readonly backoff: Backoff;
  leased = 0;
  dialing = 0;
  checking = 0;
  closing = 0;
  /** Connections on their way to idle: what the line may count on. Of those, the ones being dialled. */
  incoming = 0;
  incomingDials = 0;
  /** Dials begun so far. */
  dials = 0;
  /** Closes that failed so far. */
  closeFailures = 0;
  /** Connections closed by force so far. */
  forced = 0;
  /** How many have been dialled, and how many of those the line has looked at. */
  births = 0;
  seen = 0;
  probes: readonly Probe<T>[] = NONE;
  /** Hears of a lease that ends with its connection. */
  witness: Witness<T> | undefined = undefined;

  private readonly all = new Roster<T>();
  private readonly pool: string;
  private readonly turn: TurnClock;
  private readonly alarm: Alarm;
  private readonly calls: ConnectorCalls;
  private readonly kinds: CallKinds<T>;
  private readonly connector: Omit<Connector<T, M>, 'dial'>;
  private readonly options: ResolvedOptions<M>;
  private readonly totals: Totals;
  private readonly ceiling: Ceiling<T> | undefined;
  private readonly rounds: Rounds<T>;
  private readonly maxUses: number;
  private generation = 0;
  /** It has been told that dials are held back. */
  private backsOff = false;
  private checksIdle = false;
  /** One that the line counted on has been condemned: the line must hear of it. */
  private disappoints = false;

  constructor(
    private readonly household: Household<T, M>,
    private readonly events: EventSink,
    private readonly keeper: Housekeeper<T>,
  ) {
    const { connector, options, runtime, totals, ceiling, calls, kinds } = household;
    this.connector = connector;
    this.options = options;
    this.totals = totals;
    this.ceiling = ceiling;
    this.calls = calls;
    this.kinds = kinds;
    this.turn = runtime.turn;
    this.alarm = runtime.alarm;
    const { name, dialBackoff, order, idleTimeout } = options;
    this.pool = name;
    this.maxUses = options.maxUses;
    this.backoff = new Backoff(dialBackoff.initial, dialBackoff.max);
    this.idle = new IdleList(order);
    const heartbeatInterval = connector.heartbeat === undefined ? Infinity : options.heartbeatInterval;
    this.rounds = new Rounds(idleTimeout, heartbeatInterval, this.idle, this.alarm, this);
  }

  /** Of its pool. */
  get title(): PoolTitle {
    return this.keeper.title;
  }

  /** Everything that exists. */
  get size(): number {
    return this.all.size;
  }

  /** What exists and is not about to be gone. */
  get present(): number {
    return this.all.size - this.closing;
  }

  /** What is ready, or was and may be again. */
  get ready(): number {
    return this.idle.size + this.leased + this.checking;
  }

  /** One object of each kind that a loan or a dial makes: see `ConnPool.shapes`. */
  shapes(): unknown[] {
    const connection = new Connection<T>(0, 0, this);
    const call = new ConnectorCall(this.calls, this.kinds.dial, connection);
    return [connection, call, new CallContext(call, 1, this.options.meta, this.pool)];
  }

  /** One idle connection less would still leave `min`. */
  maySpare(): boolean {
    return this.keeper.maySpare();
  }

  /** Begins to check idle connections in the background. */
  beginRounds(): void {
    this.rounds.checksIdle = true;
    this.makeRounds();
  }

  /** Looks at the idle connections now, as when one falls due. */
  makeRounds(): void {
    this.rounds.ring(this.turn.read());
  }

  endRounds(): void {
    this.alarm.cancel(this.rounds);
  }

  // ---- lending ---------------------------------------------------------------------------------------------------

  /** The next idle connection fit to be lent; what turns out unfit on the way is closed. It stays idle. */
  pick(now: number, unused: boolean): Connection<T> | undefined {
    const { first } = this.idle;
    if (first === undefined) return undefined;
    const isUsual = !unused && now < first.dueAt && this.connector.isAlive === undefined;
    return isUsual ? first : this.search(now, unused);
  }

  private search(now: number, unused: boolean): Connection<T> | undefined {
    let connection = this.idle.first;
    while (connection !== undefined) {
      const { next } = connection;
      if (unused && !connection.isNew) {
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

  /** The next idle connection that needs a check before it can be lent. */
  firstDue(): Connection<T> | undefined {
    const now = this.turn.now();
    for (let each = this.idle.first; each !== undefined; each = each.next) {
      if (now >= each.dueAt && this.rounds.verdict(each, now) === 'check') return each;
    }
    return undefined;
  }

  private isAlive(connection: Connection<T>): boolean {
    let cause: unknown;
    try {
      const alive = this.calls.ask(() => this.connector.isAlive?.(connection.resource as T));
      if (alive !== false) return connection.state === 'idle';
    } catch (error) {
      cause = error;
    }
    this.lose(connection, cause);
    return false;
  }

  /** Counts an idle connection as leased from now on. */
  lendOut(connection: Connection<T>, now: number): void {
    this.move(connection, 'leased');
    if (this.probes.length > 0) this.withdraw(connection);
    this.passOn(connection, now);
  }

  private withdraw(connection: Connection<T>): void {
    for (const probe of this.probes) probe.withdraw(connection);
  }

  /** The connection goes to its next borrower; it is leased already. */
  passOn(connection: Connection<T>, now: number): void {
    connection.since = now;
    connection.uses += 1;
  }

  /** Why a connection that comes back may not be lent on as it is, if it may not. */
  unfitAfterUse(connection: Connection<T>, now: number): CloseReason | undefined {
    return this.unfit(connection, now) ?? this.keeper.unwantedAfterUse();
  }

  /** Takes back a leased connection that is fit: cleans it if the connector can, and puts it with the idle ones. */
  takeBack(connection: Connection<T>, now: number): void {
    if (this.connector.reset === undefined) this.shelve(connection, now);
    else this.reset(connection);
  }

  private reset(connection: Connection<T>): void {
    this.move(connection, 'resetting');
    connection.dueAt = this.turn.now();
    this.calls.run(this.kinds.reset, connection);
  }

  /** Gives a leased connection away for good. */
  giveAway(connection: Connection<T>): void {
    this.totals.detached += 1;
    this.drop(connection);
    this.stopWatching(connection);
    this.keeper.serve();
  }

  private unfit(connection: Connection<T>, now: number): CloseReason | undefined {
    if (connection.lost) return 'lost';
    if (connection.generation !== this.generation) return 'evicted';
    if (now >= connection.expiresAt) return 'max-lifetime';
    if (connection.uses >= this.maxUses) return 'max-uses';
    return undefined;
  }

  wasReset(connection: Connection<T>): void {
    const now = this.turn.now();
    const reason = this.unfitAfterUse(connection, now);
    if (reason === undefined) this.shelve(connection, now);
    else this.end(connection, reason);
  }

  resetFailed(connection: Connection<T>, cause: unknown): void {
    this.end(connection, 'reset-failed', cause);
    if (!this.events.wants('reset-failed')) return;
    const { pool } = this;
    const durationMs = this.turn.now() - connection.dueAt;
    this.events.emit({ type: 'reset-failed', pool, id: connection.id, cause, durationMs });
  }

  /** Puts a connection that was used just now with the idle ones, and serves the line. */
  private shelve(connection: Connection<T>, now: number): void {
    this.move(connection, 'idle');
    connection.since = now;
    this.rounds.sound(connection, now);
    this.idle.push(connection);
    this.rounds.shelved(connection);
    this.keeper.shelved();
  }

  // ---- dialling --------------------------------------------------------------------------------------------------

  /**
   * Begins to make a connection.
   *
   * @param begun - told of the connection before the connector is called
   */
  dial(begun?: (connection: Connection<T>) => void): void {
    const connection = this.begin();
    begun?.(connection);
    this.dials += 1;
    connection.attempt = this.keeper.attempt();
    this.calls.run(this.kinds.dial, connection);
  }

  private begin(): Connection<T> {
    const connection = new Connection<T>(this.household.runtime.nextId(), this.generation, this);
    this.all.add(connection);
    this.ceiling?.added();
    this.dialing += 1;
    this.expect(connection);
    connection.dialedAt = this.turn.now();
    return connection;
  }

  /** Takes in a connection made elsewhere: whoever gets it gets it reused. */
  adopt(resource: T): void {
    const connection = this.begin();
    connection.adopted = true;
    this.dialled(connection, resource);
  }

  dialled(connection: Connection<T>, resource: T): void {
    connection.resource = resource;
    connection.made = true;
    try {
      const unwatch: unknown = this.connector.watch?.(resource, lossOf(connection));
      if (typeof unwatch === 'function') connection.unwatch = unwatch as (resource: T) => void;
      else silence(unwatch);
    } catch (cause) {
      if (connection.state === 'dialing') this.stillborn(connection, 'discarded', cause);
    }
    if (connection.state !== 'dialing') return this.stopWatching(connection);
    if (this.connector.heartbeat === undefined) return this.dialledWell(connection);
    this.totals.heartbeats += 1;
    this.calls.run(this.kinds.firstHeartbeat, connection);
  }

  dialledWell(connection: Connection<T>): void {
    const now = this.turn.now();
    const durationMs = now - connection.dialedAt;
    connection.dialedAt = now;
    connection.expiresAt = now + lifetimeWithin(this.options.maxLifetime, this.options.lifetimeJitter);
    this.totals.dialed += 1;
    this.household.latencies?.dial.record(durationMs, now);
    const outage = this.backoff.succeed(now);
    if (this.probes.length > 0) this.tellProbes(connection, true);
    const reason = this.unfit(connection, now) ?? this.keeper.unwanted();
    if (reason !== undefined) this.end(connection, reason);
    else {
      this.births += 1;
      connection.birth = this.births;
      // Not by `shelve()`: the dial must be told before the line is served.
      this.move(connection, 'idle');
      connection.since = now;
      this.rounds.sound(connection, now);
      this.idle.push(connection);
      this.rounds.shelved(connection);
    }
    if (!this.events.unheard) this.tellOfDial(connection, durationMs, outage);
    if (this.backsOff) this.tellOfBackoff(now);
    this.keeper.serve();
  }

  private tellOfDial({ id, attempt }: Connection<T>, durationMs: number, outage: Outage | undefined): void {
    const { events, pool } = this;
    if (events.wants('dialed')) events.emit({ type: 'dialed', pool, id, attempt, durationMs });
    if (outage !== undefined && events.wants('recovered'))
      events.emit({ type: 'recovered', pool, ...outage });
  }

  /** It was dialled, but did not live to be lent: a failed attempt that has left something to close. */
  private stillborn(connection: Connection<T>, reason: CloseReason, cause: unknown): void {
    const permanent = this.countFailure(connection, cause);
    if (connection.state === 'dialing') this.end(connection, reason, cause);
    this.tellOfFailure(connection, permanent, cause);
  }

  dialFailed(connection: Connection<T>, cause: unknown): void {
    const permanent = this.countFailure(connection, cause);
    if (connection.state === 'dialing') this.drop(connection);
    this.tellProbes(connection, false, cause);
    this.tellOfFailure(connection, permanent, cause);
  }

  /** @returns whether the error is one that retrying cannot mend */
  private countFailure({ dialedAt }: Connection<T>, cause: unknown): boolean {
    let permanent = false;
    try {
      permanent = this.calls.ask(() => this.connector.isPermanent?.(cause)) === true;
    } catch {
      // A predicate that throws has not said yes.
    }
    this.totals.dialFailures += 1;
    this.backoff.fail(dialedAt, this.turn.now(), cause, permanent);
    return permanent;
  }

  private tellOfFailure({ attempt, dialedAt }: Connection<T>, permanent: boolean, cause: unknown): void {
    this.keeper.dialFailed(permanent, cause);
    const now = this.turn.now();
    if (this.events.wants('dial-failed')) {
      const { failures, readyAt } = this.backoff;
      this.events.emit({
        type: 'dial-failed',
        pool: this.pool,
        attempt,
        durationMs: now - dialedAt,
        cause,
        permanent,
        failures,
        retryInMs: Math.max(0, readyAt - now),
      });
    }
    this.tellOfBackoff(now);
    this.keeper.serve();
  }

  private tellOfBackoff(now: number): void {
    const { entered, enteredAt, readyAt, lastError: cause } = this.backoff;
    if (entered === this.backsOff) return;
    this.backsOff = entered;
    const { events, pool } = this;
    if (!entered) {
      if (events.wants('backoff-left'))
        events.emit({ type: 'backoff-left', pool, durationMs: now - enteredAt });
    } else if (events.wants('backoff-entered'))
      events.emit({ type: 'backoff-entered', pool, cause, retryInMs: readyAt - now });
  }

  /** A dial has yielded something after its slot was given up: nobody counts it, but it must not stay open. */
  dialledLate(connection: Connection<T>, resource: T): void {
    connection.resource = resource;
    connection.since = this.turn.now();
    connection.reason = this.keeper.unwanted() ?? 'surplus';
    this.calls.run(this.kinds.lateClose, connection);
  }

  /** Whether a connection exists that may yet be lent to somebody in line. */
  hasLiving(): boolean {
    for (const { state, lost, generation } of this.all) {
      if (state === 'idle') return true;
      if (lost || generation !== this.generation) continue;
      if (state === 'leased' || state === 'checking' || state === 'resetting') return true;
    }
    return false;
  }

  // ---- checking --------------------------------------------------------------------------------------------------

  /** Puts an idle connection under a heartbeat; it is not lent meanwhile. */
  check(connection: Connection<T>): void {
    this.move(connection, 'checking');
    connection.dueAt = this.turn.now();
    this.totals.heartbeats += 1;
    this.calls.run(this.kinds.heartbeat, connection);
  }

  checked(connection: Connection<T>): void {
    const now = this.turn.now();
    const durationMs = now - connection.dueAt;
    this.rounds.sound(connection, now);
    this.tellProbes(connection, true);
    const reason = this.unfit(connection, now) ?? this.keeper.unwantedAfterCheck();
    if (reason !== undefined) this.end(connection, reason);
    else {
      this.move(connection, 'idle');
      this.idle.restore(connection);
      this.rounds.shelved(connection);
    }
    const { events, pool } = this;
    if (events.wants('checked')) events.emit({ type: 'checked', pool, id: connection.id, durationMs });
    this.keeper.serve();
  }

  /** What killed one has often killed the others: they are asked at once, side by side, not one after the other. */
  checkFailed(connection: Connection<T>, cause: unknown): void {
    this.totals.heartbeatFailures += 1;
    const durationMs = this.turn.now() - connection.dueAt;
    this.end(connection, 'heartbeat-failed', cause);
    this.checkIdle();
    const { events, pool } = this;
    if (events.wants('heartbeat-failed'))
      events.emit({ type: 'heartbeat-failed', pool, id: connection.id, cause, durationMs });
  }

  firstCheckFailed(connection: Connection<T>, cause: unknown): void {
    this.totals.heartbeatFailures += 1;
    this.stillborn(connection, 'heartbeat-failed', cause);
  }

  private checkIdle(): void {
    // One that fails at once brings us here again, as deep as there are connections.
    if (this.checksIdle) return;
    this.checksIdle = true;
    for (const connection of this.idle.byAge()) if (connection.state === 'idle') this.check(connection);
    this.checksIdle = false;
  }

  /** Asks those that can be asked now: the idle ones and those under a heartbeat. @returns whether there was any */
  ask(probe: Probe<T>): boolean {
    const asked = [...this.all].filter(({ state }) => state === 'idle' || state === 'checking');
    if (this.connector.heartbeat === undefined) {
      for (const connection of asked) {
        // The answer of another may have closed it.
        const open = connection.state === 'idle';
        const healthy = open && (this.connector.isAlive === undefined || this.isAlive(connection));
        probe.known(healthy, connection.cause);
      }
    } else {
      // All are counted in before the first answers: one that fails takes the others with it.
      for (const connection of asked) probe.ask(connection);
      this.checkIdle();
    }
    return asked.length > 0;
  }

  /** Asks those that are being dialled. */
  askDials(probe: Probe<T>): void {
    for (const connection of this.all) if (connection.state === 'dialing') probe.ask(connection);
  }

  /** The connection is dead: `watch` or `isAlive` says so, at any time and as often as it likes. */
  lose(connection: Connection<T>, cause: unknown): void {
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
      connection.spoiled = connection.tenancy;
      connection.spoiledBy =
        cause ?? new Error(`Connection ${connection.id} of pool "${this.pool}" was lost.`);
      connection.observer?.abort(connection.spoiledBy);
    } else {
      const useless = connection.uses === 0 && this.backoff.setBack(connection.dialedAt, now, cause);
      this.end(connection, 'lost', cause);
      if (useless) this.keeper.diedUnused(cause);
    }
    const { events, pool } = this;
    const { id, dialedAt } = connection;
    if (events.wants('lost')) events.emit({ type: 'lost', pool, id, cause, leased, ageMs: now - dialedAt });
    this.tellOfBackoff(now);
  }

  // ---- ending ----------------------------------------------------------------------------------------------------

  /** Closes a connection in whatever state it is; its slot is free once the close has ended or timed out. */
  end(connection: Connection<T>, reason: CloseReason, cause?: unknown): void {
    this.condemn(connection, reason, cause);
    this.execute(connection);
  }

  /** Ends many in two steps: whatever strangers' code does in the second finds all of them closing. */
  private endAll(connections: readonly Connection<T>[]): void {
    for (const connection of connections) this.execute(connection);
  }

  private condemn(connection: Connection<T>, reason: CloseReason, cause?: unknown): void {
    const taken = reason === 'forced' && connection.state === 'leased';
    this.disappoints ||= connection.incoming;
    this.move(connection, 'closing');
    connection.reason = reason;
    connection.cause = cause;
    if (taken) this.keeper.takenBack(connection);
    connection.since = this.turn.now();
  }

  /** Here strangers' code runs, and may come back into the pool. */
  private execute(connection: Connection<T>): void {
    const { reason, cause, observer } = connection;
    connection.observer = undefined;
    observer?.abort(connection.spoiledBy);
    if (this.witness !== undefined) this.witness.tellOfEnd(connection);
    connection.call?.abandon(cause ?? reason);
    if (connection.unwatch !== undefined) this.stopWatching(connection);
    if (this.probes.length > 0) this.tellProbes(connection, false, cause);
    this.calls.run(this.kinds.close, connection);
    if (!this.disappoints) return;
    this.disappoints = false;
    this.keeper.serve();
  }

  ended(connection: Connection<T>): void {
    this.drop(connection);
    connection.onGone?.();
    this.tellOfClose(connection);
    this.keeper.serve();
  }

  endedBadly(connection: Connection<T>, cause: unknown): void {
    this.closeFailures += 1;
    this.ended(connection);
    this.closeFailed(connection, cause);
  }

  lateCloseFailed(connection: Connection<T>, cause: unknown): void {
    this.tellOfClose(connection);
    this.closeFailed(connection, cause);
  }

  /** Its first borrower gives it back dead: a server that hangs up at once must not be dialled for every acquire. */
  endFirstUse(connection: Connection<T>): void {
    this.backoff.setBack(connection.dialedAt, this.turn.now(), connection.cause);
    this.end(connection, 'lost', connection.cause);
    this.tellOfBackoff(this.turn.now());
  }

  tellOfClose(connection: Connection<T>): void {
    this.totals.closed[connection.reason] += 1;
    if (this.events.unheard || !this.events.wants('close')) return;
    const { pool } = this;
    const { id, reason, cause, since } = connection;
    this.events.emit({ type: 'close', pool, id, reason, cause, durationMs: this.turn.now() - since });
  }

  private closeFailed({ id, reason }: Connection<T>, cause: unknown): void {
    const { events, pool } = this;
    if (events.wants('close-failed')) events.emit({ type: 'close-failed', pool, id, reason, cause });
  }

  /** Ends the idle connections, the one unused for the longest first, as long as `which` says so. */
  endIdle(reason: CloseReason, which: () => boolean = () => true): void {
    const condemned = this.idle.byAge().filter((connection) => {
      if (!which()) return false;
      this.condemn(connection, reason);
      return true;
    });
    this.endAll(condemned);
  }

  /** Ends the idle connections. @returns how many, once they are closed */
  async endIdleAndWait(reason: CloseReason): Promise<number> {
    const condemned = this.idle.byAge();
    const gone = condemned.map((connection) => {
      this.condemn(connection, reason);
      return new Promise<void>((resolve) => (connection.onGone = resolve));
    });
    this.endAll(condemned);
    await Promise.all(gone);
    return gone.length;
  }

  /** Begins a new generation: nothing of the present one will be lent again. */
  endGeneration(): void {
    this.generation += 1;
    for (const connection of this.all) if (connection.incoming) this.expectNoMore(connection);
    this.endIdle('evicted');
    const { events, pool, generation } = this;
    if (events.wants('generation')) events.emit({ type: 'generation', pool, generation });
  }

  /** Takes everything that is not being closed yet, from whoever has it. */
  endAllByForce(): void {
    const condemned: Connection<T>[] = [];
    const givenUp: Connection<T>[] = [];
    for (const connection of this.all) {
      if (connection.state === 'closing') continue;
      if (connection.state === 'dialing' && !connection.made) {
        this.drop(connection);
        givenUp.push(connection);
      } else {
        this.forced += 1;
        this.condemn(connection, 'forced');
        condemned.push(connection);
      }
    }
    this.endAll(condemned);
    for (const connection of givenUp) this.giveUp(connection);
  }

  /** Waits for a dial no longer; what it yields after all is closed. */
  private giveUp(connection: Connection<T>): void {
    const reason = new PoolClosedError(this.pool);
    this.tellProbes(connection, false, reason);
    connection.call?.abandon(reason);
  }

  /** Takes a connection out of the count. */
  private drop(connection: Connection<T>): void {
    this.move(connection, 'gone');
    this.all.delete(connection);
  }

  /**
   * The one place where a connection changes its state, and where it is counted. Short for the two states of every
   * borrowing: what V8 inlines into a caller is limited by its length.
   */
  private move(connection: Connection<T>, to: Connection<T>['state']): void {
    if (this.ceiling !== undefined) this.ceiling.moves(connection, to);
    if (connection.state === 'idle') this.idle.remove(connection);
    else if (connection.state === 'leased') this.leased -= 1;
    else this.leave(connection);
    connection.state = to;
    if (to === 'leased') this.leased += 1;
    else if (to !== 'idle') this.enter(connection, to);
  }

  private enter(connection: Connection<T>, to: Connection<T>['state']): void {
    if (to === 'closing') this.closing += 1;
    else if (to === 'checking' || to === 'resetting') {
      this.checking += 1;
      this.expect(connection);
    }
  }

  private leave(connection: Connection<T>): void {
    if (connection.incoming) this.expectNoMore(connection);
    switch (connection.state) {
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
      default:
        throw new InvariantError(`Connection ${connection.id} of pool "${this.pool}" left twice.`, this.pool);
    }
  }

  private stopWatching(connection: Connection<T>): void {
    const { unwatch, resource } = connection;
    connection.unwatch = undefined;
    try {
      if (unwatch !== undefined) this.calls.ask(() => unwatch(resource as T));
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
    const now = this.turn.now();
    for (const probe of this.probes) probe.answer(connection, now, healthy, cause);
  }

  /** One row for each connection. */
  inspect(stackOf: (connection: Connection<T>) => string | undefined): ConnInfo[] {
    const now = this.turn.read();
    return Array.from(this.all, (connection) => {
      const { id, state, dialedAt, since, uses, made } = connection;
      if (state === 'gone')
        throw new InvariantError(`Connection ${id} of pool "${this.pool}" is gone.`, this.pool);
      return {
        id,
        state,
        age: made ? now - dialedAt : 0,
        idle: state === 'idle' || state === 'checking' ? now - since : 0,
        uses,
        ...(state === 'leased' ? { lease: { held: now - since, stack: stackOf(connection) } } : {}),
      };
    });
  }
}

const NONE: readonly never[] = [];

/** What `watch` is given. On its own, as it lives as long as the connection, and holds nothing else. */
function lossOf<T>(connection: Connection<T>): (cause?: unknown) => void {
  return (cause) => connection.keeper.lose(connection, cause);
}
