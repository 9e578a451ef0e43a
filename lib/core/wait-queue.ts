import type { PooledLease } from './lease.js';
import type { LeaseSite } from './upkeep/leak.js';

/** Apart from the waiter, of which there may be a great many: most have none of this. */
export interface WaiterExtras {
  /** In milliseconds, where it is not the pool's. */
  ownTimeout?: number;
  /** Where the acquire was called; only while leaks are watched for. */
  site?: LeaseSite;
  /** Lets go of the caller's abort signal. */
  stopListening?: () => void;
}

/** One acquire in line. It leaves the line exactly once: granted, expired, aborted or refused. */
export class Waiter<T> {
  /** Rounds of dials that failed while it stood here. */
  attempts = 0;
  /** How many had joined a line before it. */
  number = 0;
  lane: Lane<T> | undefined = undefined;
  previous: Waiter<T> | undefined = undefined;
  next: Waiter<T> | undefined = undefined;
  /** What few of them have. */
  extras: WaiterExtras | undefined = undefined;

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

/** The waiters of one priority who take the same connections, first come, first served. */
interface Lane<T> {
  readonly priority: number;
  readonly fresh: boolean;
  first: Waiter<T> | undefined;
  last: Waiter<T> | undefined;
}

/** How many have joined a line, and how many stand in one: of one pool, or of all that share a ceiling. */
export class Arrivals {
  joined = 0;
  waiting = 0;
}

/** The line of one pool: by priority, then by arrival. Every change but a new priority takes constant time. */
export class WaitQueue<T> {
  size = 0;
  /** Of those, how many take only a fresh connection. */
  fresh = 0;
  /** Most waiters: no priority, any connection. Always there. */
  private readonly usual: Lane<T> = { priority: 0, fresh: false, first: undefined, last: undefined };
  /** Highest priority first. All but the usual one are there only while somebody stands in them. */
  private readonly lanes: Lane<T>[] = [this.usual];

  constructor(private readonly arrivals: Arrivals) {}

  push(waiter: Waiter<T>, priority: number): void {
    const lane = priority === 0 && !waiter.fresh ? this.usual : this.laneOf(priority, waiter.fresh);
    waiter.lane = lane;
    waiter.number = this.arrivals.joined;
    waiter.previous = lane.last;
    if (lane.last === undefined) lane.first = waiter;
    else lane.last.next = waiter;
    lane.last = waiter;
    this.arrivals.joined += 1;
    this.arrivals.waiting += 1;
    this.size += 1;
    if (waiter.fresh) this.fresh += 1;
  }

  /** Whoever is served next; with a used connection, the first who takes one. */
  first(used: boolean): Waiter<T> | undefined {
    return this.lanes.length === 1 ? this.usual.first : this.firstOfAll(used);
  }

  private firstOfAll(used: boolean): Waiter<T> | undefined {
    let first: Waiter<T> | undefined;
    for (const lane of this.lanes) {
      if (first?.lane !== undefined && first.lane.priority > lane.priority) return first;
      const candidate = used && lane.fresh ? undefined : lane.first;
      if (candidate !== undefined && (first === undefined || candidate.number < first.number))
        first = candidate;
    }
    return first;
  }

  /** Whoever has so many before them. */
  nth(before: number): Waiter<T> | undefined {
    if (this.lanes.length > 1) return this.all()[before];
    let waiter = this.usual.first;
    for (let left = before; left > 0 && waiter !== undefined; left -= 1) waiter = waiter.next;
    return waiter;
  }

  remove(waiter: Waiter<T>): void {
    const { lane, previous, next } = waiter;
    if (lane === undefined) return;
    if (previous === undefined) lane.first = next;
    else previous.next = next;
    if (next === undefined) lane.last = previous;
    else next.previous = previous;
    waiter.lane = waiter.previous = waiter.next = undefined;
    this.arrivals.waiting -= 1;
    this.size -= 1;
    if (waiter.fresh) this.fresh -= 1;
    if (lane.first === undefined && lane !== this.usual) this.close(lane);
  }

  private close(lane: Lane<T>): void {
    this.lanes.splice(this.lanes.indexOf(lane), 1);
  }

  /** Everyone in line, in the order they are served. */
  all(): Waiter<T>[] {
    const all: Waiter<T>[] = [];
    for (const lane of this.lanes) {
      for (let waiter = lane.first; waiter !== undefined; waiter = waiter.next) all.push(waiter);
    }
    if (this.lanes.length === 1) return all;
    const priority = ({ lane }: Waiter<T>): number => lane?.priority ?? 0;
    return all.sort((one, other) => priority(other) - priority(one) || one.number - other.number);
  }

  private laneOf(priority: number, fresh: boolean): Lane<T> {
    const found = this.lanes.find((lane) => lane.priority === priority && lane.fresh === fresh);
    if (found !== undefined) return found;
    const lane = { priority, fresh, first: undefined, last: undefined };
    const lower = this.lanes.findIndex((other) => other.priority < priority);
    this.lanes.splice(lower === -1 ? this.lanes.length : lower, 0, lane);
    return lane;
  }
}
