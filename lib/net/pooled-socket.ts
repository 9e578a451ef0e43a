import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { type AcquireOptions, InvalidOptionsError, type Lease, PoolClosedError } from '../core/index.js';
import type { Lender } from './lender.js';
import { LONGEST_TIMER } from '../core/longest-timer.js';
import {
  ConnBusyError,
  ConnClosedError,
  PeerGoneError,
  RawTakenError,
  SocketDeadlineError,
  StaleConnectionError,
} from './net-errors.js';
import { type Conn, SocketFace } from './socket-face.js';
import { LOST, RECEIVED, type SocketWatch } from './socket-watch.js';
import type { Target } from './target.js';
import { undecoded, UnreadText } from './unread-text.js';

export type { Lender, Loan } from './lender.js';

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
export class PooledSocket extends SocketFace {
  /** Every promise that resolves with it looks for it; found here, the search ends before the prototypes. */
  protected readonly then: undefined = undefined;
  protected conn: Conn;
  private fresh: boolean;
  private discarded: unknown = undefined;
  private closing = false;
  /** Its writing side, by its user. */
  private ended = false;
  private taken = false;
  private returned = false;
  /** Its user reads more slowly than the peer sends. */
  private full = false;
  /** Bytes have come from this connection since it was lent. */
  private answered = false;
  /** Something was written since the last byte came. */
  private awaiting = false;
  /** Something was written since it was lent. */
  private spoken = false;
  /** Its user has read, or waited for something to read. */
  private wanted = false;
  /** He has begun to listen for more since the last byte came. */
  private asking = false;
  private redialing = false;
  /** The connection is closed, and is not going to be replaced. */
  private gone = false;
  /** How much was written to a connection that may have to be replaced. */
  private written = 0;
  /** What was written, as long as it may have to be written again. */
  private sent: Buffer[] | undefined;
  /** What is being written. */
  private writing: Done | undefined = undefined;
  /** What is being written, and waits for a connection. */
  private held: readonly Chunk[] | undefined = undefined;
  private finished = false;
  private finishing: Done | undefined = undefined;
  /** With an encoding set. */
  private unread: UnreadText | undefined = undefined;
  /** Bytes came that nobody heard. */
  private unheard = false;
  private deadline: NodeJS.Timeout | undefined = undefined;

  /**
   * @internal
   * @param replay - how many bytes may be written twice
   */
  constructor(
    private readonly lender: Lender,
    private readonly target: Target,
    private lease: Lease<Duplex>,
    private watch: SocketWatch,
    private readonly options: AcquireOptions,
    private readonly replay: number,
  ) {
    super(lease.conn.readableObjectMode);
    this.conn = lease.conn;
    this.fresh = !lease.reused;
    this.sent = this.fresh || replay === 0 ? undefined : [];
    watch.lendTo(this, true);
  }

  /** It was connected before this dial. False also once a dead one has been replaced. */
  get reused(): boolean {
    return !this.fresh;
  }

  /** @internal It is closed, or about to be. */
  get isOver(): boolean {
    return this.closing || this.destroyed;
  }

  /** @internal */
  isOf(lender: Lender): boolean {
    return this.lender === lender;
  }

  /** This connection is not to be reused: `close()` closes it. It remains usable until then. */
  discard(reason: unknown = 'discarded by its user'): void {
    this.discarded = reason;
  }

  /**
   * Takes the socket itself out of the pool, which forgets it. What has been received and not been read is still to be
   * read from it. Afterwards `close()` does nothing.
   *
   * @throws RawTakenError when it was called before, ConnClosedError after `close()` or when the peer has ended the
   *   connection, ConnBusyError while writes are pending
   */
  raw(): Socket {
    const { network, address } = this.target;
    if (this.taken) throw new RawTakenError(this.lender.name, network, address);
    if (this.isOver) throw this.closedError('raw()');
    if (this.redialing) throw new ConnBusyError(this.lender.name, network, address);
    // Behind the end of a connection nothing can be put back; what it has left is to be read here.
    if (this.conn.readableEnded || this.conn.destroyed) throw this.closedError('raw()');
    if (this.writableLength > 0) throw new ConnBusyError(this.lender.name, network, address);
    const { conn } = this;
    this.taken = true;
    const received = this.takeReceived();
    this.restoreSettings(this.lender.setup);
    this.lease.detach();
    for (const chunk of received.reverse()) conn.unshift(chunk);
    this.destroy();
    return conn as Socket;
  }

  /**
   * Gives the connection back to the pool if it is fit to be used again, and closes it otherwise: after an error, with
   * unread data, while an answer is awaited, after `end()` or `discard()`. Waits for pending writes.
   *
   * Rejects with ConnClosedError when it was called before.
   */
  close(): Promise<void> {
    if (this.taken) return Promise.resolve();
    if (this.closing) return Promise.reject(this.closedError('close()'));
    this.closing = true;
    if (this.destroyed) return Promise.resolve();
    this.ended = this.writableEnded;
    if (this.isWriting) return this.closeWritten();
    try {
      this.giveBack();
    } catch (error) {
      return Promise.reject(error as Error);
    }
    return Promise.resolve();
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
    if (at !== null && Number.isNaN(Number(at))) {
      const allowed = 'a Date, milliseconds since 1970, or null';
      throw new InvalidOptionsError(this.lender.name, [{ path: 'setDeadline()', given: at, allowed }]);
    }
    clearTimeout(this.deadline);
    this.deadline = undefined;
    if (at === null || this.destroyed) return this;
    const { network, address } = this.target;
    const when = Number(at);
    const left = when - Date.now();
    // Node's timers fire at once beyond their range.
    if (left > LONGEST_TIMER) {
      if (when < Infinity) this.deadline = setTimeout(() => this.setDeadline(at), LONGEST_TIMER).unref();
      return this;
    }
    const expire = (): void => void this.destroy(new SocketDeadlineError(this.lender.name, network, address));
    this.deadline = setTimeout(expire, Math.max(0, left));
    return this;
  }

  /** @internal Whoever begins to listen waits for more. */
  override on(event: 'error', listener: (error: Error) => void): this;
  /** @internal */
  override on(event: string | symbol, listener: Parameters<Duplex['on']>[1]): this;
  override on(event: string | symbol, listener: Parameters<Duplex['on']>[1]): this {
    if ((event === 'data' || event === 'readable') && this.readableLength === 0) this.asking = true;
    return super.on(event, listener);
  }

  /** @internal */
  override addListener(event: string | symbol, listener: Parameters<Duplex['on']>[1]): this {
    return this.on(event, listener);
  }

  override _read(): void {
    this.wanted = true;
    if (!this.full || this.taken) return;
    this.full = false;
    this.conn.resume();
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: Done): void {
    this.accept([{ chunk }], done);
  }

  override _writev(chunks: Chunk[], done: Done): void {
    this.accept(chunks, done);
  }

  override _final(done: Done): void {
    this.finished = true;
    if (this.redialing) this.finishing = done;
    else this.finish(done);
  }

  override _destroy(error: Error | null, destroyed: Done): void {
    if (this.deadline !== undefined) clearTimeout(this.deadline);
    this.stopTimer();
    if (!this.returned && this.lease.active) this.lease.discard(error ?? 'destroyed by its user');
    const { writing } = this;
    this.writing = this.held = undefined;
    if (writing !== undefined) process.nextTick(writing, error ?? this.closedError('write()'));
    // Its user has left: nobody listens to an error.
    destroyed(this.closing ? null : error);
  }

  private finish(done: Done): void {
    const { conn } = this;
    if (this.closing && !this.ended) {
      if (conn.destroyed || this.isDatagrams) done();
      else conn.write('', () => done());
    } else if (this.gone || conn.writableFinished) done();
    else {
      this.finishing = done;
      // Of one that fails, or is replaced, the watch tells.
      conn.end(() => conn === this.conn && conn.writableFinished && this.settleFinish());
    }
  }

  private settleFinish(): void {
    const { finishing } = this;
    this.finishing = undefined;
    finishing?.();
  }

  /** Something written is not on its way yet. */
  private get isWriting(): boolean {
    const isEnding = this.ended && !this.writableFinished;
    return isEnding || this.redialing || this.writableLength > 0 || this.conn.writableLength > 0;
  }

  private get isDatagrams(): boolean {
    return this.readableObjectMode;
  }

  /** Whatever comes, nobody hears it. */
  private get isDeaf(): boolean {
    return this.readableFlowing === true && this.listenerCount('data') === 0;
  }

  /** Its user has written nothing and is about to write nothing, as far as this connection knows. */
  private get isUntouched(): boolean {
    return this.written === 0 && this.writableLength === 0;
  }

  /** @internal */
  [RECEIVED](chunk: Buffer): void {
    this.answered = true;
    this.awaiting = this.asking = false;
    this.sent = undefined;
    this.touch();
    if (this.isDeaf) this.unheard = true;
    if (this.readableEncoding === null ? this.push(chunk) : this.pushText(chunk)) return;
    this.full = true;
    this.conn.pause();
  }

  private pushText(chunk: Buffer): boolean {
    const rest = undecoded(this);
    const before = this.readableLength;
    const more = this.push(chunk);
    this.unread ??= new UnreadText();
    this.unread.add(this, rest, chunk, this.readableLength - before);
    return more;
  }

  /** What has been received and not been read, as it came. */
  private takeReceived(): Buffer[] {
    this.removeAllListeners('data').removeAllListeners('readable');
    const encoding = this.readableEncoding;
    const chunks: (Buffer | string)[] = [];
    for (let chunk: Buffer | string | null = this.read(); chunk !== null; chunk = this.read())
      chunks.push(chunk);
    if (encoding === null) return chunks as Buffer[];
    this.unread ??= new UnreadText();
    return [...this.unread.take(chunks.join(''), encoding), undecoded(this)].filter(
      ({ length }) => length > 0,
    );
  }

  /** Takes over what its user writes. */
  private accept(chunks: readonly Chunk[], done: Done): void {
    this.awaiting = this.spoken = true;
    if (this.redialing) {
      this.writing = done;
      this.held = chunks;
    } else this.pass(chunks, done);
  }

  private pass(chunks: readonly Chunk[], done: Done): void {
    const { conn } = this;
    if (this.gone) return done(this.goneError());
    if (conn.destroyed) {
      // Why it is gone, and what follows from that, comes by the watch.
      this.writing = done;
      this.held = chunks;
      return;
    }
    this.touch();
    if (!this.answered && !this.fresh) this.note(chunks);
    if (chunks.length > 1) conn.cork();
    for (const { chunk } of chunks) conn.write(chunk);
    if (chunks.length > 1) conn.uncork();
    // Mostly it is on its way at once, however much it is.
    if (conn.writableLength < conn.writableHighWaterMark) return done();
    this.writing = done;
    conn.once('drain', () => this.settleWrite(conn));
  }

  /** What may have to be written again is kept: its user may use the buffer for something else. */
  private note(chunks: readonly Chunk[]): void {
    for (const { chunk } of chunks) {
      this.written += chunk.length;
      if (this.written > this.replay) this.sent = undefined;
      else this.sent?.push(Buffer.from(chunk));
    }
  }

  private settleWrite(conn: Conn): void {
    // That a write was cut off, and what follows, comes by the watch.
    if (conn !== this.conn || conn.destroyed) return;
    const { writing } = this;
    this.writing = undefined;
    writing?.();
  }

  /** @internal */
  [LOST](cause: Error | undefined): void {
    if (this.destroyed || this.taken || this.returned || this.redialing) return;
    if (!this.lease.active) return this.wasTakenBack();
    const isClosed = this.conn.destroyed;
    if (this.closing) {
      // A peer that has only ended its own side may still take what is being written.
      if (isClosed) this.destroy();
    } else if (this.isStale(cause)) {
      if (this.written === 0 || this.sent !== undefined) return void this.replace();
      const { network, address } = this.target;
      this.destroy(new StaleConnectionError(this.lender.name, network, address, { cause }));
    } else if (cause !== undefined && !(this.isReplaceable && this.isUntouched)) this.destroy(cause);
    else this.ends(isClosed);
  }

  /** As of any socket: what is written goes on, and the end is told behind what has come, also to one who does not read. */
  private ends(isClosed: boolean): void {
    this.prependOnceListener('end', () => (this.write = this.refuse));
    this.push(null);
    this.read(0);
    if (!isClosed) return;
    this.gone = true;
    if (this.writing !== undefined) this.destroy(this.goneError());
    else this.settleFinish();
  }

  /** `write()` behind the peer's end, as Node has it. */
  private refuse(...of: unknown[]): boolean {
    const error = this.goneError();
    const done = of.at(-1);
    if (typeof done === 'function') process.nextTick(done as Done, error);
    this.destroy(error);
    return false;
  }

  /** It may have been dead before it was lent. */
  private get isReplaceable(): boolean {
    return !this.fresh && !this.answered && !this.isDatagrams;
  }

  private isStale(cause: Error | undefined): boolean {
    if (!this.isReplaceable) return false;
    if (!this.writableEnded) return true;
    if (this.isUntouched) return false;
    // That the peer ends when its client has, who asks for nothing, is what he wants of it.
    return cause !== undefined || !this.writableFinished || (this.wanted && !this.isDeaf);
  }

  /** The pool was closed: for most users an end like any other, but not an answer to those who ask why. */
  private wasTakenBack(): void {
    this.destroy(this.asksWhy ? new PoolClosedError(this.lender.name) : undefined);
  }

  private get asksWhy(): boolean {
    return this.listenerCount('error') > 0;
  }

  /** The peer had closed it while it was idle: nobody need know. */
  private async replace(): Promise<void> {
    this.redialing = true;
    this.lease.discard('it was dead before it was used');
    try {
      const { lease, watch } = await this.lender.redial(this.target, this.options);
      if (this.destroyed) return lease.discard('its user is gone');
      this.lease = lease;
      this.watch = watch;
      this.conn = lease.conn;
      this.fresh = true;
      this.redialing = false;
      this.again();
    } catch (error) {
      this.redialing = false;
      // For one who has said nothing, an end as of any socket; but not for those who ask why.
      if (error instanceof PoolClosedError) this.wasTakenBack();
      else this.destroy(!this.isUntouched || this.asksWhy ? (error as Error) : undefined);
    }
  }

  /** Goes on where the dead connection left off. */
  private again(): void {
    const { sent = [], held = [], writing: done = () => undefined, finishing } = this;
    this.sent = this.held = this.writing = this.finishing = undefined;
    this.watch.lendTo(this, true);
    this.applySettings();
    // What had been taken already holds its user up no second time.
    if (!this.conn.destroyed) for (const chunk of sent) this.conn.write(chunk);
    if (held.length === 0) done();
    else this.pass(held, done);
    if (finishing !== undefined) this.finish(finishing);
    else if (this.finished) this.conn.end();
  }

  /** Waits for what is being written, but not for ever. */
  private async closeWritten(): Promise<void> {
    const limit = setTimeout(() => this.destroy(), this.lender.setup.flushTimeout);
    await new Promise<void>((resolve) => {
      this.once('finish', resolve).once('close', resolve);
      if (!this.ended) this.end();
    });
    clearTimeout(limit);
    if (!this.destroyed) this.giveBack();
  }

  private giveBack(): void {
    const { lease, conn, watch } = this;
    try {
      const unfit = this.unfitness() ?? watch.takeBack();
      if (unfit === undefined) this.restoreSettings(this.lender.setup);
      this.returned = true;
      if (unfit !== undefined) lease.discard(unfit);
      // What was written must be on its way before the next borrower writes.
      else if (conn.writableLength === 0 || this.isDatagrams) lease.release();
      else conn.write('', () => lease.release());
    } finally {
      // Of one whose stream has thrown, as that of a user's dialer may, the lease ends here.
      this.destroy();
    }
  }

  private unfitness(): unknown {
    if (this.discarded !== undefined) return this.discarded;
    if (this.ended) return 'its writing side was ended';
    if (this.readableLength > 0 || undecoded(this).length > 0) return 'it holds unread data';
    if (this.unheard) return 'it was sent what nobody read';
    if ((this.awaiting && this.wanted) || (this.spoken && this.asking)) return 'an answer was still awaited';
    return undefined;
  }

  private closedError(what: string): ConnClosedError {
    const { network, address } = this.target;
    return new ConnClosedError(this.lender.name, network, address, what);
  }
  private goneError(): PeerGoneError {
    const { network, address } = this.target;
    return new PeerGoneError(this.lender.name, network, address);
  }
}
