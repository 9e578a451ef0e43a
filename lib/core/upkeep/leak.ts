import type { Alarm, Appointment } from '../alarm.js';
import type { PooledLease } from '../lease.js';

/** Reports leases held longer than a threshold: each once, with the place it was acquired at. */
export class LeakWatch<T> implements Appointment {
  at = 0;
  place = -1;
  /** In the order they were taken, which is the order they fall due in. */
  private readonly held = new Map<PooledLease<T>, number>();

  constructor(
    private readonly threshold: number,
    private readonly alarm: Alarm,
    private readonly report: (lease: PooledLease<T>, heldMs: number) => void,
    private readonly reportReturned: (lease: PooledLease<T>, heldMs: number) => void,
  ) {}

  /** Where the caller of `below` stands; the text of the stack is only made when somebody reads it. */
  static site(below: (...args: never[]) => unknown): { stack?: string } {
    const site: { stack?: string } = {};
    Error.captureStackTrace(site, below);
    return site;
  }

  taken(lease: PooledLease<T>, site: { stack?: string }, now: number): void {
    lease.site = Object.assign(site, { reported: false });
    this.held.set(lease, now);
    if (this.place === -1) this.alarm.set(this, now + this.threshold);
  }

  ended(lease: PooledLease<T>, takenAt: number, now: number): void {
    if (!this.held.delete(lease) && lease.site?.reported === true) this.reportReturned(lease, now - takenAt);
  }

  ring(now: number): void {
    for (const [lease, takenAt] of this.held) {
      if (now - takenAt < this.threshold) {
        this.alarm.set(this, takenAt + this.threshold);
        return;
      }
      this.held.delete(lease);
      if (lease.site !== undefined) lease.site.reported = true;
      this.report(lease, now - takenAt);
    }
  }
}
