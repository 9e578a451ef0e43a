import { types } from 'node:util';

/** Below this an error that holds others is not looked into: one may hold itself. */
const DEEPEST = 3;
const LONGEST = 80;

/** What an error says, on whatever was thrown: it may be no error, and its own code may throw when it is read. */
export function errorText(thrown: unknown, depth = 0): string {
  try {
    if (!isError(thrown)) return String(thrown);
    const { message, name, errors } = thrown;
    if (typeof message === 'string' && message !== '') return message;
    // Node refuses a host of two addresses with an error that has no message, only the errors of each.
    if (depth < DEEPEST && Array.isArray(errors)) {
      return errors.map((each) => errorText(each, depth + 1)).join('; ');
    }
    return String(name);
  } catch {
    return 'something that cannot be shown';
  }
}

/** Also one of another realm: under Jest, Node's own errors are. */
export function isError(thrown: unknown): thrown is Error & { errors?: unknown } {
  return thrown instanceof Error || types.isNativeError(thrown);
}

/** What people and logs are shown holds no credentials of URLs. */
export function withoutCredentials(text: string): string {
  return text.replace(/\/\/[^\s/]+@/g, '//***@');
}

/**
 * A key of a pool by keys, for people: an object shows what its own `toString` says, never what it holds. A key may be a URL
 * with a password.
 */
export function keyText(key: unknown): string {
  if (typeof key === 'string') return JSON.stringify(short(key));
  if (typeof key !== 'object' || key === null) return short(String(key));
  try {
    const { toString } = key;
    return toString === Object.prototype.toString ? 'an object' : short(String(key));
  } catch {
    return 'an object';
  }
}

function short(key: string): string {
  // Cut first, credentials would have no end by which to know them.
  const text = withoutCredentials(key);
  return text.length > LONGEST ? `${text.slice(0, LONGEST)}…` : text;
}

/** `errorText` with the stack, where there is one. */
export function errorStack(thrown: unknown): string {
  try {
    const { stack } = (thrown ?? {}) as { stack?: unknown };
    if (typeof stack === 'string') return stack;
  } catch {
    // The text says so.
  }
  return errorText(thrown);
}
