import {
  type Connector,
  ConnPool,
  type ConnPoolOptions,
  InvalidOptionsError,
  type ManagedPool,
  type OptionProblem,
} from '../core/index.js';
import { DEFAULT_POOL_NAME } from './conn-pool.tokens.js';

/** A pool made from a connector: a `ConnPool`. */
export interface ConnectorDefinition<T = unknown, M = unknown> extends ConnPoolOptions<M> {
  /** How its connections are made, checked and ended. */
  connector: Connector<T, M>;
  pool?: undefined;
}

/** A pool of any other kind, which is then opened, closed, logged and health-checked like a `ConnPool`. */
export interface ManagedDefinition<P extends ManagedPool = ManagedPool> extends ConnPoolOptions<unknown> {
  /** Makes the pool. It must open nothing: the registry calls `start()` when the application begins. */
  pool: (context: PoolContext) => P;
  connector?: undefined;
}

/**
 * One pool to register.
 *
 * @example
 * { name: 'thrift', connector, max: 20 }
 * @example
 * { name: 'sockets', pool: ({ name }) => new SocketPool({ name, maxIdle: 4 }) }
 */
export type PoolDefinition<T = unknown, M = unknown> = ConnectorDefinition<T, M> | ManagedDefinition;

/** What `pool: (context) => …` is given. */
export interface PoolContext {
  /** The name the pool is registered under. */
  readonly name: string;
  /** All that was said about this pool, from `forRoot()` to the environment, and its name; without built-in defaults. */
  readonly options: ConnPoolOptions<unknown>;
}

/** The pool's name, which is `'default'` unless it says otherwise. */
export function nameOf(definition: { name?: string }): string {
  return definition.name ?? DEFAULT_POOL_NAME;
}

/**
 * Makes the pool, unopened.
 *
 * @param options - the merged ones, with the name
 * @throws InvalidOptionsError
 */
export function makePool(
  definition: PoolDefinition,
  options: ConnPoolOptions<unknown> & { name: string },
): ManagedPool {
  const { name } = options;
  const problem = contradiction(definition);
  if (problem !== undefined) throw new InvalidOptionsError(name, [problem]);
  if (definition.pool === undefined)
    return new ConnPool(definition.connector as Connector<unknown, unknown>, options);
  const pool: unknown = definition.pool(Object.freeze({ name, options }));
  if (!isManagedPool(pool)) {
    const allowed = 'a function that returns a pool with start(), stats(), heartbeat(), close() and events$';
    throw new InvalidOptionsError(name, [{ path: 'pool', given: pool, allowed }]);
  }
  return pool;
}

function contradiction({ connector, pool }: PoolDefinition): OptionProblem | undefined {
  if (connector === undefined && pool === undefined) {
    return {
      path: 'connector',
      given: connector,
      allowed: 'a Connector, or a function as "pool" in its place',
    };
  }
  if (connector !== undefined && pool !== undefined) {
    return { path: 'pool', given: pool, allowed: 'either "pool" or "connector", not both' };
  }
  if (pool !== undefined && typeof pool !== 'function') {
    return { path: 'pool', given: pool, allowed: 'a function that returns a ManagedPool' };
  }
  return undefined;
}

function isManagedPool(value: unknown): value is ManagedPool {
  if (typeof value !== 'object' || value === null) return false;
  return (['start', 'stats', 'heartbeat', 'close'] as const).every(
    (method) => typeof (value as Partial<ManagedPool>)[method] === 'function',
  );
}
