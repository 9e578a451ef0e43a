import type { Duplex } from 'node:stream';
import type { Lease } from '../core/index.js';
import { LeaseEndedError } from '../core/index.js';
import { Borrowing } from './borrowing.js';
import type { SocketWatch } from './socket-watch.js';

/** The lease of a raw socket: at its end the socket is cleaned, and kept only if it is fit to be used again. */
export class SocketLease<S extends Duplex> extends Borrowing implements Lease<S> {
  /** Every promise that resolves with a lease looks for it. */
  protected readonly then: undefined = undefined;
  private over = false;

  constructor(
    private readonly lease: Lease<Duplex>,
    private readonly watch: SocketWatch,
    private readonly pool: string,
    /** How long its end waits for pending writes, in milliseconds. */
    private readonly flushTimeout: number,
  ) {
    super();
    watch.lendRaw(this, true);
  }

  get conn(): S {
    if (this.over) throw new LeaseEndedError(this.pool, this.id);
    return this.lease.conn as S;
  }

  get id(): number {
    return this.lease.id;
  }

  get reused(): boolean {
    return this.lease.reused;
  }

  get signal(): AbortSignal {
    return this.lease.signal;
  }

  get active(): boolean {
    return !this.over && this.lease.active;
  }

  release(): void {
    if (!this.active) return;
    this.over = true;
    const { lease, watch } = this;
    const unfit = watch.takeBack();
    if (unfit !== undefined) return lease.discard(new Error(unfit));
    const { conn } = lease;
    // What was written must be on its way before the next borrower writes.
    if (conn.writableLength === 0 || conn.readableObjectMode) lease.release();
    else {
      const limit = setTimeout(() => lease.discard(new Error('its writes did not end')), this.flushTimeout);
      conn.write('', () => {
        clearTimeout(limit);
        lease.release();
      });
    }
  }

  discard(reason?: unknown): void {
    if (!this.active) return;
    this.over = true;
    this.forget();
    this.lease.discard(reason);
  }

  detach(): S {
    if (!this.active) throw new LeaseEndedError(this.pool, this.id);
    this.over = true;
    this.forget();
    return this.lease.detach() as S;
  }

  [Symbol.dispose](): void {
    this.release();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.release();
  }
}
