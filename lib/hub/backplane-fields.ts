import * as v from 'valibot';
import { parseDuration } from '../core/duration.js';
import { readFields } from '../core/fields.js';
import type { Duration } from '../core/index.js';
import { optionProblems } from '../core/options.js';
import { InvalidHubOptionsError } from './hub-errors.js';

/** How instances that share a server tell who is alive. */
export interface BackplaneTimes {
  /** A crashed instance is gone after it. Default `'10s'`. */
  lease?: Duration;
  /** How often a message to oneself must come back; it is a sign of life to the others as well. Default `'1s'`. */
  probe?: Duration;
  /** Of every command, and of the answer of another instance. Default `'2s'`. */
  timeout?: Duration;
}

const span = v.pipe(
  v.custom<Duration>((value) => {
    const ms = parseDuration(value);
    return ms !== undefined && ms > 0 && ms < Infinity;
  }, "a finite duration above 0, in milliseconds or as text such as '2s'"),
  v.transform((value) => parseDuration(value) as number),
);

/** Of `BackplaneTimes`, in milliseconds. */
export const TIME_FIELDS = {
  lease: v.optional(span, '10s'),
  probe: v.optional(span, '1s'),
  timeout: v.optional(span, '2s'),
};

/** A text under 64 characters for which `pattern` holds. */
export function prefixField(pattern: RegExp, allowed: string) {
  return v.optional(
    v.custom<string>((value) => typeof value === 'string' && pattern.test(value), allowed),
    'hub',
  );
}

/** Whether it is a URL of one of these schemes (`redis:`), with a host. */
export function isServerUrl(value: unknown, schemes: readonly string[]): boolean {
  try {
    const { protocol, hostname } = new URL(value as string);
    return schemes.includes(protocol) && hostname !== '';
  } catch {
    return false;
  }
}

/** @throws InvalidOptionsError with every bad field, and without the value of `url`, which may hold a password */
export function resolveBackplaneOptions<E extends v.ObjectEntries>(
  entries: E,
  options: unknown,
): v.InferOutput<v.ObjectSchema<E, undefined>> {
  const { fields, problems } = readFields(options as Record<string, unknown>, Object.keys(entries));
  problems.push(...optionProblems(entries, fields));
  if ((fields.url === undefined) === (fields.client === undefined)) {
    problems.push({ path: 'url', allowed: 'either "url" or "client"' });
  }
  const shown = problems.map(({ path, allowed, ...rest }) =>
    path === 'url' ? { path, allowed } : { path, allowed, ...rest },
  );
  if (shown.length > 0) throw new InvalidHubOptionsError('*', shown);
  return v.parse(v.object(entries), fields);
}
