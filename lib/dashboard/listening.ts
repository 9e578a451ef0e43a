import type { Subscription } from 'rxjs';
import type { ManagedPool, PoolEvent } from '../core/index.js';

/** Listens to what happens in a pool; a stranger's may have no events. */
export function listenTo(pool: ManagedPool, note: (event: PoolEvent) => void): Subscription | undefined {
  return pool.events$?.subscribe({ next: note, error: () => undefined });
}
