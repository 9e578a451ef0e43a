import { type Alarm, type Appointment, Errand } from './alarm.js';
import type { TurnClock } from './clock.js';
import type { Lease } from './lease.js';
import type { LeaseSite } from './upkeep/leak.js';
import { type Arrivals, Waiter, WaitQueue } from './wait-queue.js';

/** How somebody waits. */
export interface Place {
  /** In milliseconds; `Infinity` = for ever. */
  readonly timeout: number;
  readonly priority: number;
  /** Takes nothing but a connection dialled for it. */
  readonly fresh: boolean;
  readonly signal?: AbortSignal;
}

/** What the line tells its pool. */
export interface Usher<T> {
  /** Somebody stands in line, and may be served there and then. */
  joined(): void;
  /** Their deadlines have come; the usher dismisses those who still stand in line. */
  expired(waiters: readonly Waiter<T>[]): void;
  /** A signal has aborted; so many have left. */
  aborted(count: number): void;
  /** Those whose time had come have left. */
  shortened(): void;
  /** Nobody is left. */
  emptied(): void;
}

/** Those who wait under one signal. */
interface Group<T> {
  readonly waiters: Set<Waiter<T>>;
  readonly onAbort: () => void;
}

/** Below this two readings of the clock are the same. */
const SAME = 0.001;
/** A line is looked through for deadlines at most once a millisecond for each so many who stand in it. */
const LOOKED_AT_PER_MS = 5000;

/**
 * Those who wait for a connection of one pool, with their deadlines and signals. There is one appointment for the
 * earliest deadline of all: hardly any is ever reached, and keeping each in order would cost more than the wait.
 */
export class Line<T> {
  private readonly queue: WaitQueue<T>;
  private groups: Map<AbortSignal, Group<T>> | undefined = undefined;
  private readonly deadline: Appointment = new Errand<Line<T>>(this, (line, now) => line.expire(now));

  /** Of the promise made last: one function takes them from every promise, where a closure for each would cost. */
  private resolve: (lease: Lease<T>) => void = noop;
  private reject: (error: unknown) => void = noop;
  private readonly promised = (
    resolve: (lease: Lease<T>) => void,
    reject: (error: unknown) => void,
  ): void => {
    this.resolve = resolve;
    this.reject = reject;
  };

  constructor(
    /** Of an acquire that names none, in milliseconds. */
    private readonly usualTimeout: number,
    private readonly turn: TurnClock,
    private readonly alarm: Alarm,
    private readonly usher: Usher<T>,
    arrivals: Arrivals,
  ) {
    this.queue = new WaitQueue<T>(arrivals);
  }

  get size(): number {
    return this.queue.size;
  }

  /** How many take nothing but a connection dialled for them. */
  get fresh(): number {
    return this.queue.fresh;
  }

  /** Everyone in line, in the order they are served. */
  all(): Waiter<T>[] {
    return this.queue.all();
  }

  /** Whoever is served next; with a used connection, the first who takes one. */
  first(used: boolean): Waiter<T> | undefined {
    return this.queue.first(used);
  }

  /** Whoever has so many before them. */
  nth(before: number): Waiter<T> | undefined {
    return this.queue.nth(before);
  }

  /** For good: there is nothing left to time. */
  close(): void {
    this.alarm.cancel(this.deadline);
  }

  /**
   * Joins the line.
   *
   * @param dialsBefore - how many dials had begun
   */
  join(
    { timeout, priority, fresh, signal }: Place,
    dialsBefore: number,
    site: LeaseSite | undefined,
  ): Promise<Lease<T>> {
    const promise = new Promise<Lease<T>>(this.promised);
    const usual = timeout === this.usualTimeout;
    const deadline = (usual ? this.turn.now() : this.turn.read()) + timeout;
    const waiter = new Waiter<T>(this.resolve, this.reject, fresh, dialsBefore, deadline);
    if (!usual || site !== undefined) equip(waiter, site, usual ? undefined : timeout);
    this.queue.push(waiter, priority);
    if (this.deadline.place === -1 || deadline < this.deadline.at) this.alarm.set(this.deadline, deadline);
    if (signal !== undefined) this.listenOrLeave(waiter, signal);
    this.usher.joined();
    return promise;
  }

  /** Takes somebody out of the line, who is then given a connection or an error. */
  leave(waiter: Waiter<T>): void {
    this.queue.remove(waiter);
    waiter.extras?.stopListening?.();
    if (this.queue.size === 0) this.usher.emptied();
  }

  dismiss(waiter: Waiter<T>, error: unknown): void {
    this.leave(waiter);
    waiter.reject(error);
  }

  /**
   * A turn of the event loop has lasted long: the usual deadlines given in it were counted from its beginning, which is
   * too early for those who came late in it. Deadlines of an acquire's own are exact.
   */
  makeUp(beganAt: number, now: number): void {
    for (const waiter of this.queue.all()) {
      if (waiter.extras?.ownTimeout !== undefined) continue;
      if (waiter.deadline - this.usualTimeout > beganAt - SAME) waiter.deadline = now + this.usualTimeout;
    }
  }

  /** A signal that is none of Node's may throw. */
  private listenOrLeave(waiter: Waiter<T>, signal: AbortSignal): void {
    try {
      this.listen(waiter, signal);
    } catch (error) {
      if (waiter.lane !== undefined) this.dismiss(waiter, error);
    }
  }

  /** One listener for each signal, however many wait under it: Node warns of a leak at eleven. */
  private listen(waiter: Waiter<T>, signal: AbortSignal): void {
    // It may have aborted since the acquire began, by what the connector was asked meanwhile.
    if (signal.aborted) {
      this.dismiss(waiter, signal.reason);
      this.usher.aborted(1);
      return;
    }
    const groups = (this.groups ??= new Map());
    const group = groups.get(signal) ?? this.newGroup(groups, signal);
    group.waiters.add(waiter);
    const stopListening = (): void => {
      group.waiters.delete(waiter);
      if (group.waiters.size > 0) return;
      groups.delete(signal);
      try {
        signal.removeEventListener('abort', group.onAbort);
      } catch {
        // Whoever it reaches later finds the group empty.
      }
    };
    waiter.extras = { ...waiter.extras, stopListening };
  }

  private newGroup(groups: Map<AbortSignal, Group<T>>, signal: AbortSignal): Group<T> {
    const group: Group<T> = {
      waiters: new Set(),
      onAbort: () => {
        const waiters = [...group.waiters];
        for (const waiter of waiters) this.dismiss(waiter, signal.reason);
        this.usher.aborted(waiters.length);
      },
    };
    signal.addEventListener('abort', group.onAbort, { once: true });
    groups.set(signal, group);
    return group;
  }

  private expire(now: number): void {
    const due = this.queue.all().filter(({ deadline }) => deadline <= now);
    if (due.length > 0) this.usher.expired(due);
    // Only now: those who were told may have joined the line again.
    const next = this.queue.all().reduce((earliest, { deadline }) => Math.min(earliest, deadline), Infinity);
    this.alarm.set(this.deadline, Math.max(next, now + Math.floor(this.queue.size / LOOKED_AT_PER_MS)));
    this.usher.shortened();
  }

  /** In milliseconds. */
  timeoutOf(waiter: Waiter<T>): number {
    return waiter.extras?.ownTimeout ?? this.usualTimeout;
  }
}

function equip<T>(waiter: Waiter<T>, site: LeaseSite | undefined, ownTimeout: number | undefined): void {
  waiter.extras = { site, ownTimeout };
}

function noop(): void {}
