import * as v from 'valibot';
import { parseDuration } from '../core/duration.js';
import { readFields } from '../core/fields.js';
import type { Duration } from '../core/index.js';
import { optionProblems } from '../core/options.js';
import { InvalidHubOptionsError } from '../hub/hub-errors.js';
import type { RedisLike } from './redis-client.js';

/** How instances find each other in a Redis. */
export interface RedisBackplaneOptions {
  /** `redis://` or `rediss://`, with user and password. Needs `ioredis` or `redis` to be installed. */
  url?: string;
  /**
   * In place of `url`: makes a client of `ioredis` (with `lazyConnect`) or `redis`, not connected. Called twice, for commands
   * and for subscriptions, at the start and whenever the connection has to be made anew. The backplane connects and ends them.
   */
  client?: () => RedisLike;
  /** Before the names of keys and channels. Default `'hub'`. */
  prefix?: string;
  /** A crashed instance is gone after it. Default `'10s'`. */
  lease?: Duration;
  /** How often a message to oneself must come back; it also renews the lease. Default `'1s'`. */
  probe?: Duration;
  /** Of every command, and of the answer of another instance. Default `'2s'`. */
  timeout?: Duration;
}

/** The options complete, in milliseconds. */
export interface ResolvedRedisOptions {
  readonly url: string | undefined;
  readonly client: (() => RedisLike) | undefined;
  readonly prefix: string;
  readonly lease: number;
  readonly probe: number;
  readonly timeout: number;
}

const span = v.pipe(
  v.custom<Duration>((value) => {
    const ms = parseDuration(value);
    return ms !== undefined && ms > 0 && ms < Infinity;
  }, "a finite duration above 0, in milliseconds or as text such as '2s'"),
  v.transform((value) => parseDuration(value) as number),
);

const FIELDS = {
  url: v.optional(v.custom<string>(isRedisUrl, 'redis://host:port or rediss://host:port')),
  client: v.optional(v.custom<() => RedisLike>((value) => typeof value === 'function', 'a function')),
  prefix: v.optional(
    v.custom<string>(
      (value) => typeof value === 'string' && /^[^{}]{1,64}$/.test(value),
      'a text of 1 to 64 characters without braces',
    ),
    'hub',
  ),
  lease: v.optional(span, '10s'),
  probe: v.optional(span, '1s'),
  timeout: v.optional(span, '2s'),
};

/** @throws InvalidOptionsError with every bad field, and without the value of `url` */
export function resolveRedisOptions(options: RedisBackplaneOptions): ResolvedRedisOptions {
  const { fields, problems } = readFields(options, Object.keys(FIELDS));
  problems.push(...optionProblems(FIELDS, fields as Record<string, unknown>));
  if ((fields.url === undefined) === (fields.client === undefined)) {
    problems.push({ path: 'url', allowed: 'either "url" or "client"' });
  }
  const shown = problems.map(({ path, allowed, ...rest }) =>
    // It may hold a password.
    path === 'url' ? { path, allowed } : { path, allowed, ...rest },
  );
  if (shown.length > 0) throw new InvalidHubOptionsError('*', shown);
  return { url: undefined, client: undefined, ...v.parse(v.object(FIELDS), fields) };
}

function isRedisUrl(value: unknown): boolean {
  try {
    const { protocol, hostname } = new URL(value as string);
    return (protocol === 'redis:' || protocol === 'rediss:') && hostname !== '';
  } catch {
    return false;
  }
}
