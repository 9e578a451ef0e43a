export {
  ConnPoolPrometheusModule,
  type ConnPoolPrometheusOptionsFactory,
} from './conn-pool-prometheus.module.js';
export type { Buckets } from './pool-readings.js';
export { MetricNameTakenError, MissingPrometheusFactoryError } from './prometheus-errors.js';
export type { ConnPoolPrometheusOptions } from './prometheus-options.js';
