import { BucketCounts, type BucketReading } from '../core/bucket-counts.js';
import { eventsOf } from '../core/pool-events.js';
import type { ManagedPool, PoolStats } from '../core/index.js';
import type { PoolRegistry } from '../nest/index.js';
import { StatsReader } from '../nest/stats-reader.js';

/** Of which durations there are histograms. */
export type Kind = 'wait' | 'use' | 'dial';
/** Upper bounds of buckets, in seconds, rising. */
export type Buckets = Readonly<Record<Kind, readonly number[]>>;

export const KINDS: readonly Kind[] = ['wait', 'use', 'dial'];

/** A pool as it is at one scrape. */
export interface PoolReading {
  /** What it is registered as. */
  readonly name: string;
  /** Of a pool that is not of this package, numbers may be missing. */
  readonly stats: Partial<PoolStats>;
  /** None of a pool that is not of this package. */
  readonly durations: Readonly<Record<Kind, BucketReading>> | undefined;
}

interface Followed {
  readonly name: string;
  readonly pool: ManagedPool;
  readonly counts: Readonly<Record<Kind, BucketCounts>> | undefined;
}

/** Follows the pools of one application: what of theirs must be counted as it happens is counted from here on. */
export class PoolReadings {
  private readonly followed = new Set<Followed>();
  private readonly reader = new StatsReader();
  private latest: readonly PoolReading[] | undefined;

  private readonly endFollowing: (() => void) | undefined;

  /**
   * @param pools - none: the application has hubs only
   * @param buckets - none: no histograms, and nothing is measured
   */
  constructor(
    pools: PoolRegistry | undefined,
    readonly buckets: Buckets | undefined,
  ) {
    this.endFollowing = pools?.follow((pool, name) => this.begin(pool, name));
  }

  /** All pools that are not closed. One scrape reads them once, however many metrics it asks for. */
  read(): readonly PoolReading[] {
    if (this.latest !== undefined) return this.latest;
    queueMicrotask(() => (this.latest = undefined));
    this.latest = Array.from(this.followed).flatMap(({ name, pool, counts }) => {
      const stats = this.reader.read(name, pool);
      return stats === undefined ? [] : [{ name, stats, durations: counts && readingsOf(counts) }];
    });
    return this.latest;
  }

  stop(): void {
    this.endFollowing?.();
  }

  private begin(pool: ManagedPool, name: string): () => void {
    const { buckets } = this;
    const latencies = buckets && eventsOf(pool)?.latencies();
    const counts = latencies && {
      wait: latencies.wait.listen(counting(buckets.wait)),
      use: latencies.use.listen(counting(buckets.use)),
      dial: latencies.dial.listen(counting(buckets.dial)),
    };
    const followed = { name, pool, counts };
    this.followed.add(followed);
    return () => {
      this.followed.delete(followed);
      if (counts !== undefined) for (const kind of KINDS) latencies?.[kind].leave(counts[kind]);
    };
  }
}

function readingsOf({ wait, use, dial }: Record<Kind, BucketCounts>): Record<Kind, BucketReading> {
  return { wait: wait.read(), use: use.read(), dial: dial.read() };
}

/** @param seconds - upper bounds */
function counting(seconds: readonly number[]): BucketCounts {
  return new BucketCounts(seconds.map((bound) => bound * 1000));
}
