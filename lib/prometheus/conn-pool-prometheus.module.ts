import { type DynamicModule, Module, type Provider } from '@nestjs/common';
import { asyncOptions } from '../nest/async-options.js';
import type { AsyncOptions } from '../nest/index.js';
import { PROMETHEUS_OPTIONS, PoolExposition } from './pool-exposition.js';
import { MissingPrometheusFactoryError } from './prometheus-errors.js';
import type { ConnPoolPrometheusOptions } from './prometheus-options.js';

/** A class that makes the options, for `useClass` and `useExisting`. */
export interface ConnPoolPrometheusOptionsFactory {
  createPrometheusOptions(): ConnPoolPrometheusOptions | Promise<ConnPoolPrometheusOptions>;
}

/**
 * Metrics of all pools and hubs of the application, in a registry of prom-client. They are read when somebody scrapes; the
 * route is the application's own.
 *
 * @example
 * @Module({ imports: [ConnPoolModule.forRoot(), ConnPoolPrometheusModule.forRoot()] })
 * class AppModule {}
 */
@Module({})
export class ConnPoolPrometheusModule {
  /** What is wrong with the options is told at boot. */
  static forRoot(options: ConnPoolPrometheusOptions = {}): DynamicModule {
    return this.with([{ provide: PROMETHEUS_OPTIONS, useValue: options }]);
  }

  /**
   * With options that other providers help to make, such as the registry.
   *
   * @throws MissingPrometheusFactoryError without `useFactory`, `useClass` and `useExisting`
   *
   * @example
   * ConnPoolPrometheusModule.forRootAsync({ inject: [Registry], useFactory: (registry: Registry) => ({ registry }) })
   */
  static forRootAsync(
    options: AsyncOptions<ConnPoolPrometheusOptions, ConnPoolPrometheusOptionsFactory>,
  ): DynamicModule {
    const providers = asyncOptions(PROMETHEUS_OPTIONS, options, 'createPrometheusOptions');
    if (providers.length === 0) throw new MissingPrometheusFactoryError();
    return this.with(providers, options.imports);
  }

  private static with(options: Provider[], imports: DynamicModule['imports'] = []): DynamicModule {
    return { module: ConnPoolPrometheusModule, imports, providers: [...options, PoolExposition] };
  }
}
