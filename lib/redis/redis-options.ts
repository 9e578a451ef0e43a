import * as v from 'valibot';
import {
  type BackplaneTimes,
  isServerUrl,
  prefixField,
  resolveBackplaneOptions,
  TIME_FIELDS,
} from '../hub/backplane-fields.js';
import type { RedisLike } from './redis-client.js';

/** How instances find each other in a Redis. */
export interface RedisBackplaneOptions extends BackplaneTimes {
  /** `redis://` or `rediss://`, with user and password. Needs `ioredis` or `redis` to be installed. */
  url?: string;
  /**
   * In place of `url`: makes a client of `ioredis` (with `lazyConnect`) or `redis`, not connected. Called twice, for commands
   * and for subscriptions, at the start and whenever the connection has to be made anew. The backplane connects and ends them.
   */
  client?: () => RedisLike;
  /** Before the names of keys and channels. Default `'hub'`. */
  prefix?: string;
}

/** The options complete, in milliseconds. */
export interface ResolvedRedisOptions {
  readonly url?: string | undefined;
  readonly client?: (() => RedisLike) | undefined;
  readonly prefix: string;
  readonly lease: number;
  readonly probe: number;
  readonly timeout: number;
}

const FIELDS = {
  url: v.optional(
    v.custom<string>(
      (value) => isServerUrl(value, ['redis:', 'rediss:']),
      'redis://host:port or rediss://host:port',
    ),
  ),
  client: v.optional(v.custom<() => RedisLike>((value) => typeof value === 'function', 'a function')),
  prefix: prefixField(/^[^{}]{1,64}$/, 'a text of 1 to 64 characters without braces'),
  ...TIME_FIELDS,
};

/** @throws InvalidOptionsError with every bad field, and without the value of `url` */
export function resolveRedisOptions(options: RedisBackplaneOptions): ResolvedRedisOptions {
  return resolveBackplaneOptions(FIELDS, options);
}
