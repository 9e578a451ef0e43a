import { errorText } from './error-text.js';
import type { OptionProblem } from './errors.js';

/** An object of options, read once: what it holds of the known names, and what is wrong with it. */
export interface Fields<O> {
  readonly fields: Partial<O>;
  readonly problems: OptionProblem[];
}

/**
 * Reads an object of options. Reading runs the getters and traps of whoever made it, and a value may be one that cannot
 * even be looked at: either is a problem with a name, not an error of a stranger's.
 */
export function readFields<O extends object>(given: O, known: readonly string[]): Fields<O> {
  try {
    if (typeof given !== 'object' || given === null || Array.isArray(given)) {
      return notFields(given, known);
    }
    return sorted(Object.entries(given), known);
  } catch (error) {
    return notFields(`what cannot be read: ${errorText(error)}`, known);
  }
}

/** What is wrong with the names in an object of options; everything, when it is no object. */
export function nameProblems(given: object, known: readonly string[]): OptionProblem[] {
  return readFields(given, known).problems;
}

function notFields<O>(given: unknown, known: readonly string[]): Fields<O> {
  return {
    fields: {},
    problems: [{ path: 'options', given, allowed: `an object with ${known.join(', ')}` }],
  };
}

function sorted<O>(entries: readonly [string, unknown][], known: readonly string[]): Fields<O> {
  const fields: Record<string, unknown> = {};
  const problems: OptionProblem[] = [];
  for (const [path, value] of entries) {
    if (!known.includes(path)) {
      const allowed = `no option of this name; there are ${known.join(', ')}`;
      problems.push({ path, given: value, allowed });
    } else if (path !== 'meta' && !isReadable(value)) {
      problems.push({ path, given: value, allowed: 'a value that can be read' });
    } else fields[path] = value;
  }
  return { fields: fields as Partial<O>, problems };
}

function isReadable(value: unknown): boolean {
  try {
    return value === null || typeof value !== 'object' || Object.getPrototypeOf(value) !== undefined;
  } catch {
    return false;
  }
}
