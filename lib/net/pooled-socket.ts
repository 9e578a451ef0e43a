import type { Socket } from 'node:net';
import { Duplex } from 'node:stream';
import type { TLSSocket } from 'node:tls';
import { type AcquireOptions, InvalidOptionsError, type Lease, PoolClosedError } from '../core/index.js';
import { LONGEST_TIMER } from './longest-timer.js';
import {
  ConnBusyError,
  ConnClosedError,
  RawTakenError,
  SocketDeadlineError,
  StaleConnectionError,
} from './net-errors.js';
import { LOST, RECEIVED, type SocketWatch } from './socket-watch.js';
import type { Target } from './target.js';

/** A connection in somebody's hands, with the pool's eyes on it. */
export interface Loan {
  readonly lease: Lease<Duplex>;
  readonly watch: SocketWatch;
}

/** The pool a socket comes from. */
export interface Lender {
  readonly name: string;
  /** As it sets up each of its sockets. */
  readonly setup: {
    readonly noDelay: boolean;
    readonly keepAlive: number | undefined;
    /** How long `close()` waits for pending writes, in milliseconds. */
    readonly flushTimeout: number;
  };
  /** Dials once more, for one whose connection turned out dead. */
  redial(target: Target, options: AcquireOptions): Promise<Loan>;
}

type Done = (error?: Error | null) => void;
/**
 * What has come and is not read stays with the connection as far as it can: there the peer's end waits behind it, and
 * `raw()` finds it.
 */
const OF_BYTES = { allowHalfOpen: false, readableHighWaterMark: 1 } as const;
const OF_DATAGRAMS = { ...OF_BYTES, readableObjectMode: true } as const;

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
  private returned = false;
  /** Its user reads more slowly than the peer sends. */
  private full = false;
  /** Bytes have come from this connection since it was lent. */
  private answered = false;
  /** Something was written since the last byte came. */
  private awaiting = false;
  /** Its user has read, or waited for something to read. */
  private wanted = false;
  private redialing = false;
  private written = 0;
  /** What was written, as long as it may have to be written again. */
  private sent: Buffer[] | undefined;
  /** What its user has set, by the name of the call: for the connection that may replace this one. */
  private settings: Map<string, () => void> | undefined = undefined;
  private finished = false;
  private finishing: Done | undefined = undefined;
  /** With an encoding set: chunks that have not been read, and how long they are as text. */
  private encoded: { readonly chunk: Buffer; readonly length: number }[] | undefined = undefined;
  /** Made when it is needed, as what follows: most sockets are lent, asked once and given back. */
  private onTimeout: (() => void) | undefined = undefined;
  private onDrain: (() => void) | undefined = undefined;
  /** Bytes came that nobody heard. */
  private unheard = false;
  private deadline: NodeJS.Timeout | undefined = undefined;
  private drained: Done | undefined = undefined;

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
    super(lease.conn.readableObjectMode ? OF_DATAGRAMS : OF_BYTES);
    this.conn = lease.conn;
    this.fresh = !lease.reused;
    this.sent = this.fresh || replay === 0 ? undefined : [];
    watch.lendTo(this);
  }

  /** It was connected before this dial. False also once a dead one has been replaced. */
  get reused(): boolean {
    return !this.fresh;
  }

  /** @internal It is closed, or about to be. */
  get isOver(): boolean {
    return this.closing || this.destroyed;
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
    if (this.settings !== undefined) this.restore();
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
  async close(): Promise<void> {
    if (this.taken) return;
    if (this.closing) throw this.closedError('close()');
    this.closing = true;
    if (this.destroyed) return;
    this.ended = this.writableEnded;
    if (this.isWriting) await this.flushed();
    if (!this.destroyed) this.giveBack();
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

  /** As of `net.Socket`: `'timeout'` after so many milliseconds without activity; 0 = none. */
  setTimeout(ms: number, listener?: () => void): this {
    this.set('timeout', () => {
      this.conn.setTimeout?.(ms);
      this.onTimeout ??= () => void this.emit('timeout');
      this.conn.off('timeout', this.onTimeout);
      if (ms > 0) this.conn.on('timeout', this.onTimeout);
    });
    if (listener !== undefined) {
      if (ms === 0) this.off('timeout', listener);
      else this.once('timeout', listener);
    }
    return this;
  }

  setKeepAlive(on?: boolean, initialDelay?: number): this {
    return this.set('keepAlive', () => void this.conn.setKeepAlive?.(on, initialDelay));
  }

  setNoDelay(on?: boolean): this {
    return this.set('noDelay', () => void this.conn.setNoDelay?.(on));
  }

  ref(): this {
    return this.set('ref', () => void this.conn.ref?.());
  }

  unref(): this {
    return this.set('ref', () => void this.conn.unref?.());
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
    this.wanted = true;
    if (!this.full || this.taken) return;
    this.full = false;
    this.conn.resume();
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
    this.finished = true;
    if (this.redialing) this.finishing = done;
    else this.finish(done);
  }

  override _destroy(error: Error | null, destroyed: Done): void {
    clearTimeout(this.deadline);
    if (!this.returned && this.lease.active) this.lease.discard(error ?? 'destroyed by its user');
    destroyed(error);
  }

  private finish(done: Done): void {
    const { conn } = this;
    if (!this.closing || this.ended) conn.end(() => done());
    else if (conn.destroyed || this.isDatagrams) done();
    else conn.write('', () => done());
  }

  /** Something written is not on its way yet. */
  private get isWriting(): boolean {
    const isEnding = this.ended && !this.writableFinished;
    return isEnding || this.redialing || this.writableLength > 0 || this.conn.writableLength > 0;
  }

  /** After its end the connection may be somebody else's. */
  private set(name: string, setting: () => void): this {
    if (this.destroyed || this.closing) return this;
    this.settings ??= new Map();
    this.settings.set(name, setting);
    setting();
    return this;
  }

  private get isDatagrams(): boolean {
    return this.readableObjectMode;
  }

  /** @internal */
  [RECEIVED](chunk: Buffer): void {
    this.answered = true;
    this.awaiting = false;
    this.sent = undefined;
    if (this.readableFlowing === true && this.listenerCount('data') === 0) this.unheard = true;
    const before = this.readableLength;
    const more = this.push(chunk);
    if (this.readableEncoding !== null) this.remember(chunk, this.readableLength - before);
    if (more) return;
    this.full = true;
    this.conn.pause();
  }

  /** Text cannot be turned back into all that it may have been made of: what is not read yet is kept as it came. */
  private remember(chunk: Buffer, length: number): void {
    // Read at once, as most is.
    if (this.readableLength === 0) {
      this.encoded = undefined;
      return;
    }
    const encoded = (this.encoded ??= []);
    encoded.push({ chunk, length });
    let kept = encoded.reduce((sum, each) => sum + each.length, 0);
    for (let [first] = encoded; first !== undefined; [first] = encoded) {
      kept -= first.length;
      if (kept < this.readableLength || first.length === 0) return;
      encoded.shift();
    }
  }

  /** What has been received and not been read, as it came. */
  private takeReceived(): Buffer[] {
    this.removeAllListeners('data').removeAllListeners('readable');
    const encoding = this.readableEncoding;
    let length = this.readableLength;
    const chunks: (Buffer | string)[] = [];
    for (let chunk: Buffer | string | null = this.read(); chunk !== null; chunk = this.read())
      chunks.push(chunk);
    if (encoding === null) return chunks as Buffer[];
    const whole: Buffer[] = [];
    for (
      let last = this.encoded?.pop();
      last !== undefined && last.length <= length;
      last = this.encoded?.pop()
    ) {
      whole.unshift(last.chunk);
      length -= last.length;
    }
    // Of a chunk that was read in part: the rest, as far as text can tell.
    return length === 0 ? whole : [Buffer.from(chunks.join('').slice(0, length), encoding), ...whole];
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
    this.onDrain ??= () => this.goOn();
    conn.once('drain', this.onDrain);
  }

  private goOn(): void {
    const done = this.drained;
    this.drained = undefined;
    done?.();
  }

  /** @internal */
  [LOST](cause: Error | undefined): void {
    if (this.destroyed || this.taken || this.returned || this.redialing) return;
    if (!this.lease.active) return this.wasTakenBack();
    const isStale = !this.fresh && !this.answered && !this.isDatagrams;
    // Its user has left: nobody listens to an error.
    if (this.closing) this.destroy();
    else if (isStale) {
      if (this.written === 0 || this.sent !== undefined) return void this.replace();
      const { network, address } = this.target;
      this.destroy(new StaleConnectionError(this.lender.name, network, address, { cause }));
    } else if (cause !== undefined) this.destroy(cause);
    else this.push(null);
  }

  /** The pool was closed by force: for most users an end like any other, but not an answer to those who ask why. */
  private wasTakenBack(): void {
    const asks = this.listenerCount('error') > 0;
    this.destroy(asks ? new PoolClosedError(this.lender.name) : undefined);
  }

  /** The peer had closed it while it was idle: nobody need know. */
  private async replace(): Promise<void> {
    this.redialing = true;
    if (this.onDrain !== undefined) this.conn.off('drain', this.onDrain);
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
      this.destroy(error as Error);
    }
  }

  /** Goes on where the dead connection left off. */
  private again(): void {
    const { sent = [], drained: done = () => undefined, finishing } = this;
    this.sent = this.drained = this.finishing = undefined;
    this.watch.lendTo(this);
    for (const setting of this.settings?.values() ?? []) setting();
    if (sent.length === 0) done();
    else this.pass([{ chunk: Buffer.concat(sent) }], done);
    if (finishing !== undefined) this.finish(finishing);
    else if (this.finished) this.conn.end();
  }

  /** Waits for what is being written, but not for ever. */
  private async flushed(): Promise<void> {
    const limit = setTimeout(() => this.destroy(), this.lender.setup.flushTimeout);
    await new Promise<void>((resolve) => {
      this.once('finish', resolve).once('close', resolve);
      if (!this.ended) this.end();
    });
    clearTimeout(limit);
  }

  private giveBack(): void {
    const { lease, conn, watch } = this;
    const unfit = this.unfitness() ?? watch.takeBack();
    this.returned = true;
    if (unfit !== undefined) lease.discard(unfit);
    else {
      if (this.settings !== undefined) this.restore();
      // What was written must be on its way before the next borrower writes.
      if (conn.writableLength === 0 || this.isDatagrams) lease.release();
      else conn.write('', () => lease.release());
    }
    this.destroy();
  }

  private unfitness(): unknown {
    if (this.discarded !== undefined) return this.discarded;
    if (this.ended) return 'its writing side was ended';
    if (this.readableLength > 0) return 'it holds unread data';
    if (this.unheard) return 'it was sent what nobody read';
    if (this.awaiting && this.wanted) return 'an answer was still awaited';
    return undefined;
  }

  private restore(): void {
    const { noDelay, keepAlive } = this.lender.setup;
    this.conn.setTimeout?.(0);
    if (this.onTimeout !== undefined) this.conn.off('timeout', this.onTimeout);
    this.conn.setNoDelay?.(noDelay);
    this.conn.setKeepAlive?.(keepAlive !== undefined, keepAlive);
  }

  private closedError(what: string): ConnClosedError {
    const { network, address } = this.target;
    return new ConnClosedError(this.lender.name, network, address, what);
  }
}
