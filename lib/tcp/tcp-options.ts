import { parseDuration } from '../core/duration.js';
import { readFields } from '../core/fields.js';
import type { Duration, OptionProblem } from '../core/index.js';
import { callDuration } from '../core/options.js';
import { signalProblems } from '../core/signal-problems.js';
import { type PackageFormat, type PackageFormatOptions, readFormat } from './package-format.js';
import { InvalidTcpOptionsError, type Where } from './tcp-errors.js';

/** A budget of further attempts, for one call. It is never changed. */
export interface Retry {
  /** Attempts beside the first. */
  count: number;
  /** The pause before each. Default 100 ms. */
  interval?: Duration;
  /**
   * Sends all of it again although some bytes may have been accepted, which the peer may then get twice. Default false:
   * what may have been sent is not sent again.
   */
  resend?: boolean;
}

/** How one call differs from the others. */
export interface TcpCallOptions {
  /** One deadline for the whole call, an exchange included. 0 or `Infinity` = none. It leaves `setDeadline()` standing. */
  timeout?: Duration;
  /** Ends the wait; the call rejects with the signal's own reason. */
  signal?: AbortSignal;
  /** For failures before a byte is accepted. An end, a close, a deadline and a signal are never tried again. */
  retry?: Retry;
}

/** How one call reads. */
export interface TcpReadOptions extends TcpCallOptions {
  /** The longest line, or piece up to a delimiter: 1 MiB by default. The most that one `recv()` gives: 64 MiB. */
  maxBytes?: number;
}

/** How one call deals with packages. */
export interface PackageOptions extends TcpCallOptions, PackageFormatOptions {}

/** What one call said, complete; times in milliseconds. */
export interface Call {
  /** By `performance.now()`. */
  readonly deadline: number;
  /** What was said of it. */
  readonly limit: number;
  readonly signal: AbortSignal | undefined;
  readonly retry: { readonly count: number; readonly interval: number; readonly resend: boolean } | undefined;
  readonly maxBytes: number | undefined;
  readonly format: PackageFormat;
}

const { format: USUAL_FORMAT } = readFormat({});
const NOTHING_SAID: Call = Object.freeze({
  deadline: Infinity,
  limit: Infinity,
  signal: undefined,
  retry: undefined,
  maxBytes: undefined,
  format: USUAL_FORMAT,
});
const INTERVAL = 100;

const SEND = ['timeout', 'signal', 'retry'];
const READ = [...SEND, 'maxBytes'];
const PACKAGE = [...SEND, 'headerSize', 'maxDataSize'];

export const readSendOptions = (where: Where, what: string, options: TcpCallOptions | undefined): Call =>
  options === undefined ? NOTHING_SAID : read(where, what, options, SEND);

export const readReadOptions = (where: Where, what: string, options: TcpReadOptions | undefined): Call =>
  options === undefined ? NOTHING_SAID : read(where, what, options, READ);

export const readPackageOptions = (where: Where, what: string, options: PackageOptions | undefined): Call =>
  options === undefined ? NOTHING_SAID : read(where, what, options, PACKAGE);

/** @throws InvalidOptionsError with every bad field */
function read(where: Where, what: string, options: object, known: readonly string[]): Call {
  const { fields, problems } = readFields<TcpReadOptions & PackageOptions>(options, known);
  const { timeout, signal, retry, maxBytes } = fields;
  problems.push(...signalProblems(signal));
  const limit = timeout === undefined ? Infinity : callDuration('timeout', timeout, 'none');
  if (typeof limit !== 'number') problems.push(limit);
  if (maxBytes !== undefined && !(Number.isInteger(maxBytes) && maxBytes > 0)) {
    problems.push({ path: 'maxBytes', given: maxBytes, allowed: 'a whole number of bytes from 1' });
  }
  const { format, problems: ofFormat } = readFormat(fields);
  problems.push(...ofFormat);
  const budget = readRetry(retry, problems);
  if (problems.length > 0 || typeof limit !== 'number')
    throw new InvalidTcpOptionsError(what, where, problems);
  const deadline = limit === Infinity ? Infinity : performance.now() + limit;
  return { deadline, limit, signal, retry: budget, maxBytes, format };
}

function readRetry(given: Retry | undefined, problems: OptionProblem[]): Call['retry'] {
  if (given === undefined) return undefined;
  const { fields, problems: inside } = readFields(given, ['count', 'interval', 'resend']);
  problems.push(
    ...inside.map(({ path, ...rest }) => ({ path: path === 'options' ? 'retry' : `retry.${path}`, ...rest })),
  );
  if (inside.length > 0) return undefined;
  const { count, interval = INTERVAL, resend = false } = fields;
  const pause = parseDuration(interval);
  if (!Number.isInteger(count) || (count as number) < 0) {
    problems.push({ path: 'retry.count', given: count, allowed: 'a whole number from 0' });
  }
  if (pause === undefined || pause < 0 || pause === Infinity) {
    problems.push({ path: 'retry.interval', given: interval, allowed: 'a finite duration from 0' });
  }
  if (typeof resend !== 'boolean') {
    problems.push({ path: 'retry.resend', given: resend, allowed: 'true or false' });
  }
  return { count: count as number, interval: pause as number, resend };
}

/** The same call once more: its timeout begins anew. */
export function anew(call: Call): Call {
  return call.limit === Infinity ? call : { ...call, deadline: performance.now() + call.limit };
}
