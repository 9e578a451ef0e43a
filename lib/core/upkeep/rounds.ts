import type { Alarm, Appointment } from '../alarm.js';
import type { Connection } from '../connection.js';
import type { IdleList } from '../idle-list.js';

/** What upkeep may do to a pool. */
interface Keeper<T> {
  /** Whether one idle connection less would still leave `min`. */
  maySpare(): boolean;
  end(connection: Connection<T>, reason: 'idle-timeout' | 'max-lifetime'): void;
  check(connection: Connection<T>): void;
}

/** What is wrong with an idle connection that has fallen due. */
export type Verdict = 'max-lifetime' | 'idle-timeout' | 'check' | undefined;

/**
 * What time does to idle connections: too old, idle too long, unchecked too long. Every hand-out asks it for a
 * verdict on what has fallen due, so the limits hold also when timers did not run (a frozen process); between
 * hand-outs it makes rounds by itself, at the moment the next connection falls due.
 */
export class Rounds<T> implements Appointment {
  at = 0;
  place = -1;
  /** Whether idle connections are checked in the background, too. */
  checksIdle = false;
  /** Since the last one became idle. */
  private allSuspect = false;

  constructor(
    private readonly idleTimeout: number,
    private readonly heartbeatInterval: number,
    private readonly idle: IdleList<T>,
    private readonly alarm: Alarm,
    private readonly keeper: Keeper<T>,
  ) {}

  /** The connection was used or checked just now. */
  sound(connection: Connection<T>, now: number): void {
    connection.checkAt = now + this.heartbeatInterval;
  }

  /** The connection has become idle, last used at `connection.since`. */
  shelved(connection: Connection<T>): void {
    this.allSuspect = false;
    const { expiresAt, checkAt } = connection;
    const until = connection.since + this.idleTimeout;
    const unlessUsed = until < expiresAt ? until : expiresAt;
    const due = checkAt < unlessUsed ? checkAt : unlessUsed;
    connection.dueAt = due;
    if (this.place === -1 || due < this.at) this.wakeAt(this.checksIdle ? due : unlessUsed);
  }

  /** Something has shaken the trust in all of them: none is lent unchecked. */
  suspect(now: number): void {
    if (this.heartbeatInterval === Infinity || this.allSuspect) return;
    // Ten thousand that die together would look at each other ten thousand times.
    this.allSuspect = true;
    for (let each = this.idle.first; each !== undefined; each = each.next) each.checkAt = each.dueAt = now;
  }

  verdict(connection: Connection<T>, now: number): Verdict {
    if (now >= connection.expiresAt) return 'max-lifetime';
    if (now >= connection.since + this.idleTimeout && this.keeper.maySpare()) return 'idle-timeout';
    return now >= connection.checkAt ? 'check' : undefined;
  }

  /** Looks at every idle connection now, the one unused for the longest first. */
  ring(now: number): void {
    for (const connection of this.idle.byAge()) {
      if (connection.state !== 'idle') continue;
      const verdict = this.verdict(connection, now);
      if (verdict === 'check') {
        if (this.checksIdle) this.keeper.check(connection);
      } else if (verdict !== undefined) this.keeper.end(connection, verdict);
    }
    this.next(now);
  }

  private next(now: number): void {
    let wake = Infinity;
    for (let each = this.idle.first; each !== undefined; each = each.next) {
      const until = each.since + this.idleTimeout;
      wake = Math.min(wake, each.expiresAt, this.checksIdle ? each.checkAt : Infinity);
      // What only `min` has spared is looked at again when the next one falls due.
      if (until > now) wake = Math.min(wake, until);
    }
    this.wakeAt(Math.max(wake, now));
  }

  private wakeAt(at: number): void {
    if (at < Infinity && (this.place === -1 || at < this.at)) this.alarm.set(this, at);
  }
}
