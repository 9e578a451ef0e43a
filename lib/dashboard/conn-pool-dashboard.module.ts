import { type DynamicModule, Module, type ModuleMetadata, type Provider } from '@nestjs/common';
import { asyncOptions } from '../nest/async-options.js';
import { MissingDashboardFactoryError } from './dashboard-errors.js';
import { DashboardFeed } from './dashboard-feed.js';
import {
  type ConnPoolDashboardModuleOptions,
  type ConnPoolDashboardPlace,
  type ConnPoolDashboardRootAsyncOptions,
  type ConnPoolDashboardRootOptions,
  DEFAULT_PATH,
  resolveDashboardOptions,
} from './dashboard-options.js';
import { DashboardPage } from './dashboard-page.js';
import { DASHBOARD_OPTIONS, DASHBOARD_SETTINGS } from './dashboard-tokens.js';
import { dashboardController } from './dashboard.controller.js';
import { Sights } from './sights.js';
import { Steering } from './steering.js';
import { Ticket } from './ticket.js';

/**
 * A page that shows every pool and hub of the application, live. It costs nothing while nobody watches, and can do
 * nothing to pools unless `actions` says so.
 *
 * @example
 * @Module({
 *   imports: [ConnPoolModule.forRoot(), ConnPoolDashboardModule.forRoot({ path: 'ops/pools', guards: [AdminGuard] })],
 * })
 * class AppModule {}
 */
@Module({})
export class ConnPoolDashboardModule {
  /** What is wrong with the options is told at boot, all at once; no guards in production is one of these things. */
  static forRoot({ path, guards, imports, ...options }: ConnPoolDashboardRootOptions = {}): DynamicModule {
    return this.at({ path, guards, imports }, [{ provide: DASHBOARD_OPTIONS, useValue: options }]);
  }

  /**
   * With options that other providers help to make. `path` and `guards` stand outside of the factory, as routes are made
   * before it runs.
   *
   * @throws MissingDashboardFactoryError without `useFactory`, `useClass` and `useExisting`
   *
   * @example
   * ConnPoolDashboardModule.forRootAsync({
   *   guards: [AdminGuard],
   *   inject: [ConfigService],
   *   useFactory: (config: ConfigService) => ({ actions: config.get('POOL_ACTIONS') === 'yes' }),
   * })
   */
  static forRootAsync(options: ConnPoolDashboardRootAsyncOptions): DynamicModule {
    const providers = asyncOptions(DASHBOARD_OPTIONS, options, 'createConnPoolDashboardOptions');
    if (providers.length === 0) throw new MissingDashboardFactoryError();
    return this.at(options, providers);
  }

  private static at(place: ConnPoolDashboardPlace, options: Provider[]): DynamicModule {
    const { path = DEFAULT_PATH, guards = [], imports }: ConnPoolDashboardPlace & ModuleMetadata = place;
    const settings: Provider = {
      provide: DASHBOARD_SETTINGS,
      useFactory: (given: ConnPoolDashboardModuleOptions | undefined) =>
        resolveDashboardOptions(given, place),
      inject: [DASHBOARD_OPTIONS],
    };
    return {
      module: ConnPoolDashboardModule,
      imports,
      controllers: [dashboardController(path, guards)],
      providers: [...options, settings, Sights, Ticket, DashboardFeed, DashboardPage, Steering],
    };
  }
}
