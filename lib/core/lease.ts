import type { Connection } from './connection.js';
import { LeaseEndedError } from './errors.js';

/**
 * One borrowing of one connection. Each acquire gives a lease of its own, so a lease that has ended can never touch
 * the connection's next borrower, whatever is called on it.
 *
 * @example
 * using lease = await pool.acquire();
 * await lease.conn.send('ping');
 */
export interface Lease<T> extends Disposable, AsyncDisposable {
  /** The connection. @throws LeaseEndedError once the lease has ended */
  readonly conn: T;
  /** Of the connection, unique in the pool. */
  readonly id: number;
  /** False: the connection was dialled for this lease. */
  readonly reused: boolean;
  /** Aborts when the connection is lost or taken back by force. Made on first read. */
  readonly signal: AbortSignal;
  /** The lease has not ended. */
  readonly active: boolean;
  /** Gives the connection back. Idempotent. */
  release(): void;
  /** Gives the connection back as unfit: it is closed, not lent again. Idempotent. */
  discard(reason?: unknown): void;
  /** Takes the connection out of the pool for good; its slot is free at once. @throws LeaseEndedError */
  detach(): T;
}

/** Where a lease gives its connection back to. Each is called once at most for each lease. */
export interface Lender<T> {
  readonly name: string;
  returned(connection: Connection<T>): void;
  discarded(connection: Connection<T>, reason: unknown): void;
  detached(connection: Connection<T>): void;
}

/** The lease a pool gives out. Its connection leaves it at its end; that is what makes a stale lease harmless. */
export class PooledLease<T> implements Lease<T> {
  /** Every promise that resolves with a lease looks for it; found here, the search ends before the prototypes. */
  protected readonly then: undefined = undefined;
  readonly id: number;
  private connection: Connection<T> | undefined;
  private controller: AbortController | undefined = undefined;
  private endedBy: unknown = undefined;

  constructor(
    private readonly lender: Lender<T>,
    connection: Connection<T>,
    readonly reused: boolean,
  ) {
    this.connection = connection;
    this.id = connection.id;
  }

  get conn(): T {
    if (this.connection === undefined) throw this.ended();
    return this.connection.resource as T;
  }

  get active(): boolean {
    return this.connection !== undefined;
  }

  get signal(): AbortSignal {
    if (this.controller === undefined) {
      this.controller = new AbortController();
      if (this.endedBy !== undefined) this.controller.abort(this.endedBy);
    }
    return this.controller.signal;
  }

  release(): void {
    const { connection } = this;
    if (connection === undefined) return;
    this.connection = undefined;
    this.lender.returned(connection);
  }

  discard(reason?: unknown): void {
    const { connection } = this;
    if (connection === undefined) return;
    this.connection = undefined;
    this.lender.discarded(connection, reason);
  }

  detach(): T {
    const { connection } = this;
    if (connection === undefined) throw this.ended();
    this.connection = undefined;
    this.lender.detached(connection);
    return connection.resource as T;
  }

  [Symbol.dispose](): void {
    this.release();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.release();
  }

  /** The connection has died in the borrower's hands; the borrower still has to give it back. */
  abort(cause: unknown): void {
    this.endedBy = cause;
    this.controller?.abort(cause);
  }

  /** Takes the connection out of the borrower's hands, without a word to the pool, which is the one to call this. */
  revoke(cause: unknown): void {
    this.connection = undefined;
    this.abort(cause);
  }

  private ended(): LeaseEndedError {
    const cause = this.endedBy === undefined ? undefined : { cause: this.endedBy };
    return new LeaseEndedError(this.lender.name, this.id, cause);
  }
}
