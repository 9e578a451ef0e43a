import * as v from 'valibot';
import type { Connector, DialContext } from './connector.js';
import type { OptionProblem } from './errors.js';
import { readFields } from './fields.js';
import {
  type ConnPoolOptions,
  OPTION_NAMES,
  optionProblems,
  type ResolvedOptions,
  resolveOptions,
  whole,
} from './options.js';

/** How one kind of connection is made for a key, checked and ended. All but `dial` is as in `Connector`. */
export interface KeyedConnector<K, T, M = undefined> extends Omit<Connector<T, M>, 'dial'> {
  /** Makes one connection for a key. Bounded by `dialTimeout`; what it makes after that is closed. */
  dial(key: K, context: DialContext<M>): T | Promise<T>;
}

/**
 * How a pool by keys behaves. What is said of a pool in `ConnPoolOptions` holds for the pool of each key, where nothing
 * else is said here.
 */
export interface KeyedConnPoolOptions<K, M = undefined> extends ConnPoolOptions<M> {
  /** Live connections of all keys together, those being dialled, checked and closed counted. `Infinity` = no limit. Default 10. */
  max?: number;
  /** Live connections of one key. Default: `max`. */
  maxPerKey?: number;
  /** More idle than this of all keys together: the surplus is closed at release. Default: `max`. */
  maxIdle?: number;
  /** More idle than this of one key: the surplus is closed at release. 0 = no reuse. Default: `maxPerKey`. */
  maxIdlePerKey?: number;
  /** Nothing else than 0: a key has no connections before it is asked for. */
  min?: 0;
  /** A longer line, of one key or of all together, is refused. Default `Infinity`. */
  maxWaiting?: number;
  /** What makes two keys the same: a text, a number. Default: the key itself, as a `Map` compares. */
  keyOf?: (key: K) => unknown;
}

/** The options of a pool by keys, complete. */
export interface ResolvedKeyedOptions<K, M> {
  readonly max: number;
  readonly maxIdle: number;
  readonly keyOf: (key: K) => unknown;
  /** For the pool of each key. */
  readonly each: ResolvedOptions<M>;
}

/** What a pool by keys has beside the options of every pool. */
const OWN = {
  max: v.optional(whole(1, 'Infinity')),
  maxPerKey: v.optional(whole(1, 'Infinity')),
  maxIdle: v.optional(whole(0, 'Infinity')),
  maxIdlePerKey: v.optional(whole(0, 'Infinity')),
};

/**
 * Fills in the defaults and checks everything.
 *
 * @throws InvalidOptionsError with every bad field
 */
export function resolveKeyedOptions<K, M>(
  options: KeyedConnPoolOptions<K, M>,
  others: readonly OptionProblem[],
): ResolvedKeyedOptions<K, M> {
  const { fields, problems } = readFields(options, [...OPTION_NAMES, ...Object.keys(OWN), 'keyOf']);
  const { max = 10, maxPerKey = max, maxIdle = max, maxIdlePerKey = maxPerKey, keyOf, ...rest } = fields;
  problems.unshift(...others, ...optionProblems(OWN, fields as Record<string, unknown>));
  if (keyOf !== undefined && typeof keyOf !== 'function') {
    problems.push({ path: 'keyOf', given: keyOf, allowed: 'a function' });
  }
  if (rest.min !== undefined && rest.min !== 0) {
    const allowed = '0: a key has no connections before it is asked for';
    problems.push({ path: 'min', given: rest.min, allowed });
  }
  const each = resolveOptions<M>({ ...rest, min: 0 }, problems);
  each.max = maxPerKey;
  each.maxIdle = maxIdlePerKey;
  return { max, maxIdle, keyOf: keyOf ?? ((key) => key), each };
}
