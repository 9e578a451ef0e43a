import { ConnPoolError } from '../core/index.js';

/** `forRootAsync()` says no way to make its options. */
export class MissingOtelFactoryError extends ConnPoolError {
  override readonly code = 'ERR_MISSING_OTEL_FACTORY';

  constructor() {
    super(
      'ConnPoolOtelModule.forRootAsync() has no way to make its options. Give it "useFactory", "useClass" or "useExisting".',
      '*',
    );
  }
}
