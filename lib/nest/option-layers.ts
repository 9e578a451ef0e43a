import { InvalidOptionsError, type ConnPoolOptions, type OptionProblem } from '../core/index.js';
import { nameProblems } from '../core/fields.js';
import { resolveOptions, withoutUndefined } from '../core/options.js';
import { environmentName } from './environment-name.js';
import type { ConnPoolModuleOptions, PoolOptions } from './module-options.js';
import { InvalidRootOptionsError } from './module-errors.js';

/** What the environment calls the options of all pools; no pool may be called so. */
export const DEFAULTS_NAME = 'DEFAULTS';

const ROOT_FIELDS = ['defaults', 'pools', 'closeIdleHttp', 'isGlobal'];
/** Under these no single option contradicts a default that another layer may still change. */
const WIDE: PoolOptions = {
  max: Number.MAX_SAFE_INTEGER,
  dialBackoff: { initial: Number.MIN_VALUE, max: Number.MAX_VALUE },
};

/** Lays options over one another, the later ones on top; what is `undefined` covers nothing. */
export function layOver<M>(...layers: (ConnPoolOptions<M> | undefined)[]): ConnPoolOptions<M> {
  const merged: ConnPoolOptions<M> = {};
  for (const layer of layers) {
    const { dialBackoff, ...rest } = withoutUndefined(layer ?? {});
    Object.assign(merged, rest);
    if (dialBackoff === undefined) continue;
    // Half of it may come from one layer and half from another; what is no object is left for the check to tell.
    merged.dialBackoff = isObject(dialBackoff)
      ? { ...merged.dialBackoff, ...withoutUndefined(dialBackoff) }
      : dialBackoff;
  }
  return merged;
}

/** What is wrong with the options of one layer, whatever the others say. */
export function problemsOfLayer(layer: unknown): readonly OptionProblem[] {
  if (!isObject(layer)) return [{ path: '', given: layer, allowed: 'an object of options' }];
  const { name, ...options } = withoutUndefined(layer as ConnPoolOptions<unknown>);
  const misplaced =
    name === undefined
      ? []
      : [
          {
            path: 'name',
            given: name,
            allowed: 'no name: these options are for a pool by its key, or for all',
          },
        ];
  try {
    resolveOptions(layOver(WIDE, options));
    return misplaced;
  } catch (error) {
    if (error instanceof InvalidOptionsError) return [...misplaced, ...error.problems];
    throw error;
  }
}

/** The options of the root module, and what they make of a pool's own. */
export class OptionLayers {
  private readonly defaults: PoolOptions | undefined;
  private readonly pools: Readonly<Record<string, PoolOptions>> | undefined;

  /** @throws InvalidRootOptionsError with every bad field */
  constructor(options: ConnPoolModuleOptions) {
    const problems = problemsOfRoot(options);
    if (problems.length > 0)
      throw new InvalidRootOptionsError('ConnPoolModule.forRoot() was given', problems);
    this.defaults = options.defaults;
    this.pools = options.pools;
  }

  /** Defaults under the pool's own under the operator's, with the pool's name. */
  of(name: string, own: ConnPoolOptions<unknown>): ConnPoolOptions<unknown> & { name: string } {
    const operator = this.keysFor(name).map((key) => this.pools?.[key]);
    return { ...layOver<unknown>(this.defaults, own, ...operator), name };
  }

  /**
   * Two pools that the operator could not tell apart are refused when there is an operator's layer.
   *
   * @throws InvalidOptionsError
   */
  refuseConfusion(name: string, others: readonly string[]): void {
    if (this.pools === undefined) return;
    const spelt = environmentName(name);
    const other =
      spelt === DEFAULTS_NAME ? 'defaults' : others.find((each) => environmentName(each) === spelt);
    if (other === undefined) return;
    const allowed = `a name that differs from "${other}" in the environment, too, where both are ${spelt}`;
    throw new InvalidOptionsError(name, [{ path: 'name', given: name, allowed }]);
  }

  /** The operator's keys that concern none of these pools. */
  strangers(names: readonly string[]): string[] {
    const known = new Set(names.flatMap((name) => this.keysFor(name)));
    return Object.keys(this.pools ?? {}).filter((key) => !known.has(key));
  }

  /** Spelt as the environment does first, the name itself last: it is the more precise. */
  private keysFor(name: string): string[] {
    const spelt = environmentName(name);
    const alike = Object.keys(this.pools ?? {}).filter((key) => environmentName(key) === spelt);
    return [...alike.filter((key) => key !== name), ...alike.filter((key) => key === name)];
  }
}

function problemsOfRoot(options: unknown): OptionProblem[] {
  if (!isObject(options)) return nameProblems(options as object, ROOT_FIELDS);
  const { defaults, pools, closeIdleHttp } = options as ConnPoolModuleOptions;
  const problems = nameProblems(withoutUndefined(options), ROOT_FIELDS);
  if (closeIdleHttp !== undefined && typeof closeIdleHttp !== 'boolean') {
    problems.push({ path: 'closeIdleHttp', given: closeIdleHttp, allowed: 'true or false' });
  }
  if (defaults !== undefined) problems.push(...problemsUnder('defaults', defaults));
  if (pools === undefined) return problems;
  if (!isObject(pools))
    return [...problems, { path: 'pools', given: pools, allowed: 'an object of options by pool' }];
  for (const [name, layer] of Object.entries(withoutUndefined(pools)))
    problems.push(...problemsUnder(`pools.${name}`, layer));
  return problems;
}

function problemsUnder(prefix: string, layer: unknown): OptionProblem[] {
  return problemsOfLayer(layer).map(({ path, ...rest }) => ({
    path: path === '' ? prefix : `${prefix}.${path}`,
    ...rest,
  }));
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
