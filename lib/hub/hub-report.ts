import { withoutCredentials } from '../core/error-text.js';
import type { BackplaneHealth } from './backplane.js';
import type { Directory } from './directory.js';
import type { HubHealth, HubState, HubStats, HubTotals } from './hub-stats.js';

/** What there is to report on. */
export interface ReportedHub<M> {
  readonly name: string;
  readonly node: string;
  readonly state: HubState;
  readonly directory: Directory<M>;
  readonly totals: HubTotals;
}

/** A hub, now; nothing in it changes any more. */
export function statsOf<M>({ name, node, state, directory, totals }: ReportedHub<M>): HubStats {
  let queuedMessages = 0;
  let queuedBytes = 0;
  for (const { outbox } of directory.members()) {
    queuedMessages += outbox.length;
    queuedBytes += outbox.bytes;
  }
  return {
    name,
    node,
    state,
    ids: directory.ids,
    connections: directory.connections,
    groups: directory.groups,
    queuedMessages,
    queuedBytes,
    totals: { ...totals, left: { ...totals.left }, pushed: { ...totals.pushed } },
  };
}

/** @param backplane - where there is one */
export function healthOf(stats: HubStats, backplane: BackplaneHealth | undefined): HubHealth {
  const { connections, queuedMessages, queuedBytes } = stats;
  const isWhole = backplane === undefined || backplane.state === 'up';
  const state = stats.state !== 'open' ? 'down' : isWhole ? 'up' : 'degraded';
  return {
    state,
    connections,
    queuedMessages,
    queuedBytes,
    ...(backplane && { backplane: forPeople(backplane) }),
  };
}

/** Health goes to pages and routes that others read. */
function forPeople(backplane: BackplaneHealth): BackplaneHealth {
  const { error } = backplane;
  return error === undefined ? backplane : { ...backplane, error: withoutCredentials(error) };
}
