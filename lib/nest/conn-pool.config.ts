import type { DynamicModule } from '@nestjs/common';
import { type PoolEnvironment, readEnvironment } from './environment.js';

/** The options of the pools as `registerAs()` of `@nestjs/config` would make them; see `connPoolConfig`. */
export interface ConnPoolConfig {
  /** Reads the environment. @throws InvalidRootOptionsError with every variable that is wrong */
  (): PoolEnvironment;
  /** The token the options are provided under. */
  readonly KEY: string;
  /** For `ConnPoolModule.forRootAsync()`. Needs `@nestjs/config`. */
  asProvider(): {
    imports: [Promise<DynamicModule>];
    useFactory: (config: PoolEnvironment) => PoolEnvironment;
    inject: [string];
  };
}

const NAMESPACE = 'connPool';
const KEY = `CONFIGURATION(${NAMESPACE})`;

/**
 * The environment's word on pools, for `ConfigModule`: `CONN_POOL_DEFAULTS_<OPTION>` for all of them and
 * `CONN_POOL_<POOL>_<OPTION>` for one, the pool's name in upper case with every other character as `_`.
 * Bare numbers are milliseconds. All bad variables are told at once, and the application does not begin.
 *
 * It has the shape that `registerAs('connPool', …)` gives a factory, and is not made by it: `@nestjs/config` is optional,
 * and an import of it here would make it necessary for everybody.
 *
 * @example
 * // CONN_POOL_DEFAULTS_ACQUIRE_TIMEOUT=5s CONN_POOL_THRIFT_MAX=20
 * ConfigModule.forRoot({ load: [connPoolConfig] }),
 * ConnPoolModule.forRootAsync(connPoolConfig.asProvider()),
 */
export const connPoolConfig: ConnPoolConfig = /* @__PURE__ */ asRegistered(() =>
  readEnvironment(process.env),
);

function asRegistered(read: () => PoolEnvironment): ConnPoolConfig {
  return Object.defineProperties(read, {
    PARTIAL_CONFIGURATION_KEY: { value: NAMESPACE },
    KEY: { value: KEY },
    asProvider: {
      value: () => ({
        imports: [loadConfigModule(read)],
        useFactory: (config: PoolEnvironment) => config,
        inject: [KEY],
      }),
    },
  }) as ConnPoolConfig;
}

function loadConfigModule(config: () => PoolEnvironment): Promise<DynamicModule> {
  const loaded = import('@nestjs/config').then(
    ({ ConfigModule }) => ConfigModule.forFeature(config),
    (cause: unknown) => {
      throw new Error(
        'connPoolConfig.asProvider() needs @nestjs/config, which cannot be loaded. Install it.',
        { cause },
      );
    },
  );
  // Nest waits for it, and tells; but it may have stopped before, over something else.
  loaded.catch(() => undefined);
  return loaded;
}
