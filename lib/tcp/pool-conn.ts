import type { Duplex } from 'node:stream';
import { AcquireTimeoutError, type Lease, PoolClosedError } from '../core/index.js';
import type { Loan } from '../net/pooled-socket.js';
import { LOST, type SocketWatch } from '../net/socket-watch.js';
import { TcpConn } from './tcp-conn.js';
import { TcpConnClosedError, TcpTimeoutError, type Where } from './tcp-errors.js';
import type { Call } from './tcp-options.js';
import type { TcpConnStatus } from './tcp-wire.js';

/** Where a connection comes from, and another in place of one that is dead. */
export interface LoanSource {
  (call: { signal?: AbortSignal; timeout?: number }): Promise<Loan>;
}

/**
 * A connection of a `TcpPool`. `close()` gives it back, or ends it if it is not fit to be used again; each borrower has a
 * `PoolConn` of his own, so that an old one cannot touch the next borrower's connection.
 *
 * If the first send on a reused connection fails because that is dead, another one takes its place, and nobody notices.
 *
 * @example
 * await using conn = await pool.get('127.0.0.1:8999');
 * const answer = await conn.sendRecvPkg('ping');
 */
export class PoolConn extends TcpConn {
  private lease: Lease<Duplex>;
  private watch: SocketWatch;
  private isReused: boolean;

  private constructor(
    where: Where,
    { lease, watch }: Loan,
    private readonly another: LoanSource,
  ) {
    super(where, lease.conn);
    this.lease = lease;
    this.watch = watch;
    this.isReused = lease.reused;
    if (lease.reused) this.outcome = 'unknown';
    watch.lendTo(this);
  }

  /** @internal Made by `TcpPool`. */
  static of(where: Where, loan: Loan, another: LoanSource): PoolConn {
    return new PoolConn(where, loan, another);
  }

  /** It had served before. False also once a dead one has been replaced by a new one. */
  get reused(): boolean {
    return this.isReused;
  }

  /**
   * `'active'` when it is new or the last thing that was sent or received went well, `'error'` when that failed,
   * `'unknown'` as long as nothing was on a reused one. `close()` ends one in `'error'`.
   */
  get status(): TcpConnStatus {
    return this.outcome;
  }

  /** This connection is not to be reused: `close()` ends it. It remains usable until then. */
  discard(reason = 'discarded by its user'): void {
    this.spoiled ??= reason;
  }

  /**
   * Gives the connection back once what was sent is on its way. It is ended instead when it is not fit to be used again:
   * after an error, with unread bytes, while an answer is awaited, after `discard()`. Whatever is called afterwards, but
   * `close()`, rejects with TcpConnClosedError.
   */
  override close(): Promise<void> {
    return super.close();
  }

  /** @internal */
  override [LOST](cause: Error | undefined): void {
    this.noticeLoss();
    super[LOST](cause);
  }

  /** The pool takes back by force. */
  protected override noticeLoss(): void {
    if (!this.lease.active && !this.over) this.shut(new PoolClosedError(this.where.pool));
  }

  /** @internal */
  override destroy(): void {
    this.discard();
    void this.close();
  }

  protected override get isReplaceable(): boolean {
    if (!this.isReused || this.over) return false;
    return this.replacing || (this.outcome === 'unknown' && !this.isRead && !this.isWriting);
  }

  /** Dead ones that were idle are passed over; what is dialled then is the last. */
  protected override async onReplacement(bytes: Buffer, call: Call): Promise<unknown> {
    for (;;) {
      this.leave();
      let loan: Loan;
      try {
        loan = await this.another({ signal: call.signal, timeout: this.timeLeft(call) });
      } catch (error) {
        const late = error instanceof AcquireTimeoutError && this.timeLeft(call) === 1;
        return late ? new TcpTimeoutError(this.where, 'send') : error;
      }
      const { lease, watch } = loan;
      if (this.over) {
        lease.discard('its user is gone');
        return new TcpConnClosedError(this.where);
      }
      this.lease = lease;
      this.watch = watch;
      this.isReused = lease.reused;
      this.adopt(lease.conn);
      watch.lendTo(this);
      const failure = this.put(bytes);
      if (failure === undefined || !lease.reused) return failure;
    }
  }

  protected override async finish(): Promise<void> {
    this.shut();
    const isFlushed = this.isCut || this.socket.writableLength === 0 || (await this.flushed());
    if (!isFlushed) this.discard('its writes did not end');
    if (!this.lease.active) return;
    const left = this.watch.takeBack();
    const unfit = this.unfitness() ?? left;
    if (unfit === undefined) this.lease.release();
    else this.lease.discard(new Error(unfit));
  }

  private unfitness(): string | undefined {
    if (this.spoiled !== undefined) return this.spoiled;
    if (this.outcome === 'error') return 'its last call has failed';
    if (this.queue.length > 0) return 'it holds unread data';
    const isAwaited = this.awaiting && this.wanted;
    if (isAwaited || (this.answered && this.unanswered > 0)) return 'an answer was still awaited';
    return undefined;
  }

  /** The dead one goes, without a word from it. */
  private leave(): void {
    if (!this.lease.active) return;
    this.watch.takeBack();
    this.lease.discard(new Error('it was dead, or had bytes of others, before it was used'));
  }
}
