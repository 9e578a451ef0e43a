import { createHistogram, type RecordableHistogram } from 'node:perf_hooks';

/** How long something took, of late; in milliseconds. All 0 when nothing of the kind has happened. */
export interface LatencySummary {
  readonly count: number;
  readonly min: number;
  readonly mean: number;
  readonly p50: number;
  readonly p90: number;
  readonly p95: number;
  readonly p99: number;
  readonly p999: number;
  readonly max: number;
}

/** What `stats({ latency: true })` says about time: of the last minute at least, of the last two at most. */
export interface PoolLatency {
  /** From the acquire to the hand-out; 0 = served at once. Acquires that fail are not in it. */
  readonly wait: LatencySummary;
  /** From the hand-out to the return. */
  readonly use: LatencySummary;
  /** Of dials that gave a connection fit for use, the first heartbeat included. */
  readonly dial: LatencySummary;
}

/** What is read at a time: the histogram that fills, and the one before it. Milliseconds. */
const WINDOW = 60_000;
/** Microseconds are recorded; longer than a day counts as a day. */
const LONGEST = 24 * 3600 * 1_000_000;
/** Two digits are right to one percent, and take a tenth of the memory of three. */
const RANGE = { lowest: 1, highest: LONGEST, figures: 2 };

/** The durations of one window. Most acquires take no time at all: they are counted, as recording costs more than they do. */
class Window {
  none = 0;
  readonly some: RecordableHistogram = createHistogram(RANGE);

  add({ none, some }: Window): void {
    this.none += none;
    this.some.add(some);
  }

  summary(): LatencySummary {
    const { none, some } = this;
    const count = none + some.count;
    if (count === 0) return NOTHING;
    const at = (percent: number): number => {
      const beyond = (percent / 100) * count - none;
      return beyond <= 0 ? 0 : some.percentile((100 * beyond) / some.count) / 1000;
    };
    return Object.freeze({
      count,
      min: none > 0 ? 0 : some.min / 1000,
      mean: some.count === 0 ? 0 : (some.mean * some.count) / count / 1000,
      p50: at(50),
      p90: at(90),
      p95: at(95),
      p99: at(99),
      p999: at(99.9),
      max: some.count === 0 ? 0 : some.max / 1000,
    });
  }
}

const NOTHING: LatencySummary = Object.freeze({
  count: 0,
  min: 0,
  mean: 0,
  p50: 0,
  p90: 0,
  p95: 0,
  p99: 0,
  p999: 0,
  max: 0,
});

/** Who hears of each duration, when it ends. It must not throw. */
export interface DurationListener {
  /** Of one that took no time that the pool's clock could see. */
  addNone(): void;
  add(ms: number): void;
}

/** Durations of one kind: their percentiles of late, and each as it comes for whoever listens. */
export class Durations {
  private previous = new Window();
  private present = new Window();
  private readonly listeners = new Set<DurationListener>();

  constructor(private until: number) {}

  /** @param now - on the pool's clock */
  record(ms: number, now: number): void {
    if (now >= this.until) this.turn(now);
    if (ms > 0) this.recordSome(ms);
    else this.recordNone();
  }

  private recordNone(): void {
    this.present.none += 1;
    for (const listener of this.listeners) listener.addNone();
  }

  private recordSome(ms: number): void {
    this.present.some.record(Math.min(LONGEST, Math.max(1, Math.round(ms * 1000))));
    for (const listener of this.listeners) listener.add(ms);
  }

  summary(now: number): LatencySummary {
    if (now >= this.until) this.turn(now);
    const both = new Window();
    both.add(this.previous);
    both.add(this.present);
    return both.summary();
  }

  listen<L extends DurationListener>(listener: L): L {
    this.listeners.add(listener);
    return listener;
  }

  leave(listener: DurationListener): void {
    this.listeners.delete(listener);
  }

  private turn(now: number): void {
    this.previous = now < this.until + WINDOW ? this.present : new Window();
    this.present = new Window();
    this.until = now + WINDOW;
  }
}

/** How long a pool's borrowers wait and hold, and how long its dials take. There is none until somebody reads it. */
export class Latencies {
  readonly wait: Durations;
  readonly use: Durations;
  readonly dial: Durations;

  constructor(now: number) {
    this.wait = new Durations(now + WINDOW);
    this.use = new Durations(now + WINDOW);
    this.dial = new Durations(now + WINDOW);
  }

  read(now: number): PoolLatency {
    const { wait, use, dial } = this;
    return Object.freeze({ wait: wait.summary(now), use: use.summary(now), dial: dial.summary(now) });
  }
}
