import type { DeliveryStatus } from './delivery.js';
import type { BackplaneHealth } from './backplane.js';
import type { LeaveReason } from './membership.js';

export type HubState = 'open' | 'draining' | 'closed';

/** What has happened since the hub was made. */
export interface HubTotals {
  joined: number;
  left: Record<LeaveReason, number>;
  pushed: Record<DeliveryStatus, number>;
  broadcasts: number;
  /** Messages. */
  dropped: number;
  /** Messages. */
  acked: number;
  /** Messages that were sent out of the box, for a client had missed them. */
  resumed: number;
  /** Times a client was told that not all can be sent which it missed. */
  notRecovered: number;
}

/** A hub, now. */
export interface HubStats {
  name: string;
  node: string;
  state: HubState;
  /** Connected to this instance. */
  ids: number;
  connections: number;
  groups: number;
  /** What waits for the sockets. */
  queuedMessages: number;
  queuedBytes: number;
  totals: HubTotals;
}

/** How a hub is. */
export interface HubHealth {
  state: 'up' | 'degraded' | 'down';
  connections: number;
  queuedMessages: number;
  queuedBytes: number;
  /** Where there is one. */
  backplane?: BackplaneHealth;
}

export function noTotals(): HubTotals {
  return {
    joined: 0,
    left: {
      closed: 0,
      error: 0,
      deleted: 0,
      kicked: 0,
      replaced: 0,
      duplicate: 0,
      slow: 0,
      dead: 0,
      'too-big': 0,
      shutdown: 0,
    },
    pushed: { sent: 0, forwarded: 0, queued: 0, offline: 0, refused: 0 },
    broadcasts: 0,
    dropped: 0,
    acked: 0,
    resumed: 0,
    notRecovered: 0,
  };
}
