import type { Subscription } from 'rxjs';
import type { CloseOptions, CloseReport, ManagedPool } from '../core/index.js';
import { withDeadline } from './deadline.js';

/** A pool in the registry, from its registration to its end. */
export class RegisteredPool {
  private starting: Promise<void> | undefined;
  private closing: Promise<CloseReport> | undefined;

  /**
   * @param limit - how long its close may take, in milliseconds; it is a stranger's and may never answer
   * @param listening - of the log to the pool's events
   */
  constructor(
    readonly name: string,
    readonly pool: ManagedPool,
    private readonly limit: number,
    private readonly listening: Subscription | undefined,
  ) {}

  /** Starts the pool, once. */
  start(): Promise<void> {
    this.starting ??= this.startPool();
    return this.starting;
  }

  /** Closes the pool, once. Rejects with what its close rejects with, or when that gives no answer. */
  close(options?: CloseOptions): Promise<CloseReport> {
    this.closing ??= this.closePool(options).finally(() => this.listening?.unsubscribe());
    return this.closing;
  }

  // Both are strangers' code: what they throw is a rejection, too.
  private async startPool(): Promise<void> {
    await this.pool.start();
  }

  private async closePool(options?: CloseOptions): Promise<CloseReport> {
    return await withDeadline(() => this.pool.close(options), this.limit, 'close() gave no answer');
  }
}
