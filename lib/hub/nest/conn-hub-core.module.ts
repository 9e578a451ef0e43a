import { type DynamicModule, Module, type ModuleMetadata, type Provider } from '@nestjs/common';
import { HubRegistry } from './hub-registry.js';
import { HUB_REGISTRY } from './hub-tokens.js';

/**
 * Owns the registry. It is always global: so every feature finds it, and Nest begins with it.
 *
 * @internal
 */
@Module({})
export class ConnHubCoreModule {
  /** @param options - the providers that make the root options */
  static with(options: Provider[], imports: ModuleMetadata['imports'] = []): DynamicModule {
    return {
      module: ConnHubCoreModule,
      global: true,
      imports,
      providers: [...options, { provide: HUB_REGISTRY, useClass: HubRegistry }],
      exports: [HUB_REGISTRY],
    };
  }
}
