import { BucketCounts, type BucketReading } from '../core/bucket-counts.js';
import { eventsOf } from '../core/pool-events.js';
import type { ManagedPool, PoolStats } from '../core/index.js';
import type { PoolRegistry } from '../nest/index.js';

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

  private readonly endFollowing: (() => void) | undefined;

  /**
   * @param pools - none: the application has hubs only
   * @param buckets - none: no histograms, and nothing is measured
   */
  constructor(
    private readonly pools: PoolRegistry | undefined,
    readonly buckets: Buckets | undefined,
  ) {
    this.endFollowing = pools?.follow((pool) => this.counts.set(pool, this.begin(pool)));
  }

  /** Lets go of those that are not registered any more. */
  private forget(): void {
    const present = new Set<ManagedPool>(this.pools ?? []);
    for (const pool of this.counts.keys()) if (!present.has(pool)) this.leave(pool);
  }

  /** All pools that are not closed. One scrape reads them once, however many metrics it asks for. */
  read(): readonly PoolReading[] {
    if (this.latest !== undefined) return this.latest;
    this.forget();
    queueMicrotask(() => (this.latest = undefined));
    this.latest = [...this.counts.keys()]
      .filter(({ state }) => state !== 'closed')
      .map((pool) => ({ name: pool.name, stats: pool.stats(), durations: this.durations(pool) }));
    return this.latest;
  }

  stop(): void {
    this.endFollowing?.();
    for (const pool of [...this.counts.keys()]) this.leave(pool);
  }

  private begin(pool: ManagedPool): Record<Kind, BucketCounts> | undefined {
    const { buckets } = this;
    const latencies = buckets === undefined ? undefined : eventsOf(pool)?.latencies();
    if (buckets === undefined || latencies === undefined) return undefined;
    const { wait, use, dial } = latencies;
    return {
      wait: wait.listen(counting(buckets.wait)),
      use: use.listen(counting(buckets.use)),
      dial: dial.listen(counting(buckets.dial)),
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
    for (const kind of KINDS) latencies[kind].leave(counts[kind]);
  }
}

/** @param seconds - upper bounds */
function counting(seconds: readonly number[]): BucketCounts {
  return new BucketCounts(seconds.map((bound) => bound * 1000));
}
