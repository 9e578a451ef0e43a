import { InvalidOptionsError } from './errors.js';
import { readFields } from './fields.js';
import type { HeartbeatOptions } from './managed-pool.js';
import { callDuration } from './options.js';
import { signalProblems } from './signal-problems.js';

/**
 * Checks the options of one `heartbeat()`.
 *
 * @param usual - how long it may take if nothing is said, in milliseconds
 * @returns the limit in milliseconds; `Infinity` = none
 * @throws InvalidOptionsError with every bad field
 */
export function resolveHeartbeat(
  pool: string,
  options: HeartbeatOptions,
  usual: number,
): { signal: AbortSignal | undefined; limit: number; dialIfNone: boolean } {
  const { fields, problems } = readFields(options, ['timeout', 'signal', 'dialIfNone']);
  const { signal, timeout = usual, dialIfNone = false } = fields;
  const limit = callDuration('timeout', timeout, 'none');
  if (typeof limit !== 'number') problems.push(limit);
  if (typeof dialIfNone !== 'boolean') {
    problems.push({ path: 'dialIfNone', given: dialIfNone, allowed: 'true or false' });
  }
  problems.push(...signalProblems(signal));
  if (problems.length > 0 || typeof limit !== 'number') throw new InvalidOptionsError(pool, problems);
  return { signal, limit, dialIfNone };
}
