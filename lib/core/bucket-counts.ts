import type { DurationListener } from './latency.js';

/** What has been counted so far; it only grows. Durations in milliseconds. */
export interface BucketReading {
  /** By bound, in their order: how many durations were at most that long. */
  readonly upTo: readonly number[];
  readonly count: number;
  readonly sum: number;
}

/** Counts durations by fixed bounds, from its making on: what a Prometheus histogram is made of. */
export class BucketCounts implements DurationListener {
  private readonly counts: Float64Array;
  private none = 0;
  private sum = 0;

  /** @param bounds - in milliseconds, rising */
  constructor(private readonly bounds: readonly number[]) {
    this.counts = new Float64Array(bounds.length + 1);
  }

  addNone(): void {
    this.none += 1;
  }

  add(ms: number): void {
    this.sum += ms;
    let place = 0;
    // Behind the last bound nothing is greater.
    while (ms > (this.bounds[place] as number)) place += 1;
    this.counts[place] = (this.counts[place] as number) + 1;
  }

  read(): BucketReading {
    let count = this.none;
    const upTo = this.bounds.map((_, place) => (count += this.counts[place] as number));
    return { upTo, count: count + (this.counts[this.bounds.length] as number), sum: this.sum };
  }
}
