import type { Backplane } from './backplane.js';

/** Which hub, of which fleet. */
export interface HubOrigin {
  /** Default `'default'`. */
  name?: string;
  /** What this instance is called; no other may be called the same. Default: another at every start. */
  node?: string;
  /** What ties it to the other instances. Default: there are none. */
  backplane?: Backplane;
}

/** Where an id is connected. */
export interface Presence {
  id: string;
  online: boolean;
  connections: { node: string; meta?: unknown }[];
  /** False: the backplane did not answer; this is what is known here. */
  complete: boolean;
}
