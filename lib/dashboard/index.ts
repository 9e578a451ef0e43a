export type { DashboardAction } from './actions.js';
export { ConnPoolDashboardModule } from './conn-pool-dashboard.module.js';
export {
  MissingDashboardFactoryError,
  NothingToShowError,
  UnguardedDashboardError,
} from './dashboard-errors.js';
export type {
  ConnPoolDashboardModuleOptions,
  ConnPoolDashboardOptionsFactory,
  ConnPoolDashboardPlace,
  ConnPoolDashboardRootAsyncOptions,
  ConnPoolDashboardRootOptions,
} from './dashboard-options.js';
