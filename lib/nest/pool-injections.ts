import type { Type } from '@nestjs/common';
import type { ModulesContainer } from '@nestjs/core';
import { UnknownPoolError } from '../core/index.js';
import { DEFAULT_POOL_NAME, getPoolToken } from './conn-pool.tokens.js';

/** One `@InjectPool`: which pool, and where in its class. */
interface Injection {
  readonly pool: string;
  /** The index of the constructor's parameter, or the name of the property. */
  readonly place: number | string | symbol | undefined;
}

const INJECTIONS = 'conn-pool:injections';
/** Where Nest keeps what `@Optional()` marks, for parameters and for properties. */
const OPTIONAL = ['optional:paramtypes', 'optional:properties_metadata'];

/** Remembers an `@InjectPool` with its class, so that a name nobody registers can be told with those that exist. */
export function noteInjection(
  target: object,
  pool: string = DEFAULT_POOL_NAME,
  place: Injection['place'],
): void {
  const owner = typeof target === 'function' ? target : target.constructor;
  const noted = (Reflect.getOwnMetadata(INJECTIONS, owner) ?? []) as Injection[];
  Reflect.defineMetadata(INJECTIONS, [...noted, { pool, place }], owner);
}

/**
 * Looks at every class of the application for an `@InjectPool` that no module can satisfy. Nest refuses it by itself, but
 * cannot say which names there are.
 *
 * @returns a sentence about each
 */
export function unknownInjections(modules: ModulesContainer): string[] {
  const provided = new Set<unknown>();
  for (const { providers } of modules.values()) for (const token of providers.keys()) provided.add(token);
  const known = poolNames(provided);
  return classesOf(modules).flatMap((owner) =>
    requiredInjections(owner)
      .filter(({ pool }) => !provided.has(getPoolToken(pool)))
      .map(({ pool }) => `${owner.name} injects a pool: ${new UnknownPoolError(pool, known).message}`),
  );
}

function classesOf(modules: ModulesContainer): Type<unknown>[] {
  const classes = new Set<Type<unknown>>();
  for (const { providers, controllers, injectables } of modules.values()) {
    for (const collection of [providers, controllers, injectables]) {
      for (const { metatype } of collection.values()) {
        if (typeof metatype === 'function') classes.add(metatype as Type<unknown>);
      }
    }
  }
  return [...classes];
}

/** Only the class's own: one with a constructor of its own does not need what its parent's constructor does. */
function requiredInjections(owner: object): Injection[] {
  const optional: unknown[] = OPTIONAL.flatMap((key) => (Reflect.getMetadata(key, owner) ?? []) as unknown[]);
  const noted = (Reflect.getOwnMetadata(INJECTIONS, owner) ?? []) as Injection[];
  return noted.filter(({ place }) => !optional.includes(place));
}

function poolNames(tokens: Iterable<unknown>): string[] {
  const names: string[] = [];
  for (const token of tokens) {
    const name = typeof token === 'string' ? /^ConnPool\((.*)\)$/s.exec(token)?.[1] : undefined;
    if (name !== undefined) names.push(name);
  }
  return names;
}
