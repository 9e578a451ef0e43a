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
    return sorted(given as Record<string, unknown>, known);
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

/** The known names by reading them: they may be inherited, or accessors of a class. */
function sorted<O>(given: Record<string, unknown>, known: readonly string[]): Fields<O> {
  const fields: Record<string, unknown> = {};
  const problems: OptionProblem[] = [];
  for (const path of Object.keys(given)) {
    // Its value may be a password: whoever mixes up two sets of options must not find it in a log.
    if (!known.includes(path))
      problems.push({ path, allowed: `no option of this name; there are ${known.join(', ')}` });
  }
  for (const path of known) {
    const value = given[path];
    if (value === undefined) continue;
    if (path === 'meta' || isReadable(value)) fields[path] = value;
    else problems.push({ path, given: value, allowed: 'a value that can be read' });
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
