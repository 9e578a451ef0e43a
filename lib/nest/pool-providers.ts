import type { FactoryProvider } from '@nestjs/common';
import { InvalidOptionsError, type ManagedPool } from '../core/index.js';
import { getDefinitionToken, getPoolToken, POOL_REGISTRY } from './conn-pool.tokens.js';
import { MissingRootModuleError } from './module-errors.js';
import { nameOf, type PoolDefinition } from './pool-definition.js';
import type { PoolRegistry } from './pool-registry.js';

const REGISTRY = { token: POOL_REGISTRY, optional: true };

/**
 * A provider for each pool defined. Two definitions of one name share a provider, which lets the registry refuse the
 * second: in a module one provider would silently replace the other.
 */
export function poolProviders(definitions: readonly PoolDefinition[]): FactoryProvider<ManagedPool>[] {
  const names = new Set(definitions.map(nameOf));
  return Array.from(names, (name) => ({
    provide: getPoolToken(name),
    useFactory: (registry?: PoolRegistry) =>
      registerAll(
        required(registry, name),
        definitions.filter((definition) => nameOf(definition) === name),
      ),
    inject: [REGISTRY],
  }));
}

/** A provider for the pool whose definition is made by another provider, under `getDefinitionToken(name)`. */
export function asyncPoolProvider(name: string): FactoryProvider<ManagedPool> {
  return {
    provide: getPoolToken(name),
    useFactory: (registry: PoolRegistry | undefined, definition: PoolDefinition) => {
      refuseName(name, definition);
      return required(registry, name).register({ ...definition, name });
    },
    inject: [REGISTRY, getDefinitionToken(name)],
  };
}

async function registerAll(
  registry: PoolRegistry,
  [first, ...more]: readonly PoolDefinition[],
): Promise<ManagedPool> {
  const pool = await registry.register(first as PoolDefinition);
  for (const definition of more) await registry.register(definition);
  return pool;
}

function required(registry: PoolRegistry | undefined, name: string): PoolRegistry {
  if (registry === undefined) throw new MissingRootModuleError(name);
  return registry;
}

function refuseName(name: string, definition: PoolDefinition): void {
  if (typeof definition !== 'object' || definition === null) {
    throw new InvalidOptionsError(name, [
      { path: 'options', given: definition, allowed: 'a definition of the pool' },
    ]);
  }
  if (definition.name !== undefined) {
    const allowed = 'no name in what a factory makes: it stands beside "useFactory"';
    throw new InvalidOptionsError(name, [{ path: 'name', given: definition.name, allowed }]);
  }
}
