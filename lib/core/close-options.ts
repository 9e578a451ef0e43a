import { InvalidOptionsError } from './errors.js';
import { readFields } from './fields.js';
import type { CloseOptions } from './managed-pool.js';
import { callDuration } from './options.js';

/**
 * Checks the options of one `close()`.
 *
 * @param usual - the pool's own drain, in milliseconds
 * @returns how long it may drain, in milliseconds
 * @throws InvalidOptionsError
 */
export function resolveDrain(pool: string, options: CloseOptions, usual: number): number {
  const { fields, problems } = readFields(options, ['drain']);
  const { drain = usual } = fields;
  const limit = callDuration('drain', drain, 'at once');
  if (typeof limit !== 'number') problems.push(limit);
  if (problems.length > 0 || typeof limit !== 'number') throw new InvalidOptionsError(pool, problems);
  return limit;
}
