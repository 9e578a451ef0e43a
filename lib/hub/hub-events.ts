import type { Refusal } from './outlet.js';
import type { LeaveReason } from './membership.js';

interface Of<Type extends string> {
  readonly type: Type;
  /** The hub's name. */
  readonly hub: string;
  /** Milliseconds since 1970. */
  readonly at: number;
}

/** A connection has been added. */
export interface JoinedEvent extends Of<'joined'> {
  readonly id: string;
  /** Of this id, on this instance, this one included. */
  readonly connections: number;
}

/** A connection has left. */
export interface LeftEvent extends Of<'left'> {
  readonly id: string;
  readonly reason: LeaveReason;
  /** What it was closed with, by whichever side; 1006 = without a word, or it is not known yet. */
  readonly code: number;
  /** Of this id that stay, on this instance. */
  readonly connections: number;
}

/** An id has its first connection. */
export interface OnlineEvent extends Of<'online'> {
  readonly id: string;
}

/** An id has lost its last connection and has not come back within `offlineGrace`. */
export interface OfflineEvent extends Of<'offline'> {
  readonly id: string;
}

/** Messages that waited will not be written: their connection was too slow, or has gone. */
export interface DroppedEvent extends Of<'dropped'> {
  readonly id: string;
  /** `'box'`: they reached nobody, and the box has no room or no time left for them. */
  readonly reason: Refusal | 'box';
  readonly messages: number;
  readonly bytes: number;
}

/** `attach()` has refused a connection. */
export interface RejectedEvent extends Of<'rejected'> {
  /** Its origin; who it says it is, or that `identify` failed; an id that is there already; the hub is closed, or the connection meanwhile. */
  readonly reason: 'origin' | 'identity' | 'duplicate' | 'closed';
  readonly cause?: unknown;
}

/** The backplane is there, or is not; meanwhile the hub serves those who are connected to it. */
export interface BackplaneEvent extends Of<'backplane'> {
  readonly state: 'up' | 'down';
  readonly cause?: unknown;
}

/** What happens in a hub, as it happens; told apart by `type`. The ids in it are for the application, not for its logs. */
export type HubEvent =
  JoinedEvent | LeftEvent | OnlineEvent | OfflineEvent | DroppedEvent | RejectedEvent | BackplaneEvent;

type WithoutOrigin<E> = E extends unknown ? Omit<E, 'hub' | 'at'> : never;
/** An event but for where and when. */
export type HubNews = WithoutOrigin<HubEvent>;
