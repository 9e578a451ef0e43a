import type { FactoryProvider, ModuleMetadata, Type } from '@nestjs/common';
import type { ConnPoolOptions } from '../core/index.js';
import type { PoolDefinition } from './pool-definition.js';

/** The options of a pool, but for its name. */
export type PoolOptions = Omit<ConnPoolOptions<unknown>, 'name'>;

/** What the factory of `forRootAsync()` makes. */
export interface ConnPoolModuleOptions {
  /** For every pool; a feature's own options come before them. Default: the built-in defaults. */
  defaults?: PoolOptions;
  /**
   * By name, the operator's last word on single pools: they come before the feature's own. With it, names of pools must
   * also differ in the spelling of the environment. See `connPoolConfig`.
   */
  pools?: Record<string, PoolOptions>;
  /**
   * Close idle keep-alive HTTP connections once the server has stopped listening, so that they do not hold the
   * application's end up. Requests in flight are answered. Default true.
   */
  closeIdleHttp?: boolean;
}

/** The options of `forRoot()`. */
export interface ConnPoolRootOptions extends ConnPoolModuleOptions {
  /** Whether `PoolRegistry` can be injected everywhere, not only where the root module is imported. Default true. */
  isGlobal?: boolean;
}

/** A class that makes the root options, for `useClass` and `useExisting`. */
export interface ConnPoolOptionsFactory {
  createConnPoolOptions(): ConnPoolModuleOptions | Promise<ConnPoolModuleOptions>;
}

/** What the factory of `forFeatureAsync()` makes: a definition without a name, which is known before any factory runs. */
export type PoolFeatureOptions<T = unknown, M = unknown> =
  PoolDefinition<T, M> extends infer D
    ? D extends unknown
      ? Omit<D, 'name'> & { name?: never }
      : never
    : never;

/** A class that makes the options of one pool, for `useClass` and `useExisting`. */
export interface PoolOptionsFactory<T = unknown, M = unknown> {
  createPoolOptions(): PoolFeatureOptions<T, M> | Promise<PoolFeatureOptions<T, M>>;
}

/** How options are made once other providers are there; one of `useFactory`, `useClass` and `useExisting`. */
export interface AsyncOptions<Options, Factory> extends Pick<ModuleMetadata, 'imports'> {
  /** What the factory is called with. */
  inject?: FactoryProvider['inject'];
  useFactory?: FactoryProvider<Options>['useFactory'];
  /** Made for this purpose. */
  useClass?: Type<Factory>;
  /** Found in `imports`. */
  useExisting?: NonNullable<FactoryProvider['inject']>[number] & (Type<Factory> | string | symbol);
}

/** The options of `forRootAsync()`. Takes `registerAs(…).asProvider()` of `@nestjs/config` as well. */
export interface ConnPoolRootAsyncOptions
  extends
    AsyncOptions<ConnPoolModuleOptions, ConnPoolOptionsFactory>,
    Pick<ConnPoolRootOptions, 'isGlobal'> {}

/** The options of `forFeatureAsync()`. */
export interface PoolAsyncOptions<T = unknown, M = unknown> extends AsyncOptions<
  PoolFeatureOptions<T, M>,
  PoolOptionsFactory<T, M>
> {
  /** Default `'default'`. */
  name?: string;
}
