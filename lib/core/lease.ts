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
  release(this: Lease<T>): void;
  /** Gives the connection back as unfit: it is closed, not lent again. Idempotent. */
  discard(this: Lease<T>, reason?: unknown): void;
  /** Takes the connection out of the pool for good; its slot is free at once. @throws LeaseEndedError */
  detach(this: Lease<T>): T;
}

/** Where a lease gives its connection back to. Each is called once at most for each lease. */
export interface Lender<T> {
  readonly name: string;
  returned(connection: Connection<T>): void;
  discarded(connection: Connection<T>, reason: unknown): void;
  detached(connection: Connection<T>): void;
}

/**
 * The lease a pool gives out. It holds good as long as its tenancy is the connection's present one; the end of a lease
 * begins the next, and that is what makes a stale lease harmless.
 */
export class PooledLease<T> implements Lease<T> {
  /** Every promise that resolves with a lease looks for it; found here, the search ends before the prototypes. */
  protected readonly then: undefined = undefined;
  private readonly tenancy: number;
  private controller: AbortController | undefined = undefined;

  constructor(
    private readonly lender: Lender<T>,
    private readonly connection: Connection<T>,
    readonly reused: boolean,
  ) {
    this.tenancy = connection.tenancy;
  }

  get id(): number {
    return this.connection.id;
  }

  get conn(): T {
    if (!this.active) throw this.ended();
    return this.connection.resource as T;
  }

  get active(): boolean {
    return this.connection.tenancy === this.tenancy;
  }

  get signal(): AbortSignal {
    if (this.controller === undefined) {
      this.controller = new AbortController();
      if (this.connection.spoiled === this.tenancy) this.abort(this.connection.spoiledBy);
      else if (this.active) this.connection.observer = this;
    }
    return this.controller.signal;
  }

  release(): void {
    if (leave(this, 'release')) this.lender.returned(this.connection);
  }

  discard(reason?: unknown): void {
    if (leave(this, 'discard')) this.lender.discarded(this.connection, reason);
  }

  detach(): T {
    if (!leave(this, 'detach')) throw this.ended();
    this.lender.detached(this.connection);
    return this.connection.resource as T;
  }

  [Symbol.dispose](): void {
    if (leave(this, '[Symbol.dispose]')) this.lender.returned(this.connection);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (leave(this, '[Symbol.asyncDispose]')) this.lender.returned(this.connection);
  }

  /** The connection has died, or has been taken back. */
  abort(cause: unknown): void {
    this.controller?.abort(cause);
  }

  /** Ends the tenancy. @returns false when it had ended before */
  leave(): boolean {
    if (this.connection.tenancy !== this.tenancy) return false;
    this.connection.tenancy += 1;
    return true;
  }

  private ended(): LeaseEndedError {
    const { spoiled, spoiledBy, id } = this.connection;
    const cause = spoiled === this.tenancy ? { cause: spoiledBy } : undefined;
    return new LeaseEndedError(this.lender.name, id, cause);
  }
}

function leave(lease: unknown, method: string): boolean {
  if (lease instanceof PooledLease) return lease.leave();
  throw strayCall(method);
}

function strayCall(method: string): TypeError {
  const call = `lease${method.startsWith('[') ? '' : '.'}${method}()`;
  return new TypeError(`${method}() was called without its lease. Call ${call}, or pass on () => ${call}.`);
}
