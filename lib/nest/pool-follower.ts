import type { ManagedPool } from '../core/index.js';
import type { RegisteredPool } from './registered-pool.js';

/**
 * Told of each pool of a registry, under the name it is registered as.
 *
 * @returns what is called when the pool has left the registry, or the following ends
 */
export type PoolFollower = (pool: ManagedPool, name: string) => (() => void) | undefined;

/** One who follows, and what ends it for each pool: who follows must not hold a pool that has gone. */
export class Following {
  private readonly ends = new Map<RegisteredPool, (() => void) | undefined>();

  constructor(private readonly follower: PoolFollower) {}

  begin(registered: RegisteredPool): void {
    this.ends.set(registered, this.follower(registered.pool, registered.name));
  }

  end(registered: RegisteredPool): void {
    const end = this.ends.get(registered);
    this.ends.delete(registered);
    end?.();
  }

  endAll(): void {
    for (const registered of [...this.ends.keys()]) this.end(registered);
  }
}
