import { types } from 'node:util';

/** Below this an error that holds others is not looked into: one may hold itself. */
const DEEPEST = 3;

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

/** The same with the stack, where there is one. */
export function errorStack(thrown: unknown): string {
  try {
    const { stack } = (thrown ?? {}) as { stack?: unknown };
    if (typeof stack === 'string') return stack;
  } catch {
    // The text says so.
  }
  return errorText(thrown);
}
