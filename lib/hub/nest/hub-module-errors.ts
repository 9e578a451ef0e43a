import { ConnHubError } from '../hub-errors.js';

/** What concerns every hub of the application rather than one. */
const EVERY_HUB = '*';

/** A feature was imported, but no `ConnHubModule.forRoot()` that could own its hub. */
export class MissingHubRootModuleError extends ConnHubError {
  override readonly code = 'ERR_MISSING_HUB_ROOT_MODULE';

  constructor(hub: string) {
    super(
      `Hub "${hub}" has nobody to open and close it. Import ConnHubModule.forRoot() in the root module of the application.`,
      hub,
    );
  }
}

/** `ConnHubModule.forRoot()` was imported twice in one application. */
export class DuplicateHubRootModuleError extends ConnHubError {
  override readonly code = 'ERR_DUPLICATE_HUB_ROOT_MODULE';

  constructor() {
    super(
      'ConnHubModule.forRoot() is imported more than once in this application. Import it in the root module only; ' +
        'for a test or for two places, keep what one call returns and import that.',
      EVERY_HUB,
    );
  }
}

/** An asynchronous registration says no way to make its options. */
export class MissingHubFactoryError extends ConnHubError {
  override readonly code = 'ERR_MISSING_HUB_FACTORY';

  constructor(
    /** The method that was called. */
    readonly method: 'forRootAsync' | 'forFeatureAsync',
    hub: string = EVERY_HUB,
  ) {
    super(
      `ConnHubModule.${method}() has no way to make its options. Give it "useFactory", "useClass" or "useExisting".`,
      hub,
    );
  }
}
