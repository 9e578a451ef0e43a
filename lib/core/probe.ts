import type { Alarm, Appointment } from './alarm.js';
import type { Connection } from './connection.js';
import type { HeartbeatReport } from './stats.js';

/** One `heartbeat()` in progress: the connections it asked and what they answered. */
export class Probe<T> implements Appointment {
  at = 0;
  place = -1;
  readonly report: Promise<HeartbeatReport>;
  private readonly asked = new Set<Connection<T>>();
  private checked = 0;
  private healthy = 0;
  private latencyMs = 0;
  private cause: unknown = undefined;
  private sealed = false;
  private settle: (report: HeartbeatReport) => void = () => undefined;

  constructor(
    private readonly startedAt: number,
    private readonly alarm: Alarm,
    private readonly late: unknown,
    private readonly over: (probe: Probe<T>) => void,
  ) {
    this.report = new Promise((resolve) => (this.settle = resolve));
  }

  /** Counts a connection in; its answer comes by `answer`. */
  ask(connection: Connection<T>): void {
    this.asked.add(connection);
    this.checked += 1;
  }

  /** No more connections are counted in. */
  seal(): void {
    this.sealed = true;
    if (this.asked.size === 0) this.finish();
  }

  answer(connection: Connection<T>, now: number, healthy: boolean, cause?: unknown): void {
    if (!this.asked.delete(connection)) return;
    this.latencyMs = Math.max(this.latencyMs, now - this.startedAt);
    if (healthy) this.healthy += 1;
    else this.cause ??= cause;
    if (this.sealed && this.asked.size === 0) this.finish();
  }

  /** A connection was lent before it could be asked: it is in use, and nobody will answer for it. */
  withdraw(connection: Connection<T>): void {
    if (!this.asked.delete(connection)) return;
    this.checked -= 1;
    if (this.sealed && this.asked.size === 0) this.finish();
  }

  /** A connection that need not be asked: the answer is known. */
  known(healthy: boolean, cause?: unknown): void {
    this.checked += 1;
    if (healthy) this.healthy += 1;
    else this.cause ??= cause;
  }

  ring(now: number): void {
    this.latencyMs = now - this.startedAt;
    this.cause ??= this.late;
    this.finish();
  }

  /** Nobody waits for the report any more. */
  abandon(): void {
    this.finish();
  }

  private finish(): void {
    this.alarm.cancel(this);
    this.over(this);
    const { checked, healthy, latencyMs, cause } = this;
    const failed = checked - healthy;
    this.settle(Object.freeze({ checked, healthy, failed, latencyMs, ...(failed > 0 ? { cause } : {}) }));
  }
}
