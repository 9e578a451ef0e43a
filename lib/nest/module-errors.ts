import { ConnPoolError, InvalidOptionsError, type OptionProblem } from '../core/index.js';

/** What concerns every pool of the application rather than one. */
const EVERY_POOL = '*';

/** A feature was imported, but no `ConnPoolModule.forRoot()` that could own its pool. */
export class MissingRootModuleError extends ConnPoolError {
  override readonly code = 'ERR_MISSING_ROOT_MODULE';

  constructor(pool: string = EVERY_POOL) {
    super(
      `${pool === EVERY_POOL ? 'Pools have' : `Pool "${pool}" has`} nobody to open and close ${pool === EVERY_POOL ? 'them' : 'it'}. ` +
        'Import ConnPoolModule.forRoot() in the root module of the application.',
      pool,
    );
  }
}

/** `ConnPoolModule.forRoot()` was imported twice in one application. */
export class DuplicateRootModuleError extends ConnPoolError {
  override readonly code = 'ERR_DUPLICATE_ROOT_MODULE';

  constructor() {
    super(
      'ConnPoolModule.forRoot() is imported more than once in this application. Import it in the root module only; ' +
        'for a test or for two places, keep what one call returns and import that.',
      EVERY_POOL,
    );
  }
}

/** An asynchronous registration says no way to make its options. */
export class MissingFactoryError extends ConnPoolError {
  override readonly code = 'ERR_MISSING_FACTORY';

  constructor(
    /** The method that was called. */
    readonly method: 'forRootAsync' | 'forFeatureAsync',
    pool: string = EVERY_POOL,
  ) {
    super(
      `ConnPoolModule.${method}() has no way to make its options. Give it "useFactory", "useClass" or "useExisting".`,
      pool,
    );
  }
}

/** Options given for all pools are wrong: those of `forRoot()`, or environment variables. Lists every bad one at once. */
export class InvalidRootOptionsError extends InvalidOptionsError {
  /** @param subject - whose options they are, with a verb: "The environment has" */
  constructor(subject: string, problems: readonly OptionProblem[]) {
    super(EVERY_POOL, problems);
    const [, ...lines] = this.message.split('\n');
    const count = problems.length === 1 ? 'a bad value' : `${problems.length} bad values`;
    this.message = [`${subject} ${count}:`, ...lines].join('\n');
  }
}
