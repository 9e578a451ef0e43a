import type { Subscription } from 'rxjs';
import type { ManagedPool, PoolEvent } from '../core/index.js';
import { eventsOf } from '../core/pool-events.js';

/**
 * Listens to what happens in a pool, but for what every borrowing brings: nobody could read that, and borrowers would pay
 * for it. A stranger's pool may have no events.
 */
export function listenTo(pool: ManagedPool, note: (event: PoolEvent) => void): Subscription | undefined {
  const events = eventsOf(pool)?.rare ?? pool.events$;
  return events?.subscribe({ next: note, error: () => undefined });
}
