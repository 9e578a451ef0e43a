import type { OptionProblem } from '../core/index.js';
import { OPTION_NAMES } from '../core/options.js';
import { InvalidRootOptionsError } from './module-errors.js';
import type { PoolOptions } from './module-options.js';
import { DEFAULTS_NAME, problemsOfLayer } from './option-layers.js';

/** What the environment says about pools. */
export interface PoolEnvironment {
  /** For every pool. */
  defaults: PoolOptions;
  /** By name, in lower case and with every character that is neither a letter from a to z nor a digit as `_`. */
  pools: Record<string, PoolOptions>;
}

const PREFIX = 'CONN_POOL_';
/** What no text can say. */
const UNSPEAKABLE: readonly string[] = ['name', 'meta', 'clock', 'dialBackoff'];
/** The paths of all options that a variable can set, by the end of its name; the longest ends first. */
const OPTION_PATHS: readonly (readonly [suffix: string, path: string])[] = [
  ...OPTION_NAMES.filter((name) => !UNSPEAKABLE.includes(name)),
  'dialBackoff.initial',
  'dialBackoff.max',
]
  .map((path) => [suffixOf(path), path] as const)
  .sort(([one], [other]) => other.length - one.length);

interface Variable {
  readonly variable: string;
  /** As it stands in the environment. */
  readonly text: string;
  /** Of a pool or, in capitals still, all that comes before the option. */
  readonly subject: string;
  readonly path: string;
}

/**
 * Reads `CONN_POOL_DEFAULTS_<OPTION>` and `CONN_POOL_<POOL>_<OPTION>`, `<OPTION>` being an option's name in upper case
 * with `_` between its words (`IDLE_TIMEOUT`, `DIAL_BACKOFF_MAX`). Numbers are read as numbers, which for durations are
 * milliseconds; everything else as it stands.
 *
 * @throws InvalidRootOptionsError with every variable that is wrong and what it holds
 */
export function readEnvironment(environment: Readonly<Record<string, string | undefined>>): PoolEnvironment {
  const problems: OptionProblem[] = [];
  const subjects = new Map<string, Variable[]>();
  for (const [variable, text] of Object.entries(environment)) {
    if (text === undefined || !variable.startsWith(PREFIX)) continue;
    const parsed = parseVariable(variable, text);
    if (parsed === undefined) problems.push({ path: variable, given: text, allowed: ALLOWED_NAMES });
    else subjects.set(parsed.subject, [...(subjects.get(parsed.subject) ?? []), parsed]);
  }
  // A pool may be called `__proto__`, or `constructor` and not be configured at all.
  const read: PoolEnvironment = { defaults: {}, pools: Object.create(null) as PoolEnvironment['pools'] };
  for (const [subject, variables] of subjects) {
    const options = optionsOf(variables);
    problems.push(...problemsOf(options, variables));
    if (subject === DEFAULTS_NAME) read.defaults = options;
    else read.pools[subject.toLowerCase()] = options;
  }
  if (problems.length > 0) throw new InvalidRootOptionsError('The environment has', problems);
  return read;
}

const ALLOWED_NAMES =
  `${PREFIX}${DEFAULTS_NAME}_<OPTION> or ${PREFIX}<POOL>_<OPTION>, with one of the options ` +
  OPTION_PATHS.map(([suffix]) => suffix)
    .sort()
    .join(', ');

function parseVariable(variable: string, text: string): Variable | undefined {
  const rest = variable.slice(PREFIX.length);
  const found = OPTION_PATHS.find(([suffix]) => rest === suffix || rest.endsWith(`_${suffix}`));
  if (found === undefined) return undefined;
  const [suffix, path] = found;
  const subject = rest.slice(0, -suffix.length - 1);
  return subject === '' ? undefined : { variable, text, subject, path };
}

function optionsOf(variables: readonly Variable[]): PoolOptions {
  const options: Record<string, unknown> = {};
  for (const { path, text } of variables) {
    const [option, part] = path.split('.') as [string, string?];
    if (part === undefined) options[option] = valueOf(text);
    else options[option] = { ...(options[option] as object | undefined), [part]: valueOf(text) };
  }
  return options;
}

function valueOf(text: string): number | string {
  const trimmed = text.trim();
  return /^-?\d+(\.\d+)?$/.test(trimmed) || trimmed === 'Infinity' ? Number(trimmed) : trimmed;
}

function problemsOf(options: PoolOptions, variables: readonly Variable[]): OptionProblem[] {
  return problemsOfLayer(options).map(({ path, allowed, given }) => {
    const source = variables.find((each) => each.path === path);
    return { path: source?.variable ?? path, given: source?.text ?? given, allowed };
  });
}

/** `dialBackoff.max` as `DIAL_BACKOFF_MAX`. */
function suffixOf(path: string): string {
  return path.replace(/[A-Z]/g, '_$&').replace('.', '_').toUpperCase();
}
