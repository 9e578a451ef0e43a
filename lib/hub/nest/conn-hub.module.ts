import { type DynamicModule, Module, type ModuleMetadata, type Provider } from '@nestjs/common';
import { asyncOptions } from '../../nest/async-options.js';
import { ConnHubCoreModule } from './conn-hub-core.module.js';
import { MissingHubFactoryError } from './hub-module-errors.js';
import type {
  ConnHubRootAsyncOptions,
  ConnHubRootOptions,
  HubAsyncOptions,
  HubDefinition,
} from './hub-module-options.js';
import { asyncHubProvider, hubProvider } from './hub-providers.js';
import { HubRegistry } from './hub-registry.js';
import {
  DEFAULT_HUB_NAME,
  getHubDefinitionToken,
  getHubToken,
  HUB_REGISTRY,
  HUB_ROOT_OPTIONS,
} from './hub-tokens.js';

/**
 * Hubs in a Nest application: one root, any number of features. They say good-bye to their connections (1001) in
 * `beforeApplicationShutdown`, before the server cuts them off.
 *
 * @example
 * @Module({
 *   imports: [ConnHubModule.forRoot(), ConnHubModule.forFeature({ name: 'chat', onDuplicate: 'multi' })],
 *   providers: [ChatGateway],
 * })
 * class AppModule {}
 */
@Module({})
export class ConnHubModule {
  /** The one root of an application. */
  static forRoot({ isGlobal, ...options }: ConnHubRootOptions = {}): DynamicModule {
    return this.root([{ provide: HUB_ROOT_OPTIONS, useValue: options }], [], isGlobal);
  }

  /**
   * The root, with options that other providers help to make.
   *
   * @throws MissingHubFactoryError without `useFactory`, `useClass` and `useExisting`
   */
  static forRootAsync(options: ConnHubRootAsyncOptions): DynamicModule {
    const providers = asyncOptions(HUB_ROOT_OPTIONS, options, 'createConnHubOptions');
    if (providers.length === 0) throw new MissingHubFactoryError('forRootAsync');
    return this.root(providers, options.imports, options.isGlobal);
  }

  /** Registers hubs and provides them to the module that imports this. Elsewhere the same name is the same hub. */
  static forFeature(...definitions: HubDefinition[]): DynamicModule {
    const providers = definitions.map(hubProvider);
    return { module: ConnHubModule, providers, exports: providers.map(({ provide }) => provide) };
  }

  /**
   * Registers a hub whose options other providers help to make. Its name is known before any factory runs.
   *
   * @throws MissingHubFactoryError without `useFactory`, `useClass` and `useExisting`
   *
   * @example
   * ConnHubModule.forFeatureAsync({
   *   name: 'chat',
   *   inject: [Tokens],
   *   useFactory: (tokens: Tokens) => ({ identify: (request) => tokens.userOf(request) }),
   * })
   */
  static forFeatureAsync<M = unknown>(options: HubAsyncOptions<M>): DynamicModule {
    const { name = DEFAULT_HUB_NAME, imports = [] } = options;
    const providers = asyncOptions(getHubDefinitionToken(name), options, 'createHubOptions');
    if (providers.length === 0) throw new MissingHubFactoryError('forFeatureAsync', name);
    return {
      module: ConnHubModule,
      imports,
      providers: [...providers, asyncHubProvider(name)],
      exports: [getHubToken(name)],
    };
  }

  private static root(
    options: Provider[],
    imports: ModuleMetadata['imports'],
    isGlobal = true,
  ): DynamicModule {
    return {
      module: ConnHubModule,
      global: isGlobal,
      imports: [ConnHubCoreModule.with(options, imports)],
      providers: [{ provide: HubRegistry, useExisting: HUB_REGISTRY }],
      exports: [HubRegistry],
    };
  }
}
