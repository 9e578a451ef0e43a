import type { Duration } from './duration.js';
import { InvalidOptionsError, type OptionProblem } from './errors.js';
import type { Place } from './line.js';
import { nameProblems, resolveCallDuration } from './options.js';

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
  const problems: OptionProblem[] = nameProblems(options, ['signal', 'timeout', 'priority', 'fresh']);
  const { timeout, priority = 0, fresh = false, signal } = options ?? {};
  if (!Number.isFinite(priority))
    problems.push({ path: 'priority', given: priority, allowed: 'a finite number' });
  if (typeof fresh !== 'boolean') problems.push({ path: 'fresh', given: fresh, allowed: 'true or false' });
  if (signal !== undefined && typeof signal?.addEventListener !== 'function') {
    problems.push({ path: 'signal', given: signal, allowed: 'an AbortSignal' });
  }
  if (problems.length > 0) throw new InvalidOptionsError(pool, problems);
  if (timeout === undefined) return { ...usual, priority, fresh, signal };
  return { timeout: resolveCallDuration(pool, 'timeout', timeout, 'none'), priority, fresh, signal };
}
