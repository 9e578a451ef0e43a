/** The name of a hub that was given none. */
export const DEFAULT_HUB_NAME = 'default';

/**
 * The token a hub is provided under: a string, so that it reads well in Nest's errors and is the same in two copies of this
 * package.
 *
 * @param name - default `'default'`
 */
export function getHubToken(name: string = DEFAULT_HUB_NAME): string {
  return `ConnHub(${name})`;
}

/** What the factory of an asynchronous feature makes. */
export function getHubDefinitionToken(name: string): string {
  return `ConnHubDefinition(${name})`;
}

/** The registry itself, visible to every feature; `HubRegistry` is its public alias, which `isGlobal` may hide. */
export const HUB_REGISTRY = 'ConnHubRegistry';

/** The options of the root module. */
export const HUB_ROOT_OPTIONS = 'ConnHubRootOptions';
