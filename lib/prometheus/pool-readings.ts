import type { BucketCounts, BucketReading } from '../core/bucket-counts.js';
import { eventsOf } from '../core/pool-events.js';
import type { ManagedPool, PoolStats } from '../core/index.js';

/** Of which durations there are histograms. */
export type Kind = 'wait' | 'use' | 'dial';
/** Upper bounds of buckets, in seconds, rising. */
export type Buckets = Readonly<Record<Kind, readonly number[]>>;

export const KINDS: readonly Kind[] = ['wait', 'use', 'dial'];

/** A pool as it is at one scrape. */
export interface PoolReading {
  readonly name: string;
  readonly stats: PoolStats;
  /** None of a pool that is not of this package. */
  readonly durations: Readonly<Record<Kind, BucketReading>> | undefined;
}

/** Follows the pools of one application: what of theirs must be counted as it happens is counted from here on. */
export class PoolReadings {
  private readonly counts = new Map<ManagedPool, Record<Kind, BucketCounts> | undefined>();
  private latest: readonly PoolReading[] | undefined;

  /** @param buckets - none: no histograms, and nothing is measured */
  constructor(
    private readonly pools: Iterable<ManagedPool>,
    readonly buckets: Buckets | undefined,
  ) {}

  /** Begins with the pools that are there; those that come later are found at the next scrape. */
  follow(): void {
    const present = new Set(this.pools);
    for (const pool of present) {
      if (!this.counts.has(pool)) this.counts.set(pool, this.begin(pool));
    }
    for (const pool of this.counts.keys()) if (!present.has(pool)) this.leave(pool);
  }

  /** All pools that are not closed. One scrape reads them once, however many metrics it asks for. */
  read(): readonly PoolReading[] {
    if (this.latest !== undefined) return this.latest;
    this.follow();
    queueMicrotask(() => (this.latest = undefined));
    this.latest = [...this.counts.keys()]
      .filter(({ state }) => state !== 'closed')
      .map((pool) => ({ name: pool.name, stats: pool.stats(), durations: this.durations(pool) }));
    return this.latest;
  }

  stop(): void {
    for (const pool of [...this.counts.keys()]) this.leave(pool);
  }

  private begin(pool: ManagedPool): Record<Kind, BucketCounts> | undefined {
    const { buckets } = this;
    const latencies = buckets === undefined ? undefined : eventsOf(pool)?.latencies();
    if (buckets === undefined || latencies === undefined) return undefined;
    const { wait, use, dial } = latencies;
    return {
      wait: wait.count(inMs(buckets.wait)),
      use: use.count(inMs(buckets.use)),
      dial: dial.count(inMs(buckets.dial)),
    };
  }

  private durations(pool: ManagedPool): Record<Kind, BucketReading> | undefined {
    const counts = this.counts.get(pool);
    if (counts === undefined) return undefined;
    return { wait: counts.wait.read(), use: counts.use.read(), dial: counts.dial.read() };
  }

  private leave(pool: ManagedPool): void {
    const counts = this.counts.get(pool);
    this.counts.delete(pool);
    const latencies = counts === undefined ? undefined : eventsOf(pool)?.latencies();
    if (counts === undefined || latencies === undefined) return;
    for (const kind of KINDS) latencies[kind].countNoMore(counts[kind]);
  }
}

function inMs(seconds: readonly number[]): number[] {
  return seconds.map((bound) => bound * 1000);
}
