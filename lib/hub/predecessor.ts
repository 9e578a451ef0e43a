import { isThenable } from '../core/connector-calls.js';
import type { AddOptions, PushOptions } from './call-options.js';
import type { Delivery } from './delivery.js';
import type { Membership } from './membership.js';
import type { Payload } from './message.js';
import type { PushTarget } from './push-target.js';

/** The predecessor's registry of connections: other words for a hub's own. */
export interface HubConnections<M = unknown> {
  /** As `add` of the hub. */
  add(id: string, conn: PushTarget, options?: AddOptions<M>): Membership<M>;
  /** As `delete` of the hub. */
  delete(id: string, membership?: Membership<M>): boolean;
  /**
   * The connections of the id on this instance.
   *
   * @param visit - called with each; one for which it throws or rejects is deleted
   */
  get(id: string, visit?: (conn: PushTarget) => unknown): Membership<M>[];
  /** Ids connected to this instance. */
  readonly size: number;
}

/** The predecessor's stream: another word for `push`. */
export interface HubStream {
  /** As `push` of the hub. */
  add(id: string, data: Payload, options?: PushOptions): Promise<Delivery>;
}

/** What the predecessor's words stand for. */
export interface HubOfThePredecessor<M> {
  add(id: string, conn: PushTarget, options?: AddOptions<M>): Membership<M>;
  delete(id: string, membership?: Membership<M>): boolean;
  get(id: string): Membership<M>[];
  readonly size: number;
}

export function connectionsOf<M>(hub: HubOfThePredecessor<M>): HubConnections<M> {
  return {
    add: (id, conn, options) => hub.add(id, conn, options),
    delete: (id, membership) => hub.delete(id, membership),
    get: (id, visit) => {
      const members = hub.get(id);
      if (visit !== undefined) {
        for (const member of members) visitOne(visit, member.conn, () => hub.delete(id, member));
      }
      return members;
    },
    get size() {
      return hub.size;
    },
  };
}

function visitOne(visit: (conn: PushTarget) => unknown, conn: PushTarget, remove: () => unknown): void {
  try {
    const outcome = visit(conn);
    if (isThenable(outcome)) outcome.then(undefined, remove);
  } catch {
    remove();
  }
}
