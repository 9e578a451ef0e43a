import type { CloseReason } from './connector.js';
import type { PoolLatency } from './latency.js';

export type { LatencySummary, PoolLatency } from './latency.js';

/** `'open'` lends; `'paused'` lends nothing; `'draining'` waits for leases to come back; `'closed'` is the end. */
export type PoolState = 'open' | 'paused' | 'draining' | 'closed';

/** Counts of one instant: a plain frozen object. `size = idle + leased + dialing + checking + closing`, always. */
export interface PoolStats {
  readonly name: string;
  readonly state: PoolState;
  readonly max: number;
  readonly min: number;
  readonly maxIdle: number;
  /** Everything that exists, also what is still being made or ended. */
  readonly size: number;
  /** Ready to be lent. */
  readonly idle: number;
  readonly leased: number;
  /** Being dialled, the first heartbeat included. */
  readonly dialing: number;
  /** Under a heartbeat or a reset. */
  readonly checking: number;
  readonly closing: number;
  /** Acquires in line. */
  readonly waiting: number;
  readonly totals: PoolTotals;
  /** Only of `stats({ latency: true })`. */
  readonly latency?: PoolLatency;
}

/** What `stats()` says more of when asked. */
export interface StatsOptions {
  /** How long acquires wait, leases last and dials take. Measured from the first time it is asked for. */
  readonly latency: boolean;
}

/** Counts since the pool was made; they only grow. */
export interface PoolTotals {
  /** Leases granted, by `acquire`, `tryAcquire` and `use`. */
  readonly acquired: number;
  /** Of those, on a connection that had served before or had been idle. */
  readonly reused: number;
  /** Dials that gave a connection fit for use. */
  readonly dialed: number;
  /** Dial attempts that did not. */
  readonly dialFailures: number;
  /** Acquires that missed their deadline. */
  readonly timeouts: number;
  /** Acquires ended by their signal. */
  readonly aborted: number;
  /** Acquires refused at once because the pool was exhausted. */
  readonly refused: number;
  /** Connections found dead by `watch` or `isAlive`. */
  readonly lost: number;
  readonly heartbeats: number;
  readonly heartbeatFailures: number;
  /** Leases reported as leaked. */
  readonly leaks: number;
  /** Connections that left the pool with their borrower. */
  readonly detached: number;
  /** Connections whose close has ended, by reason. */
  readonly closed: Readonly<Record<CloseReason, number>>;
}

/** One live connection, as `inspect()` shows it. Durations in milliseconds. */
export interface ConnInfo {
  readonly id: number;
  readonly state: 'dialing' | 'checking' | 'idle' | 'leased' | 'resetting' | 'closing';
  /** Since it was dialled. */
  readonly age: number;
  /** Since it was last used; 0 unless idle or being checked. */
  readonly idle: number;
  /** How often it has been lent. */
  readonly uses: number;
  /** Who holds it, when it is leased. */
  readonly lease?: {
    readonly held: number;
    /** Where it was acquired; only with `leakThreshold` on. */
    readonly stack?: string;
  };
}

/** What `heartbeat()` found. */
export interface HeartbeatReport {
  /** Connections asked. */
  readonly checked: number;
  /** Of those, how many answered in time. */
  readonly healthy: number;
  /** Of those, how many answered with an error or, by the deadline, not at all. */
  readonly failed: number;
  /** The slowest answer, in milliseconds; 0 when nothing was asked. */
  readonly latencyMs: number;
  /** The first failure seen. */
  readonly cause?: unknown;
}

/** What `close()` did. */
export interface CloseReport {
  /** Connections closed by this close, the forced ones included. */
  readonly closed: number;
  /** Of those, taken from a borrower (or a check) that had not given it back when `drain` ended. */
  readonly forced: number;
  /** Closes that threw or had no answer by `closeTimeout`. */
  readonly failed: number;
  readonly durationMs: number;
}
