import { type Alarm, type Appointment, Errand } from './alarm.js';
import type { TurnClock } from './clock.js';
import type { Runtime } from './runtime.js';
import type { CloseReport } from './stats.js';
import type { Totals } from './totals.js';

/** What a pool does when its time to drain is over: takes back and closes whatever is there. */
interface Draining {
  force(): void;
}

/** What has failed to close, or was closed by force. Only the end of a pool uses force. */
interface Losses {
  readonly closeFailures: number;
  readonly forced: number;
}

/** The end of a pool, from the first `close()` to its report. */
export class Closing {
  readonly report: Promise<CloseReport>;
  private resolve: (report: CloseReport) => void = () => undefined;
  private readonly alarm: Alarm;
  private readonly turn: TurnClock;
  private readonly drainEnd: Appointment;
  private readonly startedAt: number;
  /** What stood on the counters when it began. */
  private readonly closed: number;
  private readonly failed: number;

  constructor(
    private readonly pool: Draining,
    private readonly losses: Losses,
    private readonly totals: Totals,
    { alarm, turn }: Runtime,
  ) {
    this.alarm = alarm;
    this.turn = turn;
    this.drainEnd = new Errand<Draining>(pool, (draining) => draining.force());
    this.startedAt = turn.read();
    this.closed = closedSoFar(totals);
    this.failed = losses.closeFailures;
    this.report = new Promise((resolve) => (this.resolve = resolve));
  }

  /** Bounds the drain; a later call can but shorten it. */
  drainBy(at: number): void {
    if (this.drainEnd.at <= at) return;
    if (at <= this.turn.now()) this.pool.force();
    else this.alarm.set(this.drainEnd, at);
  }

  /** What has happened since it began. */
  sum(): CloseReport {
    return Object.freeze({
      closed: closedSoFar(this.totals) - this.closed,
      forced: this.losses.forced,
      failed: this.losses.closeFailures - this.failed,
      durationMs: this.turn.read() - this.startedAt,
    });
  }

  end(report: CloseReport): void {
    this.resolve(report);
  }
}

/** Connections closed, for whatever reason. */
export function closedSoFar({ closed }: Totals): number {
  return Object.values(closed).reduce((sum, count) => sum + count);
}
