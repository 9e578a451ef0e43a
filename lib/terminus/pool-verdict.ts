import type { HeartbeatReport, PoolState, PoolStats } from '../core/index.js';
import { causeText } from '../nest/cause-text.js';

/** How a pool is, and why. */
export interface PoolVerdict {
  readonly status: 'up' | 'degraded' | 'down';
  /** A sentence about the pool, unless all is well. */
  readonly message?: string;
  /** What went wrong with its connections, in one line. */
  readonly cause?: string;
}

/** A pool in any other state lends nothing, or will soon: nobody should be sent here. */
export function verdictOfState(name: string, state: PoolState): PoolVerdict | undefined {
  return state === 'open' ? undefined : down(`Pool "${name}" is ${state}.`);
}

/** What a heartbeat's report says about a pool that is open. */
export function verdictOfReport(name: string, stats: PoolStats, report: HeartbeatReport): PoolVerdict {
  const { checked, healthy } = report;
  if (checked === 0) return verdictUnasked(name, stats);
  if (healthy > 0) return { status: 'up' };
  const asked = checked === 1 ? 'its connection' : `all ${checked} connections it asked`;
  return down(`Pool "${name}" had no good answer from ${asked}`, report.cause);
}

/** Not even a heartbeat could be had. */
export function verdictOfError(name: string, error: unknown): PoolVerdict {
  return down(`Pool "${name}" cannot be checked`, error);
}

/**
 * There was no connection to ask. A full pool all of whose connections are at work serves, only not everybody at once;
 * one that is full of connections being closed serves nobody; one that is not full and cannot dial by itself is at rest.
 */
function verdictUnasked(name: string, { size, max, leased, closing, waiting }: PoolStats): PoolVerdict {
  if (size > 0 && closing === size) {
    return down(`Pool "${name}" has no connection to lend: ${closing} of ${size} are being closed.`);
  }
  if (max > 0 && size >= max) {
    return {
      status: 'degraded',
      message: `Pool "${name}" is saturated: ${leased} of ${max} connections are leased, ${waiting} waiting.`,
    };
  }
  return { status: 'up' };
}

function down(message: string, error?: unknown): PoolVerdict {
  const cause = causeText(error);
  return cause === ''
    ? { status: 'down', message }
    : { status: 'down', message: `${message}: ${cause}`, cause };
}
