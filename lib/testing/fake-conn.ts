import type { CloseReason } from '../core/connector.js';

/** A rule of ownership that was broken. */
export type FakeViolation =
  | 'shared' // entered by a second user while the first was inside
  | 'used after close'
  | 'closed in use' // while a user was inside, though neither by force nor dead
  | 'closed twice'
  | 'not mine'; // handed to a connector that did not dial it

/** Thrown at whoever breaks a rule of ownership; also kept in `connector.violations`. */
export class FakeOwnershipError extends Error {
  override readonly name = 'FakeOwnershipError';

  constructor(
    readonly violation: FakeViolation,
    /** The connection's `serial`; 0 when it has none. */
    readonly serial: number,
  ) {
    super(`fake connection ${serial}: ${violation}`);
  }
}

/** For the connector that made it: what only the pool's own calls may do to a connection. */
export const poolSide = Symbol('pool side');

/** What a `fakeConnector` dials: a connection that knows whether it is alive and who is using it. */
export class FakeConn {
  /** False once it has died or was closed. */
  alive = true;
  /** The pool has closed it. */
  closed = false;
  /** Yours: what a borrower left behind and a `reset` should have cleaned, for example. */
  state: unknown = undefined;

  private borrowers = 0;
  private checks = 0;
  private readonly watchers = new Set<(cause?: unknown) => void>();

  constructor(
    /** 1 for the first connection a connector made, 2 for the second … */
    readonly serial: number,
    private readonly cryOut: (violation: FakeViolation, serial: number) => never,
  ) {}

  /** Somebody is inside: a borrower, or a heartbeat or reset that has not answered. */
  get inUse(): boolean {
    return this.borrowers + this.checks > 0;
  }

  /** The pool watches it. */
  get watched(): boolean {
    return this.watchers.size > 0;
  }

  /**
   * Marks the beginning of a use; the answer ends it. Two uses at once, or one after close, are violations.
   *
   * @throws FakeOwnershipError
   * @example
   * const leave = lease.conn.enter();
   * await somethingElse();
   * leave();
   */
  enter(): () => void {
    this.refuseSecondUser();
    this.borrowers++;
    return once(() => this.borrowers--);
  }

  /** The peer is gone, and whoever watches is told at once. */
  die(cause?: unknown): void {
    this.alive = false;
    for (const lost of [...this.watchers]) lost(cause);
  }

  /** The peer is gone, but nobody is told: only `isAlive` and a heartbeat can find out. */
  dieSilently(): void {
    this.alive = false;
  }

  /** @internal */
  readonly [poolSide] = {
    watch: (lost: (cause?: unknown) => void): (() => void) => {
      this.watchers.add(lost);
      return () => void this.watchers.delete(lost);
    },
    /** A heartbeat or a reset is a user as well. */
    check: (): (() => void) => {
      this.refuseSecondUser();
      this.checks++;
      return once(() => this.checks--);
    },
    close: (reason: CloseReason): void => {
      if (this.closed) this.cryOut('closed twice', this.serial);
      // A dead connection, or one taken by force, may be closed under its borrower; one that failed a check, under it.
      const entitled = reason === 'forced' || !this.alive;
      const failedCheck = reason === 'heartbeat-failed' || reason === 'reset-failed';
      const inUse = !entitled && (this.borrowers > 0 || (this.checks > 0 && !failedCheck));
      this.closed = true;
      this.alive = false;
      if (inUse) this.cryOut('closed in use', this.serial);
    },
  };

  private refuseSecondUser(): void {
    if (this.closed) this.cryOut('used after close', this.serial);
    if (this.inUse) this.cryOut('shared', this.serial);
  }
}

function once(leave: () => void): () => void {
  let inside = true;
  return () => {
    if (inside) leave();
    inside = false;
  };
}
