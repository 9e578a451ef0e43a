import type { LatencySummary, ManagedPool } from '../core/index.js';

/** Percentiles of late, in milliseconds. */
export interface LatencyView {
  readonly p50: number;
  readonly p95: number;
  readonly p99: number;
}

/** How long acquires and dials took of late; neither is there when nothing of its kind has happened. */
export interface LatencyReading {
  readonly wait?: LatencyView;
  readonly dial?: LatencyView;
}

/** Measured from the first time it is asked for; `undefined` for a stranger's pool that does not measure. */
export function readLatency(pool: ManagedPool): LatencyReading | undefined {
  const { latency } = pool.stats({ latency: true });
  return latency && { wait: viewOf(latency.wait), dial: viewOf(latency.dial) };
}

function viewOf({ count, p50, p95, p99 }: LatencySummary): LatencyView | undefined {
  return count === 0 ? undefined : { p50: rounded(p50), p95: rounded(p95), p99: rounded(p99) };
}

/** To a hundredth: more digits are only bytes. */
function rounded(ms: number): number {
  return Math.round(ms * 100) / 100;
}
