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
