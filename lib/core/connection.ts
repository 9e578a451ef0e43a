import type { CloseReason } from './connector.js';
import type { PooledLease } from './lease.js';

/**
 * Where a connection stands. It is in exactly one state, and counted there.
 *
 * - `dialing`: being made, or under its first heartbeat
 * - `idle`: ready to be lent
 * - `leased`: in one borrower's hands
 * - `checking`: under a heartbeat
 * - `resetting`: being cleaned after a lease
 * - `closing`: its close is running; it still counts against `max`
 * - `gone`: closed, detached or never made
 */
export type ConnectionState = 'dialing' | 'idle' | 'leased' | 'checking' | 'resetting' | 'closing' | 'gone';

/** Whoever keeps a connection. */
export interface ConnectionKeeper<T> {
  /** Closes it. */
  end(connection: Connection<T>, reason: CloseReason): void;
  /** It has died. */
  lose(connection: Connection<T>, cause: unknown): void;
  /** The birth of the last that the line has looked at. */
  readonly seen: number;
}

/** One pooled connection, and all that the pool remembers of it. Times are on the pool's clock, `NaN` until they are known. */
export class Connection<T> {
  state: ConnectionState = 'dialing';
  /** It has been dialled, and `resource` is what the dial gave. */
  made = false;
  resource: T | undefined = undefined;
  /** While it is dialled: since then. */
  dialedAt = NaN;
  /** While it is dialled: which attempt this is. */
  attempt = 1;
  /** Lives until then, unless leased. */
  expiresAt = Infinity;
  /** Leased, or being closed: since then. Otherwise: last used then. */
  since = NaN;
  /** To be checked before it is lent, from then on. */
  checkAt = Infinity;
  /** Idle: from then on it may not be lent without a closer look. Being checked or reset: since then. */
  dueAt = Infinity;
  uses = 0;
  /** It was made elsewhere. */
  adopted = false;
  /** Its number among those dialled; 0: none of them. */
  birth = 0;
  /** In flight towards idle: counted as help that is coming for the line. */
  incoming = false;
  /** It has died. */
  lost = false;
  /** Why it is closed, and what made it unfit. */
  reason: CloseReason = 'lost';
  cause: unknown = undefined;
  /** Which borrowing of it this is, or will be: it goes up when a lease ends. */
  tenancy = 0;
  /** The lease of this tenancy that wants to be told of its end. */
  observer: PooledLease<T> | undefined = undefined;
  /** In which tenancy it died or was taken back, and why. */
  spoiled = -1;
  spoiledBy: unknown = undefined;
  /** The connector's call that runs on it. */
  call: { abandon(reason: unknown): void } | undefined = undefined;
  /** Stops the watching; it is given the connection, so that one function may do for all. */
  unwatch: ((resource: T) => void) | undefined = undefined;
  /** Somebody waits for its close. */
  onGone: (() => void) | undefined = undefined;
  /** Its place in the roster; only the roster writes it. */
  seat = -1;
  previous: Connection<T> | undefined = undefined;
  next: Connection<T> | undefined = undefined;
  /** Under a ceiling of many keys: nobody holds it. Only `Recency` writes these. */
  resting = false;
  older: Connection<T> | undefined = undefined;
  newer: Connection<T> | undefined = undefined;

  constructor(
    readonly id: number,
    /** Of the pool, when the dial began. */
    readonly generation: number,
    /** Where it is kept. */
    readonly keeper: ConnectionKeeper<T>,
  ) {}

  /** Dialled, but not looked at by the line yet: a fresh acquire may still have it. Whoever gets it later gets it reused. */
  get isNew(): boolean {
    return this.uses === 0 && !this.adopted && this.birth > this.keeper.seen;
  }
}
