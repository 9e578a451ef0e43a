import type { AsyncOptions } from '../../nest/module-options.js';
import type { Backplane } from '../backplane.js';
import type { ConnHubOptions } from '../hub-options.js';

/** One hub to register. */
export type HubDefinition<M = unknown> = ConnHubOptions<M> & {
  /** Default `'default'`. */
  name?: string;
};

/** What the factory of `forRootAsync()` makes. */
export interface ConnHubModuleOptions {
  /** What ties the instances of the application together; one for all hubs. Default: there is one instance. */
  backplane?: Backplane;
  /** What this instance is called, in every hub. Default: another at every start. */
  node?: string;
  /** For every hub; a feature's own options come before them. Default: the built-in defaults. */
  defaults?: ConnHubOptions;
}

/** The options of `forRoot()`. */
export interface ConnHubRootOptions extends ConnHubModuleOptions {
  /** Whether `HubRegistry` can be injected everywhere, not only where the root module is imported. Default true. */
  isGlobal?: boolean;
}

/** A class that makes the root options, for `useClass` and `useExisting`. */
export interface ConnHubOptionsFactory {
  createConnHubOptions(): ConnHubModuleOptions | Promise<ConnHubModuleOptions>;
}

/** What the factory of `forFeatureAsync()` makes: no name, which is known before any factory runs. */
export type HubFeatureOptions<M = unknown> = ConnHubOptions<M> & { name?: never };

/** A class that makes the options of one hub, for `useClass` and `useExisting`. */
export interface HubOptionsFactory<M = unknown> {
  createHubOptions(): HubFeatureOptions<M> | Promise<HubFeatureOptions<M>>;
}

/** The options of `forRootAsync()`. */
export interface ConnHubRootAsyncOptions
  extends AsyncOptions<ConnHubModuleOptions, ConnHubOptionsFactory>, Pick<ConnHubRootOptions, 'isGlobal'> {}

/** The options of `forFeatureAsync()`. */
export interface HubAsyncOptions<M = unknown> extends AsyncOptions<
  HubFeatureOptions<M>,
  HubOptionsFactory<M>
> {
  /** Default `'default'`. */
  name?: string;
}
