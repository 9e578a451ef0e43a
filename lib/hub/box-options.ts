import * as v from 'valibot';
import { readFields } from '../core/fields.js';
import type { Duration, OptionProblem } from '../core/index.js';
import { parseDuration } from '../core/duration.js';
import { optionProblems, whole } from '../core/options.js';
import type { BoxRules } from './box.js';

/** What is kept for ids that come back. */
export interface BoxOptions {
  /** Messages of one id; the oldest give way. Default 100. */
  size?: number;
  /** How long a message is kept. Default `'5m'`. */
  ttl?: Duration;
  /** Bytes of the messages of one id; the oldest give way. Default 256 KiB. */
  maxBytes?: number;
  /** Ids that something is known of; those that were quiet for longest give way. Default 10,000. */
  maxIds?: number;
}

const FIELDS = {
  size: v.optional(whole(1), 100),
  ttl: v.optional(
    v.pipe(
      v.custom<Duration>((value) => {
        const ms = parseDuration(value);
        return ms !== undefined && ms >= 1 && ms < Infinity;
      }, "a finite duration from 1 ms, in milliseconds or as text such as '5m'"),
      v.transform((value) => Math.round(parseDuration(value) as number)),
    ),
    '5m',
  ),
  maxBytes: v.optional(whole(1), 256 * 1024),
  maxIds: v.optional(whole(1), 10_000),
};

/** Fills in the defaults and checks everything. */
export function readBoxOptions(given: BoxOptions): { rules: BoxRules; problems: OptionProblem[] } {
  const { fields, problems } = readFields<BoxOptions>(given, Object.keys(FIELDS));
  problems.push(...optionProblems(FIELDS, fields as Record<string, unknown>));
  const named = problems.map(({ path, ...rest }) => ({
    ...rest,
    path: path === 'options' ? 'box' : `box.${path}`,
  }));
  const rules = named.length > 0 ? v.parse(v.object(FIELDS), {}) : v.parse(v.object(FIELDS), fields);
  return { rules: { ...rules }, problems: named };
}
