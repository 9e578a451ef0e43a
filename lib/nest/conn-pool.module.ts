import { type DynamicModule, Module, type ModuleMetadata, type Provider } from '@nestjs/common';
import { asyncOptions } from './async-options.js';
import { ConnPoolCoreModule } from './conn-pool-core.module.js';
import {
  DEFAULT_POOL_NAME,
  getDefinitionToken,
  getPoolToken,
  POOL_REGISTRY,
  ROOT_OPTIONS,
} from './conn-pool.tokens.js';
import { MissingFactoryError } from './module-errors.js';
import type { ConnPoolRootAsyncOptions, ConnPoolRootOptions, PoolAsyncOptions } from './module-options.js';
import type { PoolDefinition } from './pool-definition.js';
import { asyncPoolProvider, poolProviders } from './pool-providers.js';
import { PoolRegistry } from './pool-registry.js';

/**
 * Connection pools in a Nest application: one root, any number of features.
 *
 * Pools are opened before the application's own `onModuleInit` and closed after its last request has been answered.
 * For that to happen at SIGTERM the application calls `app.enableShutdownHooks([], { useProcessExit: true })`.
 *
 * @example
 * @Module({
 *   imports: [
 *     ConnPoolModule.forRoot({ defaults: { acquireTimeout: '5s' } }),
 *     ConnPoolModule.forFeature({ name: 'thrift', connector, max: 20 }),
 *   ],
 *   providers: [EchoService],
 * })
 * class AppModule {}
 */
@Module({})
export class ConnPoolModule {
  /** The one root of an application. What is wrong with its options is told at boot, all at once. */
  static forRoot({ isGlobal, ...options }: ConnPoolRootOptions = {}): DynamicModule {
    return this.root([{ provide: ROOT_OPTIONS, useValue: options }], [], isGlobal);
  }

  /**
   * The root, with options that other providers help to make.
   *
   * @throws MissingFactoryError without `useFactory`, `useClass` and `useExisting`
   *
   * @example
   * ConnPoolModule.forRootAsync(connPoolConfig.asProvider())
   */
  static forRootAsync(options: ConnPoolRootAsyncOptions): DynamicModule {
    const providers = asyncOptions(ROOT_OPTIONS, options, 'createConnPoolOptions');
    if (providers.length === 0) throw new MissingFactoryError('forRootAsync');
    return this.root(providers, options.imports, options.isGlobal);
  }

  /** Registers pools and provides them to the module that imports this. A name may occur once in an application. */
  static forFeature<const Conns extends readonly unknown[]>(
    ...definitions: { [I in keyof Conns]: PoolDefinition<Conns[I]> }
  ): DynamicModule {
    const providers = poolProviders(definitions as readonly PoolDefinition[]);
    return { module: ConnPoolModule, providers, exports: providers.map(({ provide }) => provide) };
  }

  /**
   * Registers a pool whose definition other providers help to make. Its name is known before any factory runs.
   *
   * @throws MissingFactoryError without `useFactory`, `useClass` and `useExisting`
   *
   * @example
   * ConnPoolModule.forFeatureAsync({
   *   name: 'thrift',
   *   inject: [ConfigService],
   *   useFactory: (config: ConfigService) => ({ connector: connectorFor(config.getOrThrow('THRIFT_HOST')) }),
   * })
   */
  static forFeatureAsync<T, M>(options: PoolAsyncOptions<T, M>): DynamicModule {
    const { name = DEFAULT_POOL_NAME, imports = [] } = options;
    const providers = asyncOptions(getDefinitionToken(name), options, 'createPoolOptions');
    if (providers.length === 0) throw new MissingFactoryError('forFeatureAsync', name);
    return {
      module: ConnPoolModule,
      imports,
      providers: [...providers, asyncPoolProvider(name)],
      exports: [getPoolToken(name)],
    };
  }

  private static root(
    options: Provider[],
    imports: ModuleMetadata['imports'],
    isGlobal = true,
  ): DynamicModule {
    return {
      module: ConnPoolModule,
      global: isGlobal,
      imports: [ConnPoolCoreModule.with(options, imports)],
      providers: [{ provide: PoolRegistry, useExisting: POOL_REGISTRY }],
      exports: [PoolRegistry],
    };
  }
}
