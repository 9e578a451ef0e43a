/** The name of a pool that was given none. */
export const DEFAULT_POOL_NAME = 'default';

/**
 * The token a pool is provided under: a string, so that it reads well in Nest's errors and is the same in two copies of
 * this package.
 *
 * @param name - default `'default'`
 *
 * @example
 * Test.createTestingModule({ imports: [AppModule] })
 *   .overrideProvider(getPoolToken('thrift'))
 *   .useValue(fakePool(client));
 */
export function getPoolToken(name: string = DEFAULT_POOL_NAME): string {
  return `ConnPool(${name})`;
}

/** What the factory of an asynchronous feature makes. */
export function getDefinitionToken(name: string): string {
  return `ConnPoolDefinition(${name})`;
}

/** The registry itself, visible to every feature; `PoolRegistry` is its public alias, which `isGlobal` may hide. */
export const POOL_REGISTRY = 'ConnPoolRegistry';

/** The options of the root module. */
export const ROOT_OPTIONS = 'ConnPoolRootOptions';
