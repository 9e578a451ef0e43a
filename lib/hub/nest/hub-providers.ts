import type { FactoryProvider } from '@nestjs/common';
import type { ConnHub } from '../conn-hub.js';
import { InvalidHubOptionsError } from '../hub-errors.js';
import { MissingHubRootModuleError } from './hub-module-errors.js';
import type { HubDefinition, HubFeatureOptions } from './hub-module-options.js';
import type { HubRegistry } from './hub-registry.js';
import { DEFAULT_HUB_NAME, getHubDefinitionToken, getHubToken, HUB_REGISTRY } from './hub-tokens.js';

const REGISTRY = { token: HUB_REGISTRY, optional: true };

/** A provider for each hub defined. */
export function hubProvider(definition: HubDefinition): FactoryProvider<ConnHub> {
  const { name = DEFAULT_HUB_NAME } = definition;
  return {
    provide: getHubToken(name),
    useFactory: (registry?: HubRegistry) => required(registry, name).register(definition),
    inject: [REGISTRY],
  };
}

/** A provider for the hub whose options are made by another provider, under `getHubDefinitionToken(name)`. */
export function asyncHubProvider(name: string): FactoryProvider<ConnHub> {
  return {
    provide: getHubToken(name),
    useFactory: (registry: HubRegistry | undefined, options: HubFeatureOptions | undefined) => {
      const given: { name?: unknown } = options ?? {};
      if (given.name !== undefined) {
        const allowed = 'no name in what a factory makes: it stands beside "useFactory"';
        throw new InvalidHubOptionsError(name, [{ path: 'name', given: given.name, allowed }]);
      }
      return required(registry, name).register({ ...options, name });
    },
    inject: [REGISTRY, getHubDefinitionToken(name)],
  };
}

function required(registry: HubRegistry | undefined, name: string): HubRegistry {
  if (registry === undefined) throw new MissingHubRootModuleError(name);
  return registry;
}
