import type { Alarm, Appointment } from '../alarm.js';
import type { Connection } from '../connection.js';

/** Where an acquire was called, and when; the text is only made when it is read. */
export interface LeaseSite {
  stack?: string;
  /** Where it had to wait: since then. */
  joinedAt?: number;
}

/** A lease that is watched. */
interface Held {
  readonly site: LeaseSite;
  readonly takenAt: number;
  reported: boolean;
}

/** Reports connections that are leased for longer than a threshold: once for each lease, with its acquire's stack. */
export class LeakWatch<T> implements Appointment {
  at = 0;
  place = -1;
  /** In the order they were taken, which is the order they fall due in. */
  private readonly held = new Map<Connection<T>, Held>();

  constructor(
    private readonly threshold: number,
    private readonly alarm: Alarm,
    private readonly report: (connection: Connection<T>, heldMs: number, stack: string) => void,
  ) {}

  /** Where the caller of `below` stands. */
  static site(below: (...args: never[]) => unknown): LeaseSite {
    const site: LeaseSite = {};
    Error.captureStackTrace(site, below);
    return site;
  }

  taken(connection: Connection<T>, site: LeaseSite, now: number): void {
    this.held.set(connection, { site, takenAt: now, reported: false });
    if (this.place === -1) this.alarm.set(this, now + this.threshold);
  }

  /** @returns whether the lease had been reported */
  ended(connection: Connection<T>): boolean {
    const held = this.held.get(connection);
    this.held.delete(connection);
    return held?.reported === true;
  }

  stackOf(connection: Connection<T>): string | undefined {
    const held = this.held.get(connection);
    return held === undefined ? undefined : frames(held.site);
  }

  ring(now: number): void {
    for (const [connection, held] of this.held) {
      if (held.reported) continue;
      // The same sum as the appointment's: a difference may be rounded the other way, and ring for ever.
      const due = held.takenAt + this.threshold;
      if (now < due) return this.alarm.set(this, due);
      held.reported = true;
      this.report(connection, now - held.takenAt, frames(held.site));
    }
  }
}

/** The frames alone: the first line of a captured stack names an object that is none of the reader's business. */
function frames({ stack = '' }: LeaseSite): string {
  return stack.slice(stack.indexOf('\n') + 1);
}
