import { type DynamicModule, Module, type ModuleMetadata, type Provider } from '@nestjs/common';
import { POOL_REGISTRY } from './conn-pool.tokens.js';
import { IdleHttpCloser } from './idle-http-closer.js';
import { PoolRegistry } from './pool-registry.js';

/**
 * Owns the registry. It is always global: so every feature finds it, and Nest begins with it and ends with it.
 *
 * @internal
 */
@Module({})
export class ConnPoolCoreModule {
  /** @param options - the providers that make the root options */
  static with(options: Provider[], imports: ModuleMetadata['imports'] = []): DynamicModule {
    return {
      module: ConnPoolCoreModule,
      global: true,
      imports,
      providers: [...options, { provide: POOL_REGISTRY, useClass: PoolRegistry }, IdleHttpCloser],
      exports: [POOL_REGISTRY],
    };
  }
}
