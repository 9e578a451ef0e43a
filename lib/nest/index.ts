export { type ConnPoolConfig, connPoolConfig } from './conn-pool.config.js';
export { InjectPool } from './conn-pool.decorators.js';
export { ConnPoolModule } from './conn-pool.module.js';
export { DEFAULT_POOL_NAME, getPoolToken } from './conn-pool.tokens.js';
export type { PoolEnvironment } from './environment.js';
export {
  DuplicateRootModuleError,
  InvalidRootOptionsError,
  MissingFactoryError,
  MissingRootModuleError,
} from './module-errors.js';
export type {
  AsyncOptions,
  ConnPoolModuleOptions,
  ConnPoolOptionsFactory,
  ConnPoolRootAsyncOptions,
  ConnPoolRootOptions,
  PoolAsyncOptions,
  PoolFeatureOptions,
  PoolOptions,
  PoolOptionsFactory,
} from './module-options.js';
export type {
  ConnectorDefinition,
  ManagedDefinition,
  PoolContext,
  PoolDefinition,
} from './pool-definition.js';
export { PoolRegistry } from './pool-registry.js';
