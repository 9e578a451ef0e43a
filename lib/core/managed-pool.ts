import type { Observable } from 'rxjs';
import type { PoolEvent } from './events.js';
import type { Duration } from './duration.js';
import type { CloseReport, HeartbeatReport, PoolState, PoolStats, StatsOptions } from './stats.js';

/** What every kind of pool shares: enough to be registered, started, health-checked, measured and closed. */
export interface ManagedPool {
  readonly name: string;
  readonly state: PoolState;
  readonly events$: Observable<PoolEvent>;
  start(): Promise<void>;
  stats(options?: StatsOptions): PoolStats;
  heartbeat(options?: HeartbeatOptions): Promise<HeartbeatReport>;
  close(options?: CloseOptions): Promise<CloseReport>;
}

export interface HeartbeatOptions {
  /** How long the report may take; default: the pool's `heartbeatTimeout`. Slower answers count as failed. */
  timeout?: Duration;
  /** Rejects the call with its reason; running checks go on. */
  signal?: AbortSignal;
  /** With nothing to check and room for one more, dial a connection and report on that. Default false. */
  dialIfNone?: boolean;
}

export interface CloseOptions {
  /** How long borrowers may keep what they hold; default: the pool's `drain`. 0 = force at once. */
  drain?: Duration;
}
