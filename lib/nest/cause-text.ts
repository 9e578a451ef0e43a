import { isError, withoutCredentials } from '../core/error-text.js';

const LONGEST = 300;

/**
 * What went wrong, on one line that is fit for a log: the messages of the error and of its causes. Credentials in a URL
 * are blotted out; of values that are no errors only texts and numbers are shown, since others may carry a payload.
 */
export function causeText(cause: unknown): string {
  const line = withoutCredentials(textOf(cause))
    .replace(/\p{Cc}+/gu, ' ')
    .trim();
  return line.length > LONGEST ? `${line.slice(0, LONGEST)}…` : line;
}

function textOf(cause: unknown): string {
  try {
    return parts(cause).join(': ');
  } catch {
    // Code of its own runs when an error is read.
    return 'something that cannot be shown';
  }
}

/** The message of the error, then those of its causes that say something new. */
function parts(cause: unknown, depth = 3): string[] {
  if (cause === undefined || cause === null || depth === 0) return [];
  if (!isError(cause)) return [typeof cause === 'object' ? 'something that is no Error' : String(cause)];
  const own = ownText(cause);
  return [own, ...parts(cause.cause, depth - 1).filter((deeper) => !own.includes(deeper))];
}

/** Node's own errors may have an empty message: one that stands for several failures, or one that is only a code. */
function ownText(error: Error & { code?: unknown; errors?: unknown }): string {
  if (error.message !== '') return error.message;
  if (Array.isArray(error.errors) && error.errors.length > 0) {
    return [...new Set(error.errors.flatMap((each: unknown) => parts(each, 1)))].join(', ');
  }
  return typeof error.code === 'string' ? error.code : error.name;
}
