import type { PooledLease } from './lease.js';
import type { LeaseSite } from './upkeep/leak.js';

/** One acquire in line. It leaves the line exactly once: granted, expired, aborted or refused. */
export class Waiter<T> {
  /** Rounds of dials that failed while it stood here. */
  attempts = 0;
  lane: Lane<T> | undefined = undefined;
  previous: Waiter<T> | undefined = undefined;
  next: Waiter<T> | undefined = undefined;
  /** In milliseconds, where it is not the pool's. */
  ownTimeout: number | undefined = undefined;
  /** Where the acquire was called; only while leaks are watched for. */
  site: LeaseSite | undefined = undefined;
  /** Lets go of the caller's abort signal. */
  stopListening: (() => void) | undefined = undefined;

  constructor(
    readonly resolve: (lease: PooledLease<T>) => void,
    readonly reject: (error: unknown) => void,
    /** Takes nothing but a connection dialled for it. */
    readonly fresh: boolean,
    /** How many dials had begun when it came: only later ones were made for it. */
    readonly dialsBefore: number,
    /** On the pool's clock. */
    public deadline: number,
  ) {}
}

/** The waiters of one priority, first come, first served. */
interface Lane<T> {
  readonly priority: number;
  first: Waiter<T> | undefined;
  last: Waiter<T> | undefined;
}

/** The line of one pool: by priority, then by arrival. Every change but a new priority takes constant time. */
export class WaitQueue<T> {
  size = 0;
  /** Of those, how many take only a fresh connection. */
  fresh = 0;
  /** Highest priority first; the one of priority 0 is always there. */
  private readonly lanes: Lane<T>[] = [{ priority: 0, first: undefined, last: undefined }];

  push(waiter: Waiter<T>, priority: number): void {
    const lane = this.laneOf(priority);
    waiter.lane = lane;
    waiter.previous = lane.last;
    if (lane.last === undefined) lane.first = waiter;
    else lane.last.next = waiter;
    lane.last = waiter;
    this.size += 1;
    if (waiter.fresh) this.fresh += 1;
  }

  /** Whoever may be served next; with a used connection, the first who would take one. */
  first(used: boolean): Waiter<T> | undefined {
    const { lanes } = this;
    if (this.fresh === 0 && lanes.length === 1) return lanes[0]?.first;
    if (used && this.fresh === this.size) return undefined;
    for (let index = 0; index < lanes.length; index += 1) {
      for (let waiter = lanes[index]?.first; waiter !== undefined; waiter = waiter.next) {
        if (!used || !waiter.fresh) return waiter;
      }
    }
    return undefined;
  }

  remove(waiter: Waiter<T>): void {
    const { lane, previous, next } = waiter;
    if (lane === undefined) return;
    if (previous === undefined) lane.first = next;
    else previous.next = next;
    if (next === undefined) lane.last = previous;
    else next.previous = previous;
    waiter.lane = waiter.previous = waiter.next = undefined;
    this.size -= 1;
    if (waiter.fresh) this.fresh -= 1;
    if (lane.first === undefined && lane.priority !== 0) this.lanes.splice(this.lanes.indexOf(lane), 1);
  }

  /** Everyone in line, in order. */
  all(): Waiter<T>[] {
    const all: Waiter<T>[] = [];
    for (const lane of this.lanes) {
      for (let waiter = lane.first; waiter !== undefined; waiter = waiter.next) all.push(waiter);
    }
    return all;
  }

  private laneOf(priority: number): Lane<T> {
    if (priority === 0 && this.lanes.length === 1) return this.lanes[0] as Lane<T>;
    const index = this.lanes.findIndex((lane) => lane.priority <= priority);
    const found = this.lanes[index];
    if (found?.priority === priority) return found;
    const lane = { priority, first: undefined, last: undefined };
    this.lanes.splice(index === -1 ? this.lanes.length : index, 0, lane);
    return lane;
  }
}
