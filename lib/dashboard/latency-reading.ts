import type { ManagedPool } from '../core/index.js';

/** Percentiles of late, in milliseconds; `undefined` when nothing of the kind has happened. */
export interface LatencyView {
  readonly p50: number;
  readonly p95: number;
  readonly p99: number;
}

/** What a pool says about time. A stranger's may say nothing. */
export interface LatencyReading {
  readonly wait?: LatencyView;
  readonly dial?: LatencyView;
}

interface Summary extends LatencyView {
  readonly count: number;
}

/** A pool that measures, from the first time it is asked. */
interface MeasuringPool {
  stats(options: { latency: true }): { latency?: { wait: Summary; dial: Summary } };
}

/** How long its acquires and dials took of late; `undefined` for a pool that does not measure. */
export function readLatency(pool: ManagedPool): LatencyReading | undefined {
  const { latency } = (pool as unknown as MeasuringPool).stats({ latency: true });
  if (latency === undefined) return undefined;
  return { wait: viewOf(latency.wait), dial: viewOf(latency.dial) };
}

function viewOf({ count, p50, p95, p99 }: Summary): LatencyView | undefined {
  return count === 0 ? undefined : { p50, p95, p99 };
}
