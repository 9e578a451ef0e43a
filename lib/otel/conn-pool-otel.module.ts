import { type DynamicModule, Module, type Provider } from '@nestjs/common';
import { asyncOptions } from '../nest/async-options.js';
import type { AsyncOptions } from '../nest/index.js';
import { MissingOtelFactoryError } from './otel-errors.js';
import type { ConnPoolOtelOptions } from './otel-options.js';
import { OTEL_OPTIONS, Telemetry } from './telemetry.js';

/** A class that makes the options, for `useClass` and `useExisting`. */
export interface ConnPoolOtelOptionsFactory {
  createOtelOptions(): ConnPoolOtelOptions | Promise<ConnPoolOtelOptions>;
}

/**
 * OpenTelemetry's connection metrics of all pools of the application, metrics of its hubs, and waits in traces. Which
 * exporter they go to is the application's business.
 *
 * @example
 * @Module({ imports: [ConnPoolModule.forRoot(), ConnPoolOtelModule.forRoot({ prefix: 'thrift.client.connection' })] })
 * class AppModule {}
 */
@Module({})
export class ConnPoolOtelModule {
  /** What is wrong with the options is told at boot. */
  static forRoot(options: ConnPoolOtelOptions = {}): DynamicModule {
    return this.with([{ provide: OTEL_OPTIONS, useValue: options }]);
  }

  /**
   * With options that other providers help to make.
   *
   * @throws MissingOtelFactoryError without `useFactory`, `useClass` and `useExisting`
   */
  static forRootAsync(options: AsyncOptions<ConnPoolOtelOptions, ConnPoolOtelOptionsFactory>): DynamicModule {
    const providers = asyncOptions(OTEL_OPTIONS, options, 'createOtelOptions');
    if (providers.length === 0) throw new MissingOtelFactoryError();
    return this.with(providers, options.imports);
  }

  private static with(options: Provider[], imports: DynamicModule['imports'] = []): DynamicModule {
    return { module: ConnPoolOtelModule, imports, providers: [...options, Telemetry] };
  }
}
