export { ConnHubHealthIndicator, type HubPingOptions } from './conn-hub-health.indicator.js';
export {
  ConnPoolHealthIndicator,
  type PoolHealthOptions,
  type PoolPingOptions,
} from './conn-pool-health.indicator.js';
export { ConnPoolHealthModule } from './conn-pool-health.module.js';
