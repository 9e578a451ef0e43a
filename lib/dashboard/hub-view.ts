import type { BackplaneHealth, ConnHub, HubHealth, HubStats } from '../hub/index.js';

/** A hub as the page shows it. */
export interface HubView extends HubStats {
  readonly mood: HubHealth['state'] | 'draining' | 'closed';
  readonly backplane?: BackplaneHealth;
}

/** @param health - as it was found last; `undefined` before that */
export function viewHub(hub: ConnHub<never>, health: HubHealth | undefined): HubView {
  const stats = hub.stats();
  const mood = stats.state === 'open' ? (health?.state ?? 'up') : stats.state;
  return { ...stats, mood, ...(health?.backplane && { backplane: health.backplane }) };
}
