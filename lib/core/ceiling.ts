import type { Connection } from './connection.js';
import { Recency } from './recency.js';
import type { Waiter } from './wait-queue.js';

/** The pool of one key, as the ceiling sees it. */
export interface Tenant<T> {
  /** The first in its line for whom nothing is on its way, if a slot is all that is missing. */
  lacking(): Waiter<T> | undefined;
  /** How many slots it could use now. */
  lacks(): number;
  serve(): void;
}

/** A pool that wants a slot, and the waiter it wants it for. */
interface Want<T> {
  readonly tenant: Tenant<T>;
  readonly priority: number;
  readonly number: number;
}

/**
 * How many connections there may be of all the keys together, and which key gets the next slot: the one whose waiter
 * is first by priority and then by arrival, so that no key starves another. Idle connections make room, the one that
 * has been unused for the longest first.
 */
export class Ceiling<T> {
  /** Everything that exists. Of that: */
  size = 0;
  dialing = 0;
  checking = 0;
  closing = 0;
  private readonly resting = new Recency<T>();
  /** First come, first served. A want may be stale: its pool is asked before it is granted. */
  private readonly wants: Want<T>[] = [];
  private serving = false;
  private servesAgain = false;

  /** @param maxIdle - how many of all keys may be idle */
  constructor(
    readonly max: number,
    readonly maxIdle: number,
  ) {}

  get leased(): number {
    return this.size - this.dialing - this.closing - this.resting.size;
  }

  get idle(): number {
    return this.resting.size - this.checking;
  }

  /** More exist than may, leaving aside what is about to be gone. */
  get overfull(): boolean {
    return this.size - this.closing > this.max;
  }

  /** One more may be idle. */
  get keepsAnother(): boolean {
    return this.idle < this.maxIdle;
  }

  /** How many of those who would then wait, one more among them, there is no slot for. */
  excess(waiting: number): number {
    // What is being closed makes room for those who wait already.
    return this.leased + Math.max(this.closing, waiting) + 1 - this.max;
  }

  /** Somebody has no connection only because there are too many of other keys. */
  get wanted(): boolean {
    return this.wants.length > 0;
  }

  /** A dial begins. */
  added(): void {
    this.size += 1;
    this.dialing += 1;
  }

  /** Called before the connection changes its state. */
  moves(connection: Connection<T>, to: Connection<T>['state']): void {
    const { state } = connection;
    if (state === 'dialing') this.dialing -= 1;
    else if (state === 'closing') this.closing -= 1;
    else if (state === 'checking' || state === 'resetting') this.checking -= 1;
    if (to === 'idle') this.resting.add(connection);
    else if (to === 'checking' || to === 'resetting') {
      this.checking += 1;
      this.resting.add(connection);
    } else {
      this.resting.delete(connection);
      if (to === 'closing') this.closing += 1;
      else if (to === 'gone') this.size -= 1;
    }
  }

  /** Whether this pool may dial now. If not, it is served when a slot is free and nobody comes before it. */
  admits(tenant: Tenant<T>): boolean {
    const waiter = tenant.lacking();
    if (waiter === undefined) return this.size < this.max;
    const want = wantOf(tenant, waiter);
    this.forget(tenant);
    const first = this.firstWant();
    if (this.size < this.max && (first === undefined || precedes(want, first))) return true;
    this.insert(want);
    return false;
  }

  /** Whether somebody of another key has waited for longer than `heir`, and no slot is on its way to them. */
  owesAnother(tenant: Tenant<T>, heir: Waiter<T>): boolean {
    if (this.firstWant() === undefined) return false;
    const own = wantOf(tenant, heir);
    let onTheirWay = this.closing + Math.max(0, this.max - this.size);
    for (const want of this.wants) {
      if (!precedes(want, own)) return false;
      onTheirWay -= want.tenant.lacks();
      if (onTheirWay < 0) return true;
    }
    return false;
  }

  /** Gives the free slots to those who want them, in their order, and makes room for the others as far as it can. */
  serve(): void {
    if (this.serving) {
      this.servesAgain = true;
      return;
    }
    this.serving = true;
    try {
      do {
        this.servesAgain = false;
        this.grant();
        this.makeRoom();
      } while (this.servesAgain);
    } finally {
      this.serving = false;
    }
  }

  /** The pool is gone, and with it what it wanted. */
  forget(tenant: Tenant<T>): void {
    const place = this.wants.findIndex((want) => want.tenant === tenant);
    if (place !== -1) this.wants.splice(place, 1);
  }

  private grant(): void {
    while (this.size < this.max) {
      const first = this.firstWant();
      if (first === undefined) return;
      const { size } = this;
      // It dials, and comes back through admits() for what it lacks beyond that.
      first.tenant.serve();
      if (this.size === size && this.wants[0] === first) this.wants.shift();
    }
  }

  private makeRoom(): void {
    for (;;) {
      const oldest = this.resting.oldestIdle();
      if (oldest === undefined || !this.isShort()) return;
      oldest.keeper.end(oldest, 'surplus');
    }
  }

  /** More slots are wanted than are free or about to be. */
  private isShort(): boolean {
    let onTheirWay = this.closing + Math.max(0, this.max - this.size);
    for (const { tenant } of this.wants) {
      onTheirWay -= tenant.lacks();
      if (onTheirWay < 0) return true;
    }
    return false;
  }

  /** The first that is no stale one: whoever it was for may have left, or been served by a connection that came back. */
  private firstWant(): Want<T> | undefined {
    for (let first = this.wants[0]; first !== undefined; first = this.wants[0]) {
      const { tenant, number } = first;
      const waiter = tenant.lacking();
      if (waiter?.number === number) return first;
      this.wants.shift();
      if (waiter !== undefined) this.insert(wantOf(tenant, waiter));
    }
    return undefined;
  }

  private insert(want: Want<T>): void {
    let low = 0;
    let high = this.wants.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (precedes(this.wants[middle] as Want<T>, want)) low = middle + 1;
      else high = middle;
    }
    this.wants.splice(low, 0, want);
  }
}

function wantOf<T>(tenant: Tenant<T>, waiter: Waiter<T>): Want<T> {
  return { tenant, priority: waiter.lane?.priority ?? 0, number: waiter.number };
}

function precedes<T>(one: Want<T>, other: Want<T>): boolean {
  return one.priority > other.priority || (one.priority === other.priority && one.number < other.number);
}
