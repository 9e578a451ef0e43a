import { Logger } from '@nestjs/common';
import type { ManagedPool, PoolStats } from '../core/index.js';
import { causeText } from './cause-text.js';

/** Reads the numbers of all pools one after the other. A stranger's pool may fail: it is left out, the others are not. */
export class StatsReader {
  private readonly logger = new Logger('ConnPool');
  private readonly told = new WeakSet<ManagedPool>();

  /** @returns `undefined` of a pool that is closed or fails; of a stranger's, numbers may be missing */
  read(name: string, pool: ManagedPool): Partial<PoolStats> | undefined {
    try {
      return pool.state === 'closed' ? undefined : pool.stats();
    } catch (error) {
      this.tell(name, pool, error);
      return undefined;
    }
  }

  private tell(name: string, pool: ManagedPool, error: unknown): void {
    if (this.told.has(pool)) return;
    this.told.add(pool);
    this.logger.warn(
      `Pool "${name}" cannot be looked at, as its stats() fails: ${causeText(error)}. Look at the code of the pool.`,
    );
  }
}
