import type { Socket } from 'node:net';
import { Duplex } from 'node:stream';
import type { TLSSocket } from 'node:tls';
import type { Lease } from '../core/index.js';
import {
  ConnBusyError,
  ConnClosedError,
  RawTakenError,
  SocketDeadlineError,
  StaleConnectionError,
} from './net-errors.js';
import type { Reader, SocketWatch } from './socket-watch.js';
import type { Target } from './target.js';

/** A connection in somebody's hands, with the pool's eyes on it. */
export interface Loan {
  readonly lease: Lease<Duplex>;
  readonly watch: SocketWatch;
}

/** Where a pooled socket comes from. */
export interface Lending {
  readonly pool: string;
  readonly target: Target;
  /** Dials once more, for one whose connection turned out dead. */
  redial(): Promise<Loan>;
  /** As the pool sets up each of its sockets. */
  readonly noDelay: boolean;
  readonly keepAlive: number | undefined;
}

type Done = (error?: Error | null) => void;
type Chunk = { readonly chunk: Buffer };

/**
 * A connection of a `SocketPool`: goes wherever a connected `net.Socket` goes, and goes back to the pool when it is
 * closed with `close()`. Destroyed or ended instead, its connection is not used again.
 *
 * @example
 * await using socket = await pool.dial('tcp', '127.0.0.1:7000');
 * socket.write('time\n');
 * const [answer] = await once(socket, 'data');
 */
export class PooledSocket extends Duplex {
  /** It is connected from the start. */
  readonly connecting = false;
  /** The connection itself; its addresses stay readable when it is given back. */
  private conn: Duplex & Partial<Omit<Socket, keyof Duplex>>;
  private fresh: boolean;
  private discarded: unknown = undefined;
  private closing = false;
  /** Its writing side, by its user. */
  private ended = false;
  private taken = false;
  private wanting = false;
  /** Bytes have come from this connection since it was lent. */
  private answered = false;
  /** Something was written since the last byte came. */
  private awaiting = false;
  private redialing = false;
  private written = 0;
  /** What was written, as long as it may have to be written again. */
  private sent: Buffer[] | undefined;
  private setup = false;
  private deadline: NodeJS.Timeout | undefined = undefined;
  private drained: Done | undefined = undefined;

  /**
   * @internal
   * @param replay - how many bytes may be written twice
   */
  constructor(
    private readonly lending: Lending,
    private loan: Loan,
    private readonly replay: number,
  ) {
    super({ allowHalfOpen: false, readableObjectMode: loan.lease.conn.readableObjectMode });
    this.conn = loan.lease.conn;
    this.fresh = !loan.lease.reused;
    this.sent = this.fresh || replay === 0 ? undefined : [];
    loan.watch.lendTo(this.reader);
  }

  /** It was connected before this dial. False also once a dead one has been replaced. */
  get reused(): boolean {
    return !this.fresh;
  }

  /** This connection is not to be reused: `close()` closes it. It remains usable until then. */
  discard(reason: unknown = 'discarded by its user'): void {
    this.discarded = reason;
  }

  /**
   * Takes the socket itself out of the pool, which forgets it. What has been received and not been read is still to be
   * read from it. Afterwards `close()` does nothing.
   *
   * @throws RawTakenError when it was called before, ConnClosedError after `close()`, ConnBusyError while writes are
   *   pending
   */
  raw(): Socket {
    const { pool, target } = this.lending;
    if (this.taken) throw new RawTakenError(pool, target.network, target.address);
    if (this.closing || this.destroyed) throw this.closedError('raw()');
    if (this.writableLength > 0 || this.redialing)
      throw new ConnBusyError(pool, target.network, target.address);
    const { conn } = this;
    this.taken = true;
    const received = takeAll(this);
    this.loan.watch.lendRaw(true);
    for (const chunk of received.reverse()) conn.unshift(chunk);
    this.loan.lease.detach();
    this.destroy();
    return conn as Socket;
  }

  /**
   * Gives the connection back to the pool if it is fit to be used again, and closes it otherwise: after an error, with
   * unread data, while an answer is awaited, after `end()` or `discard()`. Waits for pending writes.
   *
   * Rejects with ConnClosedError when it was called before.
   */
  async close(): Promise<void> {
    if (this.taken) return;
    if (this.closing) throw this.closedError('close()');
    this.closing = true;
    if (this.destroyed) return;
    this.ended = this.writableEnded;
    if (this.writableLength === 0 && !this.redialing) return this.giveBack();
    await new Promise<void>((resolve) => this.once('close', resolve).end());
  }

  /** As `close()`, but does nothing when it is closed. */
  override async [Symbol.asyncDispose](): Promise<void> {
    if (!this.closing) await this.close();
  }

  /**
   * When the deadline comes, the socket emits a SocketDeadlineError and is closed. It ends with this loan and never
   * reaches the next.
   *
   * @param at - a date, a number of milliseconds since 1970, or null for none
   */
  setDeadline(at: Date | number | null): this {
    clearTimeout(this.deadline);
    this.deadline = undefined;
    if (at === null || this.destroyed) return this;
    const { pool, target } = this.lending;
    const expire = (): void =>
      void this.destroy(new SocketDeadlineError(pool, target.network, target.address));
    this.deadline = setTimeout(expire, Math.max(0, Number(at) - Date.now()));
    return this;
  }

  /** As of `net.Socket`: `'timeout'` after so many milliseconds without activity; 0 = none. */
  setTimeout(ms: number, listener?: () => void): this {
    this.conn.setTimeout?.(ms);
    if (listener !== undefined) {
      if (ms === 0) this.off('timeout', listener);
      else this.once('timeout', listener);
    }
    return this;
  }

  setKeepAlive(on?: boolean, initialDelay?: number): this {
    this.setup = true;
    this.conn.setKeepAlive?.(on, initialDelay);
    return this;
  }

  setNoDelay(on?: boolean): this {
    this.setup = true;
    this.conn.setNoDelay?.(on);
    return this;
  }

  ref(): this {
    this.conn.ref?.();
    return this;
  }

  unref(): this {
    this.conn.unref?.();
    return this;
  }

  address(): ReturnType<Socket['address']> {
    return this.conn.address?.() ?? {};
  }

  get remoteAddress(): string | undefined {
    return this.conn.remoteAddress;
  }

  get remotePort(): number | undefined {
    return this.conn.remotePort;
  }

  get remoteFamily(): string | undefined {
    return this.conn.remoteFamily;
  }

  get localAddress(): string | undefined {
    return this.conn.localAddress;
  }

  get localPort(): number | undefined {
    return this.conn.localPort;
  }

  get bytesRead(): number {
    return this.conn.bytesRead ?? 0;
  }

  get bytesWritten(): number {
    return this.conn.bytesWritten ?? 0;
  }

  /** Of TLS connections: true, as of a `tls.TLSSocket`. */
  get encrypted(): boolean {
    return (this.conn as Partial<TLSSocket>).encrypted === true;
  }

  /** Of TLS connections: whether the peer's certificate was verified. */
  get authorized(): boolean {
    return (this.conn as Partial<TLSSocket>).authorized === true;
  }

  override _read(): void {
    this.wanting = true;
    this.receive();
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: Done): void {
    this.note(chunk);
    if (this.redialing) this.drained = done;
    else this.pass([{ chunk }], done);
  }

  override _writev(chunks: Chunk[], done: Done): void {
    for (const { chunk } of chunks) this.note(chunk);
    if (this.redialing) this.drained = done;
    else this.pass(chunks, done);
  }

  override _final(done: Done): void {
    if (this.closing && !this.ended) {
      done();
      this.giveBack();
    } else if (this.redialing) this.drained = done;
    else this.conn.end(() => done());
  }

  override _destroy(error: Error | null, destroyed: Done): void {
    clearTimeout(this.deadline);
    const { lease, watch } = this.loan;
    watch.reader = undefined;
    if (lease.active) lease.discard(error ?? 'destroyed by its user');
    destroyed(error);
  }

  private get isDatagrams(): boolean {
    return this.readableObjectMode;
  }

  /** What the pool tells of the connection. */
  private readonly reader: Reader = {
    readable: () => this.receive(),
    lost: (cause) => this.lost(cause),
    timeout: () => void this.emit('timeout'),
  };

  private receive(): void {
    const { conn } = this;
    if (this.taken || (!this.wanting && conn.readableLength > 0)) return;
    for (let chunk: unknown = conn.read(); chunk !== null; chunk = conn.read()) {
      this.answered = true;
      this.awaiting = false;
      this.sent = undefined;
      if (!this.push(chunk)) {
        this.wanting = false;
        return;
      }
    }
  }

  private note(chunk: Buffer): void {
    this.awaiting = true;
    if (this.answered || this.fresh) return;
    this.written += chunk.length;
    if (this.sent === undefined) return;
    if (this.written > this.replay) this.sent = undefined;
    else this.sent.push(Buffer.from(chunk));
  }

  private pass(chunks: readonly Chunk[], done: Done): void {
    const { conn } = this;
    // Why it is gone, and what follows from that, comes by the watch.
    if (conn.destroyed) return done();
    let more = true;
    if (chunks.length > 1) conn.cork();
    for (const { chunk } of chunks) more = conn.write(chunk);
    if (chunks.length > 1) conn.uncork();
    if (more) return done();
    this.drained = done;
    conn.once('drain', this.onDrain);
  }

  private readonly onDrain = (): void => {
    const done = this.drained;
    this.drained = undefined;
    done?.();
  };

  /** The peer has ended its side, or the connection is gone. */
  private lost(cause: Error | undefined): void {
    if (this.destroyed || this.taken || this.redialing) return;
    const isStale = !this.fresh && !this.answered && !this.isDatagrams;
    if (isStale && !this.closing) {
      if (this.written === 0 || this.sent !== undefined) return void this.replace();
      const { pool, target } = this.lending;
      this.destroy(new StaleConnectionError(pool, target.network, target.address, { cause }));
    } else if (cause !== undefined) this.destroy(cause);
    else this.push(null);
  }

  /** The peer had closed it while it was idle: nobody need know. */
  private async replace(): Promise<void> {
    this.redialing = true;
    this.conn.off('drain', this.onDrain);
    this.loan.lease.discard('it was dead before it was used');
    try {
      const loan = await this.lending.redial();
      if (this.destroyed) return loan.lease.discard('its user is gone');
      this.loan = loan;
      this.conn = loan.lease.conn;
      this.fresh = true;
      this.redialing = false;
      this.again();
    } catch (error) {
      this.redialing = false;
      this.destroy(error as Error);
    }
  }

  /** Goes on where the dead connection left off. */
  private again(): void {
    const { sent = [], drained: done = () => undefined } = this;
    this.sent = this.drained = undefined;
    this.loan.watch.lendTo(this.reader);
    if (sent.length === 0) done();
    else this.pass([{ chunk: Buffer.concat(sent) }], done);
    if (this.ended) this.conn.end();
    if (this.wanting) this.receive();
  }

  private giveBack(): void {
    const { lease } = this.loan;
    const unfit = this.unfitness();
    if (unfit !== undefined) lease.discard(unfit);
    else {
      if (this.setup) this.restore();
      lease.release();
    }
    this.destroy();
  }

  private unfitness(): unknown {
    if (this.discarded !== undefined) return this.discarded;
    if (this.ended) return 'its writing side was ended';
    if (this.readableLength > 0) return 'it holds unread data';
    const isAwaited = this.awaiting && this.listenerCount('data') + this.listenerCount('readable') > 0;
    if (isAwaited && !this.isDatagrams) return 'an answer was still awaited';
    return undefined;
  }

  private restore(): void {
    const { noDelay, keepAlive } = this.lending;
    this.conn.setNoDelay?.(noDelay);
    this.conn.setKeepAlive?.(keepAlive !== undefined, keepAlive);
  }

  private closedError(what: string): ConnClosedError {
    const { pool, target } = this.lending;
    return new ConnClosedError(pool, target.network, target.address, what);
  }
}

/** What has been received and not been read. */
function takeAll(socket: Duplex): Buffer[] {
  const chunks: Buffer[] = [];
  for (let chunk: Buffer | null = socket.read(); chunk !== null; chunk = socket.read()) chunks.push(chunk);
  return chunks;
}
