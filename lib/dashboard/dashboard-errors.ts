import { ConnPoolError } from '../core/index.js';

/** What concerns every pool of the application rather than one. */
const EVERY_POOL = '*';

/** A dashboard without guards in production: whoever finds its address would see, or steer, every pool. */
export class UnguardedDashboardError extends ConnPoolError {
  override readonly code = 'ERR_UNGUARDED_DASHBOARD';

  constructor(
    /** Of the dashboard. */
    readonly path: string,
  ) {
    super(
      `The dashboard at "${path}" has no guards, and NODE_ENV is "production". Give ConnPoolDashboardModule "guards"; ` +
        'say "unguarded: true" if something else keeps strangers out, or "enabled: false" to have none.',
      EVERY_POOL,
    );
  }
}

/** `ConnPoolDashboardModule.forRootAsync()` says no way to make its options. */
export class MissingDashboardFactoryError extends ConnPoolError {
  override readonly code = 'ERR_MISSING_DASHBOARD_FACTORY';

  constructor() {
    super(
      'ConnPoolDashboardModule.forRootAsync() has no way to make its options. Give it "useFactory", "useClass" or "useExisting".',
      EVERY_POOL,
    );
  }
}

/** A dashboard in an application that has neither pools nor hubs. */
export class NothingToShowError extends ConnPoolError {
  override readonly code = 'ERR_NOTHING_TO_SHOW';

  constructor() {
    super(
      'The dashboard has nothing to show. Import ConnPoolModule.forRoot() or ConnHubModule.forRoot() in the root module of the application.',
      EVERY_POOL,
    );
  }
}
