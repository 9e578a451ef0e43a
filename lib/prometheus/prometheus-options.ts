import type { Registry } from 'prom-client';
import { InvalidRootOptionsError } from '../nest/index.js';
import type { OptionProblem } from '../core/index.js';
import { readFields } from '../core/fields.js';
import { type Buckets, KINDS } from './pool-readings.js';

/** What `ConnPoolPrometheusModule` is told. */
export interface ConnPoolPrometheusOptions {
  /** Where the metrics are registered. Default: prom-client's own `register`. */
  registry?: Registry;
  /** Before the name of each metric, such as `'shop_'`. Default none. */
  prefix?: string;
  /** Upper bounds in seconds, rising; for all three histograms or for each. Default 1 ms to 10 s; `false`: no histograms. */
  buckets?: readonly number[] | Partial<Buckets> | false;
}

export interface ResolvedPrometheusOptions {
  readonly registry: Registry | undefined;
  readonly prefix: string;
  readonly buckets: Buckets | undefined;
}

/** From what a pool at rest takes to what acquires are given. */
const USUAL: readonly number[] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

/** @throws InvalidRootOptionsError with every bad field */
export function resolvePrometheusOptions(given: ConnPoolPrometheusOptions = {}): ResolvedPrometheusOptions {
  const { fields, problems } = readFields<ConnPoolPrometheusOptions>(given, [
    'registry',
    'prefix',
    'buckets',
  ]);
  const { registry, prefix = '', buckets = USUAL } = fields;
  if (registry !== undefined && typeof (registry as Partial<Registry>).registerMetric !== 'function')
    problems.push({ path: 'registry', given: registry, allowed: 'a Registry of prom-client' });
  if (typeof prefix !== 'string' || !/^([a-zA-Z_:][a-zA-Z0-9_:]*)?$/.test(prefix))
    problems.push({
      path: 'prefix',
      given: prefix,
      allowed: 'letters, digits, "_" and ":", not beginning with a digit',
    });
  const resolved = resolveBuckets(buckets, problems);
  if (problems.length > 0) throw new InvalidRootOptionsError('ConnPoolPrometheusModule has', problems);
  return { registry, prefix, buckets: resolved };
}

function resolveBuckets(
  buckets: NonNullable<ConnPoolPrometheusOptions['buckets']>,
  problems: OptionProblem[],
): Buckets | undefined {
  if (buckets === false) return undefined;
  const each = isList(buckets) ? { wait: buckets, use: buckets, dial: buckets } : buckets;
  const resolved = { wait: USUAL, use: USUAL, dial: USUAL, ...each };
  for (const kind of KINDS) {
    if (areBounds(resolved[kind])) continue;
    const allowed = 'numbers of seconds above 0, finite and rising';
    problems.push({ path: isList(buckets) ? 'buckets' : `buckets.${kind}`, given: resolved[kind], allowed });
    if (isList(buckets)) return resolved;
  }
  return resolved;
}

function isList(buckets: unknown): buckets is readonly number[] {
  return Array.isArray(buckets);
}

function areBounds(bounds: unknown): boolean {
  if (!Array.isArray(bounds) || bounds.length === 0) return false;
  return bounds.every(
    (bound, place) => Number.isFinite(bound) && bound > ((bounds[place - 1] as number) ?? 0),
  );
}
