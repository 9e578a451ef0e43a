import type { IncomingMessage } from 'node:http';
import * as v from 'valibot';
import { readFields } from '../core/fields.js';
import type { Duration, OptionProblem } from '../core/index.js';
import { oneOf, optionProblems, switchable, wait, whole } from '../core/options.js';
import { parseDuration } from '../core/duration.js';
import type { Backplane } from './backplane.js';
import type { BoxRules } from './box.js';
import { type BoxOptions, readBoxOptions } from './box-options.js';
import { InvalidHubOptionsError } from './hub-errors.js';

/** What becomes of two connections of one id: the older goes, the newer goes, or both stay. */
export type DuplicatePolicy = 'replace' | 'reject' | 'multi';

/** What becomes of a connection that takes less than it is sent, or of what it is sent. */
export type SlowConsumerPolicy = 'disconnect' | 'drop-oldest' | 'drop-newest' | 'conflate';

/** Who a request is from. */
export interface Identity<M = unknown> {
  id: string;
  meta?: M;
  groups?: string[];
}

type Awaitable<T> = T | Promise<T>;

/** How a hub behaves. Every field may be left out; `undefined` means left out. */
export interface ConnHubOptions<M = unknown> {
  /**
   * An id that comes again: `'replace'` closes the older connection (4501), `'reject'` the newer (4502), `'multi'` keeps up
   * to `maxPerId` on each instance and closes the newer beyond that; a push goes to all of them. Default `'replace'`.
   */
  onDuplicate?: DuplicatePolicy;
  /** With `onDuplicate: 'multi'`: connections of one id. Default 10. */
  maxPerId?: number;
  /** After each payload, and between inbound lines; `''` = none. Default `'\n'`. */
  delimiter?: string;
  /** The largest payload, both ways: a push rejects, what comes in closes the connection (1009). Bytes; default 1 MiB. */
  maxMessageBytes?: number;
  /** Messages that wait for one connection. A free socket is written first. Default 1000. */
  maxQueueMessages?: number;
  /** Bytes that wait for one connection; an empty queue takes any message. Default 1 MiB. */
  maxQueueBytes?: number;
  /**
   * At those limits: `'disconnect'` (4008), `'drop-oldest'`, `'drop-newest'`, or `'conflate'`: a waiting message of the same
   * `key` gives way, else the oldest. Default `'disconnect'`.
   */
  slowConsumer?: SlowConsumerPolicy;
  /** Something waits and the socket has taken nothing for so long: closed (4008). 0 or `Infinity` = off. Default `'10s'`. */
  writeTimeout?: Duration;
  /** A WebSocket not heard from for so long is pinged. 0 or `Infinity` = off. Default `'30s'`. */
  heartbeatInterval?: Duration;
  /** Not heard from for so long after a ping: terminated. 0 or `Infinity` = never. Default `'10s'`. */
  heartbeatTimeout?: Duration;
  /**
   * How long a push with `ack` waits for the client once it is written. 0 or `Infinity` = until the connection ends, or 10,000
   * later ones of it wait as well. Default `'10s'`.
   */
  ackTimeout?: Duration;
  /**
   * Every push has a number and is kept for ids that come back: `push` tells `'queued'`, and a client resumes from where it
   * was. In memory, or over the memory and Redis backplanes. Default: nothing is kept.
   */
  box?: BoxOptions;
  /** An id back within it was never `offline`. Default 0. */
  offlineGrace?: Duration;
  /** For `attach`: who a request is from; `undefined` or a throw refuses it (1008). Default: the query's `id`. */
  identify?: (request: IncomingMessage) => Awaitable<string | Identity<M> | undefined>;
  /** For `attach`: whether pages of this origin may connect. Default: all. */
  verifyOrigin?: (origin: string | undefined, request: IncomingMessage) => Awaitable<boolean>;
  /** How long `close()` waits for queues to be flushed and connections to close before it terminates them. Default `'5s'`. */
  drain?: Duration;
}

/** The options of one hub, complete and in milliseconds; `Infinity` = off. */
export interface ResolvedHubOptions<M = unknown> {
  name: string;
  node: string;
  backplane: Backplane | undefined;
  onDuplicate: DuplicatePolicy;
  maxPerId: number;
  delimiter: string;
  maxMessageBytes: number;
  maxQueueMessages: number;
  maxQueueBytes: number;
  slowConsumer: SlowConsumerPolicy;
  writeTimeout: number;
  heartbeatInterval: number;
  heartbeatTimeout: number;
  ackTimeout: number;
  box: BoxRules | undefined;
  offlineGrace: number;
  identify: NonNullable<ConnHubOptions<M>['identify']>;
  verifyOrigin: ConnHubOptions<M>['verifyOrigin'];
  drain: number;
}

const MEBIBYTE = 1024 * 1024;

const text = v.custom<string>((value) => typeof value === 'string', 'a text');
const named = v.custom<string>(
  (value) => typeof value === 'string' && /^[^]{1,256}$/.test(value),
  'a text of 1 to 256 characters',
);
/** It stands in the names of channels and keys. */
const nodeName = v.custom<string>(
  (value) => typeof value === 'string' && /^[\w-]{1,64}$/.test(value),
  'a text of 1 to 64 letters, digits, "_" and "-", another for every instance',
);
const aFunction = v.custom<never>((value) => typeof value === 'function', 'a function');

/** Every option with what it allows and, as the fallback, its default. */
const FIELDS = {
  name: v.optional(named, 'default'),
  node: v.optional(nodeName),
  backplane: v.optional(
    v.custom<Backplane>(isBackplane, 'a backplane, such as memoryBackplane() or redisBackplane({ url })'),
  ),
  onDuplicate: v.optional(oneOf('replace', 'reject', 'multi'), 'replace'),
  maxPerId: v.optional(whole(1, 'Infinity'), 10),
  delimiter: v.optional(text, '\n'),
  maxMessageBytes: v.optional(whole(1, 'Infinity'), MEBIBYTE),
  maxQueueMessages: v.optional(whole(1, 'Infinity'), 1000),
  maxQueueBytes: v.optional(whole(1, 'Infinity'), MEBIBYTE),
  slowConsumer: v.optional(oneOf('disconnect', 'drop-oldest', 'drop-newest', 'conflate'), 'disconnect'),
  writeTimeout: v.optional(switchable, '10s'),
  heartbeatInterval: v.optional(switchable, '30s'),
  heartbeatTimeout: v.optional(switchable, '10s'),
  ackTimeout: v.optional(switchable, '10s'),
  box: v.optional(v.unknown()),
  offlineGrace: v.optional(wait, 0),
  identify: v.optional(aFunction),
  verifyOrigin: v.optional(aFunction),
  drain: v.optional(wait, '5s'),
};

const SCHEMA = v.object(FIELDS);

function isBackplane(value: unknown): boolean {
  return typeof (value as Partial<Backplane> | null)?.link === 'function';
}

const NAMES = Object.keys(FIELDS);

/**
 * Fills in the defaults and checks everything.
 *
 * @param node - what the instance is called unless the options say otherwise
 * @throws InvalidOptionsError with every bad field
 */
export function resolveHubOptions<M>(
  options: ConnHubOptions<M> & { name?: string; node?: string; backplane?: Backplane },
  node: () => string,
): ResolvedHubOptions<M> {
  const { fields, problems } = readFields(options, NAMES);
  problems.push(...optionProblems(FIELDS, fields as Record<string, unknown>));
  const box = fields.box === undefined ? undefined : readBoxOptions(fields.box);
  problems.push(...(box?.problems ?? []));
  if (box !== undefined && isBackplane(fields.backplane) && fields.backplane?.boxOf === undefined) {
    const allowed = 'a backplane that keeps messages, which are those over memory and over Redis; or none';
    problems.push({ path: 'box', given: fields.box, allowed });
  }
  if (problems.length > 0) throw new InvalidHubOptionsError(hubName(options), problems);
  const output = v.parse(SCHEMA, fields);
  // The schema's own object is in V8's slow mode; each option read on the hot path would cost a look-up.
  return {
    ...output,
    node: output.node ?? node(),
    box: box?.rules,
    identify: output.identify ?? byQuery,
  } as ResolvedHubOptions<M>;
}

/** The predecessor's way: the client says who it is. */
function byQuery({ url = '/' }: IncomingMessage): string | undefined {
  return new URLSearchParams(url.split('?', 2)[1]?.split('#', 1)[0]).get('id') ?? undefined;
}

/** For the error about the options themselves: a name that is one of them may be bad, too. */
function hubName(options: { name?: unknown } | undefined): string {
  try {
    const name = options?.name;
    return typeof name === 'string' && name !== '' ? name.slice(0, 256) : 'default';
  } catch {
    return 'default';
  }
}

/** Checks one duration given to a call. @throws InvalidOptionsError */
export function callLimit(hub: string, path: string, given: Duration): number {
  const ms = parseDuration(given);
  if (ms !== undefined && ms >= 0 && ms < Infinity) return ms;
  const allowed = "a finite duration from 0, in milliseconds or as text such as '5s'";
  throw new InvalidHubOptionsError(hub, [{ path, given, allowed }] satisfies OptionProblem[]);
}
