import * as v from 'valibot';
import type { PoolClock } from './clock.js';
import { systemClock } from './clock.js';
import { type Duration, parseDuration } from './duration.js';
import { InvalidOptionsError, type OptionProblem } from './errors.js';
import { readFields } from './fields.js';

/** At `max`: wait in line, dial beyond `max` and trim at release, or fail at once. */
export type ExhaustedPolicy = 'wait' | 'overflow' | 'fail';

/** Which idle connection is lent: the last returned (surplus ages out) or the first returned (all stay warm). */
export type IdleOrder = 'lifo' | 'fifo';

/** What `start()` does about `min`: wait for it and fail without it, dial in the background, or nothing until asked. */
export type StartupPolicy = 'wait' | 'background' | 'lazy';

/** How a pool behaves. Every field may be left out; `undefined` means left out. */
export interface ConnPoolOptions<M = undefined> {
  /** In errors, events and metrics. Default `'default'`. */
  name?: string;
  /** Live connections, counting those being dialled, checked and closed: a true ceiling. Default 10. */
  max?: number;
  /** Connections kept ready and restored after any loss, once started; counts idle, leased and dialled. Default 0. */
  min?: number;
  /** More idle than this: the surplus is closed at release, never below `min`. Default: `max`. */
  maxIdle?: number;
  /** What an acquire does at `max`. Default `'wait'`. */
  exhausted?: ExhaustedPolicy;
  /** A longer line is refused with `PoolExhaustedError`. Default `Infinity`; servers want a bound. */
  maxWaiting?: number;
  /** One deadline for the whole acquire: wait, check, dial, retries. 0 or `Infinity` = none. Default `'30s'`. */
  acquireTimeout?: Duration;
  /** A dial that outlasts it has failed; what it yields later is closed. Default `'10s'`. */
  dialTimeout?: Duration;
  /** A heartbeat that outlasts it has failed. Default `'5s'`. */
  heartbeatTimeout?: Duration;
  /** A reset that outlasts it has failed. Default `'5s'`. */
  resetTimeout?: Duration;
  /** A close that outlasts it keeps its slot no longer. Default `'5s'`. */
  closeTimeout?: Duration;
  /** Total attempts per dial demanded. Default 1. */
  dialAttempts?: number;
  /** Full-jitter exponential delay after a failed dial, shared by the pool, reset by success. Default 100 ms to `'5s'`. */
  dialBackoff?: { initial?: Duration; max?: Duration };
  /** Dials in flight at once. Default 4. */
  dialConcurrency?: number;
  /** Idle longer: closed, never below `min`. 0 or `Infinity` = off. Default `'2m'`. */
  idleTimeout?: Duration;
  /** Idle ones unused and unchecked this long are checked. 0 or `Infinity` = off. Default `'60s'`. */
  heartbeatInterval?: Duration;
  /** Older: replaced when idle. 0 or `Infinity` = off. Default `'30m'`. */
  maxLifetime?: Duration;
  /** Each connection's own limit lies in `[maxLifetime * (1 - lifetimeJitter), maxLifetime]`. 0 to 1. Default 0.1. */
  lifetimeJitter?: number;
  /** Lent this often: closed at release. Default `Infinity`. */
  maxUses?: number;
  /** Which idle connection is lent. Waiters are always first come, first served within a priority. Default `'lifo'`. */
  order?: IdleOrder;
  /** A lease held longer is reported once, with the stack of its acquire. 0 or `Infinity` = off. Default off. */
  leakThreshold?: Duration;
  /** Default `'background'`. */
  startup?: StartupPolicy;
  /** How long `close()` waits for leases before it takes them back. 0 = not at all. Default `'10s'`. */
  drain?: Duration;
  /** Handed to every connector call. */
  meta?: M;
  /** Default: the machine's monotonic clock. */
  clock?: PoolClock;
}

/** The sizes that can be changed while the pool runs. */
export interface PoolSize {
  max?: number;
  min?: number;
  maxIdle?: number;
}

/** The options of one pool, complete and in milliseconds; `Infinity` = off. */
export interface ResolvedOptions<M> {
  name: string;
  max: number;
  min: number;
  /** `undefined`: follows `max`. */
  maxIdle: number | undefined;
  exhausted: ExhaustedPolicy;
  maxWaiting: number;
  acquireTimeout: number;
  dialTimeout: number;
  heartbeatTimeout: number;
  resetTimeout: number;
  closeTimeout: number;
  dialAttempts: number;
  dialBackoff: { initial: number; max: number };
  dialConcurrency: number;
  idleTimeout: number;
  heartbeatInterval: number;
  maxLifetime: number;
  lifetimeJitter: number;
  maxUses: number;
  order: IdleOrder;
  leakThreshold: number;
  startup: StartupPolicy;
  drain: number;
  meta: M;
  clock: PoolClock;
}

export const whole = (from: number, to?: 'Infinity') =>
  v.custom<number>(
    (value) =>
      typeof value === 'number' &&
      value >= from &&
      (Number.isInteger(value) || (to === 'Infinity' && value === Infinity)),
    `a whole number from ${from}${to === undefined ? '' : ', or Infinity'}`,
  );

export const oneOf = <const T extends readonly string[]>(...choices: T) =>
  v.picklist(choices, choices.map((choice) => `'${choice}'`).join(' or '));

const span = (holds: (ms: number) => boolean, allowed: string) =>
  v.pipe(
    v.custom<Duration>((value) => {
      const ms = parseDuration(value);
      return ms !== undefined && holds(ms);
    }, `${allowed}, in milliseconds or as text such as '30s' or '2m'`),
    v.transform((value) => parseDuration(value) as number),
  );

/** How long something may take; a call of the connector must never be without end. */
const limit = span((ms) => ms > 0 && ms < Infinity, 'a finite duration above 0');
export const wait = span((ms) => ms >= 0 && ms < Infinity, 'a finite duration from 0');
/** A duration that can be switched off; 0 means off as `Infinity` does. */
export const switchable = v.pipe(
  span((ms) => ms >= 0, 'a duration, or 0 or Infinity for off'),
  v.transform((ms) => (ms === 0 ? Infinity : ms)),
);

const isClock = (value: unknown): boolean =>
  typeof value === 'object' &&
  value !== null &&
  (['now', 'setTimeout', 'clearTimeout', 'afterTurn'] as const).every(
    (method) => typeof (value as Partial<PoolClock>)[method] === 'function',
  );

const DIAL_BACKOFF = { initial: 100, max: '5s' } as const;
const SIZE = { max: 10, min: 0 } as const;

/** Every option with what it allows and, as the fallback, its default. */
const FIELDS = {
  name: v.optional(
    v.custom<string>((value) => typeof value === 'string' && value !== '', 'a text that is not empty'),
    'default',
  ),
  max: v.optional(whole(1), SIZE.max),
  min: v.optional(whole(0), SIZE.min),
  maxIdle: v.optional(whole(0, 'Infinity')),
  exhausted: v.optional(oneOf('wait', 'overflow', 'fail'), 'wait'),
  maxWaiting: v.optional(whole(0, 'Infinity'), Infinity),
  acquireTimeout: v.optional(switchable, '30s'),
  dialTimeout: v.optional(limit, '10s'),
  heartbeatTimeout: v.optional(limit, '5s'),
  resetTimeout: v.optional(limit, '5s'),
  closeTimeout: v.optional(limit, '5s'),
  dialAttempts: v.optional(whole(1), 1),
  dialBackoff: v.optional(
    v.object(
      { initial: v.optional(limit, DIAL_BACKOFF.initial), max: v.optional(limit, DIAL_BACKOFF.max) },
      '{ initial?: Duration, max?: Duration }',
    ),
    {},
  ),
  dialConcurrency: v.optional(whole(1), 4),
  idleTimeout: v.optional(switchable, '2m'),
  heartbeatInterval: v.optional(switchable, '60s'),
  maxLifetime: v.optional(switchable, '30m'),
  lifetimeJitter: v.optional(
    v.custom<number>(
      (value) => typeof value === 'number' && value >= 0 && value <= 1,
      'a number from 0 to 1',
    ),
    0.1,
  ),
  maxUses: v.optional(whole(1, 'Infinity'), Infinity),
  order: v.optional(oneOf('lifo', 'fifo'), 'lifo'),
  leakThreshold: v.optional(switchable, Infinity),
  startup: v.optional(oneOf('wait', 'background', 'lazy'), 'background'),
  drain: v.optional(wait, '10s'),
  meta: v.optional(v.unknown()),
  clock: v.optional(v.custom<PoolClock>(isClock, 'a PoolClock, such as FakeClock'), systemClock),
};

/** The names of all options, for whoever reads them from elsewhere (the environment, a file). */
export const OPTION_NAMES = Object.keys(FIELDS) as (keyof ConnPoolOptions)[];

const SCHEMA = v.object(FIELDS);

/**
 * Fills in the defaults and checks everything.
 *
 * @param others - what else is wrong with the pool, to be told in the same breath
 * @throws InvalidOptionsError with every bad field
 */
export function resolveOptions<M>(
  options: ConnPoolOptions<M>,
  others: readonly OptionProblem[] = [],
): ResolvedOptions<M> {
  const { fields, problems } = readFields(options, OPTION_NAMES);
  const backoff = readBackoff(fields);
  const result = v.safeParse(SCHEMA, backoff.fields);
  problems.push(...backoff.problems, ...problemsOf(result, backoff.fields));
  if (problems.length + others.length > 0)
    throw new InvalidOptionsError(nameOf(options), [...others, ...problems]);
  // The schema's own object is in V8's slow mode; each option read on the hot path would cost a look-up.
  return { ...(result.output as ResolvedOptions<M>) };
}

/** What is wrong with some fields that are no options of every pool. */
export function optionProblems(fields: v.ObjectEntries, given: Record<string, unknown>): OptionProblem[] {
  return (v.safeParse(v.object(fields), given).issues ?? []).map(problemOf);
}

/**
 * Checks one duration given to a call rather than to the pool.
 *
 * @returns milliseconds, `Infinity` = none; or what is wrong with it
 */
export function callDuration(
  path: string,
  given: Duration,
  zero: 'none' | 'at once',
): number | OptionProblem {
  const ms = parseDuration(given);
  if (ms === undefined || ms < 0) {
    const allowed = `a duration from 0${zero === 'none' ? ' (none)' : ''}, in milliseconds or as text such as '30s'`;
    return { path, given, allowed };
  }
  return ms === 0 && zero === 'none' ? Infinity : ms;
}

/** Checks the sizes that `resize` may change, with what they leave unchanged. @throws InvalidOptionsError */
export function resolveSize(
  pool: string,
  present: { max: number; min: number; maxIdle: number | undefined },
  change: PoolSize,
): { max: number; min: number; maxIdle: number | undefined } {
  const { max, min, maxIdle } = FIELDS;
  const { fields, problems } = readFields(change, ['max', 'min', 'maxIdle']);
  const sizes = { ...present, ...withoutUndefined(fields) };
  const result = v.safeParse(v.object({ max, min, maxIdle }), sizes);
  problems.push(...problemsOf(result, sizes));
  if (problems.length > 0) throw new InvalidOptionsError(pool, problems);
  return result.output as { max: number; min: number; maxIdle: number | undefined };
}

/** The same object without the fields that are `undefined`, so that spreading it never overrides by absence. */
export function withoutUndefined<O extends object>(options: O): O {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as O;
}

/** `dialBackoff` holds options of its own. */
function readBackoff<M>(fields: ConnPoolOptions<M>): {
  fields: ConnPoolOptions<M>;
  problems: OptionProblem[];
} {
  const { dialBackoff } = fields;
  if (typeof dialBackoff !== 'object' || dialBackoff === null) return { fields, problems: [] };
  const nested = readFields(dialBackoff, Object.keys(DIAL_BACKOFF));
  const problems = nested.problems.map(({ path, ...problem }) => ({
    path: path === 'options' ? 'dialBackoff' : `dialBackoff.${path}`,
    ...problem,
  }));
  return { fields: { ...fields, dialBackoff: nested.fields }, problems };
}

/** What is wrong with the values: each by itself, then those that contradict each other. */
function problemsOf(
  result: { issues?: readonly v.BaseIssue<unknown>[] },
  given: ConnPoolOptions<unknown>,
): OptionProblem[] {
  const problems = (result.issues ?? []).map(problemOf);
  const isBad = (...paths: string[]): boolean => problems.some(({ path }) => paths.includes(path));
  const { min = SIZE.min, max = SIZE.max, dialBackoff = {} } = given;
  if (!isBad('min', 'max') && min > max) {
    problems.push({ path: 'min', given: min, allowed: `at most "max", which is ${max}` });
  }
  if (isBad('dialBackoff', 'dialBackoff.initial', 'dialBackoff.max')) return problems;
  const { initial = DIAL_BACKOFF.initial, max: longest = DIAL_BACKOFF.max } = dialBackoff;
  if ((parseDuration(initial) ?? 0) > (parseDuration(longest) ?? Infinity)) {
    problems.push({
      path: 'dialBackoff.initial',
      given: initial,
      allowed: `at most "dialBackoff.max", which is ${longest}`,
    });
  }
  return problems;
}

function problemOf(issue: v.BaseIssue<unknown>): OptionProblem {
  const path = issue.path?.map(({ key }) => String(key)).join('.') ?? 'options';
  const last = issue.path?.at(-1);
  return { path, given: last === undefined ? issue.input : last.value, allowed: issue.message };
}

function nameOf(options: unknown): string {
  try {
    const name = (options as { name?: unknown } | null | undefined)?.name;
    if (typeof name === 'string' && name !== '') return name;
  } catch {
    // It is one of the fields that cannot be read.
  }
  return 'default';
}
