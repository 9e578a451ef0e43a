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
      max: some.max / 1000,
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
  addNone(now: number): void;
  /** @param now - on the pool's clock */
  add(ms: number, now: number): void;
}

/** The durations of late. */
class Recent implements DurationListener {
  private previous = new Window();
  private present = new Window();
  private until = -Infinity;

  addNone(now: number): void {
    this.turn(now);
    this.present.none += 1;
  }

  add(ms: number, now: number): void {
    this.turn(now);
    this.present.some.record(Math.min(LONGEST, Math.max(1, Math.round(ms * 1000))));
  }

  summary(now: number): LatencySummary {
    this.turn(now);
    const both = new Window();
    both.add(this.previous);
    both.add(this.present);
    return both.summary();
  }

  private turn(now: number): void {
    if (now < this.until) return;
    this.previous = now < this.until + WINDOW ? this.present : new Window();
    this.present = new Window();
    this.until = now + WINDOW;
  }
}

/** Durations of one kind: each as it comes for whoever listens, and their percentiles of late, once somebody has read them. */
export class Durations {
  private listeners: readonly DurationListener[] = [];
  private recent: Recent | undefined = undefined;

  /** @param now - on the pool's clock */
  record(ms: number, now: number): void {
    const { listeners } = this;
    for (let place = 0; place < listeners.length; place += 1) {
      const listener = listeners[place] as DurationListener;
      if (ms > 0) listener.add(ms, now);
      else listener.addNone(now);
    }
  }

  summary(now: number): LatencySummary {
    this.recent ??= this.listen(new Recent());
    return this.recent.summary(now);
  }

  listen<L extends DurationListener>(listener: L): L {
    this.listeners = [...this.listeners, listener];
    return listener;
  }

  leave(listener: DurationListener): void {
    this.listeners = this.listeners.filter((other) => other !== listener);
  }
}

/** How long a pool's borrowers wait and hold, and how long its dials take. There is none until somebody wants to know. */
export class Latencies {
  readonly wait = new Durations();
  readonly use = new Durations();
  readonly dial = new Durations();

  read(now: number): PoolLatency {
    const { wait, use, dial } = this;
    return Object.freeze({ wait: wait.summary(now), use: use.summary(now), dial: dial.summary(now) });
  }
}
