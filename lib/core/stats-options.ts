import { InvalidOptionsError } from './errors.js';
import { readFields } from './fields.js';
import type { StatsOptions } from './stats.js';

/**
 * Whether `stats()` is asked for latencies.
 *
 * @throws InvalidOptionsError
 */
export function wantsLatency(pool: string, options: StatsOptions | undefined): boolean {
  if (options === undefined) return false;
  const { fields, problems } = readFields<StatsOptions>(options, ['latency']);
  const { latency } = fields;
  if (latency !== undefined && typeof latency !== 'boolean')
    problems.push({ path: 'latency', given: latency, allowed: 'true or false' });
  if (problems.length > 0) throw new InvalidOptionsError(pool, problems);
  return latency === true;
}

/** A pool by keys is asked for a key or with options, and keys may be objects: only this and no more is options. */
export function isStatsOptions(asked: unknown): asked is StatsOptions {
  if (typeof asked !== 'object' || asked === null) return false;
  const fields = Object.keys(asked);
  return fields.length === 1 && typeof (asked as Partial<StatsOptions>).latency === 'boolean';
}
