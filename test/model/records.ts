import type { CloseReason, Lease } from 'nestjs-conn-pool/core';

export type Kind = 'dial' | 'heartbeat' | 'reset' | 'close';

/** One call of the connector, from its beginning to its answer. */
export interface Call {
  readonly kind: Kind;
  begunAt: number;
  /** The pool's, when it began. */
  readonly generation: number;
  readonly step: number;
  /** Aborts when the pool gives the call up; a close has none. */
  readonly signal: AbortSignal | undefined;
  readonly conn: Conn | undefined;
  answer: 'open' | 'well' | 'badly';
  answeredIn: number;
}

/** One acquire, from its call to its outcome. */
export interface Acquiring {
  readonly seq: number;
  readonly step: number;
  readonly priority: number;
  readonly fresh: boolean;
  readonly deadline: number;
  readonly signal: AbortSignal | undefined;
  /** How many dials had begun when it came. */
  readonly dialsBefore: number;
  /** How many waited before it, and how many might then. */
  readonly ahead: number;
  readonly most: number;
  /** By `use()`. */
  readonly using: boolean;
  /** It was not settled at once. */
  waited: boolean;
  state: 'pending' | 'granted' | 'rejected';
}

/** One loan. */
export interface Held {
  readonly lease: Lease<Conn>;
  readonly conn: Conn;
  readonly takenAt: number;
  leaked: boolean;
  ended: boolean;
}

/**
 * A connection that knows who has it. All of them look alike, and what they look like changes: nobody may tell them
 * apart by anything but what they are.
 */
export class Conn {
  /** Looks like a key, and is none. */
  key = 0;
  /** The peer is gone. */
  dead = false;
  /** The pool has been told so. */
  lost = false;
  lostIn = NaN;
  /** It was told from within what it called, and may have been about to close this one. */
  perhaps = false;
  /** The pool has done something with it. */
  touched = false;
  /** `watch` runs, has thrown, or the connection has died before it was of any use. */
  watching = false;
  watchThrew = false;
  stillborn = false;
  /** Whose it is. */
  held: Held | undefined = undefined;
  /** Its user has done with it, and `use()` is about to give it back. */
  returning = false;
  /** Not used since it was made or reset. */
  clean = true;
  discarded = false;
  detached = false;
  grants = 0;
  closes = 0;
  reason: CloseReason | undefined = undefined;
  /** The heartbeat after its dial, the last heartbeat or reset, the close. */
  first: Call | undefined = undefined;
  check: Call | undefined = undefined;
  closing: Call | undefined = undefined;
  /** Ready since; last used; last used or found healthy. */
  bornAt = NaN;
  usedAt = NaN;
  soundAt = NaN;
  /** By which the connector reports its loss. */
  lose: ((cause?: unknown) => void) | undefined = undefined;

  constructor(
    readonly serial: number,
    /** The dial that made it. */
    readonly dial: Call,
    readonly madeAt: number,
  ) {}

  toString(): string {
    return 'connection';
  }

  toJSON(): string {
    return `#${this.serial}`;
  }
}
