import { ConnPoolError } from '../core/index.js';

/** A metric of the application's own has a name that one of the pools' needs. */
export class MetricNameTakenError extends ConnPoolError {
  override readonly code = 'ERR_METRIC_NAME_TAKEN';

  constructor(
    /** Of the metric. */
    readonly metric: string,
  ) {
    super(
      `The registry has a metric "${metric}" that is not of the pools. Give ConnPoolPrometheusModule.forRoot() a "prefix", or a registry of its own.`,
      '*',
    );
  }
}

/** `forRootAsync()` says no way to make its options. */
export class MissingPrometheusFactoryError extends ConnPoolError {
  override readonly code = 'ERR_MISSING_PROMETHEUS_FACTORY';

  constructor() {
    super(
      'ConnPoolPrometheusModule.forRootAsync() has no way to make its options. Give it "useFactory", "useClass" or "useExisting".',
      '*',
    );
  }
}
