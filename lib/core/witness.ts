import type { Connection } from './connection.js';
import type { ReleasedEvent } from './events.js';
import type { Latencies } from './latency.js';
import type { Lease } from './lease.js';
import type { EventSink } from './pool-events.js';
import { LeakWatch, type LeaseSite } from './upkeep/leak.js';
import type { Waiter } from './wait-queue.js';

/** Below this two readings of the clock are the same. */
const SAME = 0.001;

/** A lease that has ended, and of which there is something to tell. */
interface Ended {
  readonly by: ReleasedEvent['by'];
  readonly heldMs: number;
  /** It had been reported as a leak. */
  readonly leaked: boolean;
}

/**
 * Looks on at every borrowing, for whoever wants to know: leaks, latencies, events. A pool that nobody looks at has none,
 * and pays nothing.
 */
export class Witness<T> {
  /** Leases that have ended in the present step, until their end may be told. */
  private readonly over = new Map<Connection<T>, Ended>();
  private latencies: Latencies | undefined = undefined;
  /** Events of borrowings are wanted. */
  tells = false;

  constructor(
    private readonly pool: string,
    private readonly leaks: LeakWatch<T> | undefined,
    private readonly events: EventSink,
    private readonly key: unknown,
  ) {}

  /** Those who want to know have changed. */
  look(latencies: Latencies | undefined, tells: boolean): void {
    this.latencies = latencies;
    this.tells = tells;
  }

  /** An acquire that is served at once. @param below - what the caller has called */
  site(below: (...args: never[]) => unknown): LeaseSite | undefined {
    return this.leaks === undefined ? undefined : LeakWatch.site(below);
  }

  /** An acquire that joins the line. Where it has a deadline, that tells since when it waits. */
  arrival(below: (...args: never[]) => unknown, now: number, timeout: number): LeaseSite | undefined {
    if (this.leaks === undefined && timeout !== Infinity) return undefined;
    const site: LeaseSite = this.leaks === undefined ? {} : LeakWatch.site(below);
    site.joinedAt = now;
    return site;
  }

  /** Tells those who watch waits of one that has begun, and how it ends. */
  followWait(granted: Promise<Lease<T>>): Promise<Lease<T>> {
    for (const watcher of this.events.waitWatchers) {
      const over = watcher(this.pool, this.key);
      if (over === undefined) continue;
      granted.then(
        ({ id, reused }) => over({ id, reused }),
        (error: unknown) => over({ error }),
      );
    }
    return granted;
  }

  /** @param timeout - of the waiter, in milliseconds */
  served(waiter: Waiter<T>, timeout: number, connection: Connection<T>, reused: boolean, now: number): void {
    const site = waiter.extras?.site;
    const waited = now - (site?.joinedAt ?? waiter.deadline - timeout);
    this.lent(connection, reused, now, site, waited < SAME ? 0 : waited);
  }

  /** @param waited - in line, if it stood in one */
  lent(
    connection: Connection<T>,
    reused: boolean,
    now: number,
    site: LeaseSite | undefined,
    waited: number | undefined,
  ): void {
    if (this.leaks !== undefined && site !== undefined) this.leaks.taken(connection, site, now);
    if (this.latencies !== undefined) this.latencies.wait.record(waited ?? 0, now);
    // Where one borrower hands on to the next, first things are told first.
    if (this.over.size > 0) this.tellOfEnd(connection);
    if (this.tells) this.tellOfHandOut(connection, reused, waited);
  }

  private tellOfHandOut({ id }: Connection<T>, reused: boolean, waited: number | undefined): void {
    const { pool } = this;
    if (waited !== undefined) this.events.emitBorrowing({ type: 'waited', pool, id, durationMs: waited });
    this.events.emitBorrowing({ type: 'acquired', pool, id, reused, durationMs: waited ?? 0 });
  }

  /** A lease is over; it may not be told yet. */
  ended(connection: Connection<T>, now: number, by: ReleasedEvent['by']): void {
    const heldMs = now - connection.since;
    if (this.latencies !== undefined) this.latencies.use.record(heldMs, now);
    const leaked = this.leaks?.ended(connection) === true;
    if (leaked || this.tells) this.over.set(connection, { by, heldMs, leaked });
  }

  /** Now it may. */
  tellOfEnd(connection: Connection<T>): void {
    const over = this.over.size === 0 ? undefined : this.over.get(connection);
    if (over === undefined) return;
    this.over.delete(connection);
    const { pool, events } = this;
    const { id } = connection;
    const { by, heldMs, leaked } = over;
    if (leaked && by !== 'force' && events.wants('leak-returned'))
      events.emit({ type: 'leak-returned', pool, id, heldMs });
    if (this.tells) events.emitBorrowing({ type: 'released', pool, id, by, durationMs: heldMs });
  }
}
