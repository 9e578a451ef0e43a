import type { Duration } from './duration.js';
import { InvalidOptionsError } from './errors.js';
import type { Place } from './line.js';
import { readFields } from './fields.js';
import { callDuration } from './options.js';
import { signalProblems } from './signal-problems.js';

/** How one acquire differs from the others. */
export interface AcquireOptions {
  /** Ends the wait; the acquire rejects with the signal's own reason. */
  signal?: AbortSignal;
  /** One deadline for the whole acquire. 0 or `Infinity` = none. Default: the pool's `acquireTimeout`. */
  timeout?: Duration;
  /** Higher is served first. Default 0. */
  priority?: number;
  /** Dials a new connection even when idle ones exist; at `max` an idle one is closed to make room. Default false. */
  fresh?: boolean;
}

/**
 * Checks the options of one acquire.
 *
 * @param usual - the place of an acquire that says nothing
 * @throws InvalidOptionsError with every bad field
 */
export function resolvePlace(pool: string, options: AcquireOptions, usual: Place): Place {
  const { fields, problems } = readFields(options, ['signal', 'timeout', 'priority', 'fresh']);
  const { timeout, priority = 0, fresh = false, signal } = fields;
  if (!Number.isFinite(priority))
    problems.push({ path: 'priority', given: priority, allowed: 'a finite number' });
  if (typeof fresh !== 'boolean') problems.push({ path: 'fresh', given: fresh, allowed: 'true or false' });
  problems.push(...signalProblems(signal));
  const limit = timeout === undefined ? usual.timeout : callDuration('timeout', timeout, 'none');
  if (typeof limit !== 'number') problems.push(limit);
  if (problems.length > 0 || typeof limit !== 'number') throw new InvalidOptionsError(pool, problems);
  return { timeout: limit, priority, fresh, signal };
}
