import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import type { ConnectionOptions } from 'node:tls';
import type { Duration } from '../core/index.js';
import { DialError } from '../core/index.js';
import { parseDuration } from '../core/duration.js';
import { remoteOf } from '../net/socket-connector.js';
import { LOST, RECEIVED } from '../net/socket-watch.js';
import { ByteQueue } from './byte-queue.js';
import { encode } from './package-format.js';
import { SocketFeed } from './socket-feed.js';
import { TakeStream } from './take-stream.js';
import {
  BurstTake,
  DelimitedTake,
  ExactTake,
  LinesTake,
  PackagesTake,
  PackageTake,
  SomeTake,
  type Take,
} from './takes.js';
import { dialTcp } from './dial-tcp.js';
import {
  EofError,
  InvalidTcpOptionsError,
  OutOfStepError,
  TcpConnClosedError,
  TcpConnLostError,
  TcpTimeoutError,
  type Where,
} from './tcp-errors.js';
import {
  anew,
  type Call,
  type PackageOptions,
  readPackageOptions,
  readReadOptions,
  readSendOptions,
  type TcpCallOptions,
  type TcpReadOptions,
} from './tcp-options.js';
import { Waiter } from './waiter.js';

/** How a connection is made. */
export interface TcpConnectOptions {
  /** The TLS handshake included. 0 or `Infinity` = none. Default `'30s'`. */
  timeout?: Duration;
  /** Ends the wait; it rejects with the signal's own reason. */
  signal?: AbortSignal;
  /** With TLS, and these options of `tls.connect()`. Default: without. */
  tls?: ConnectionOptions;
}

/** How the last thing that was sent or received went: `'unknown'` as long as there was none on a reused connection. */
export type TcpConnStatus = 'unknown' | 'active' | 'error';

/** Somebody who waits for bytes. */
interface Reading {
  readonly waiter: Waiter<unknown>;
  readonly take: Take<unknown>;
  /** It waits for the answer to what it has sent. */
  readonly exchange: boolean;
}

/** As much of what nobody has asked for is kept; beyond that the peer has to wait. */
const UNREAD = 65_536;
/** What `recv(0)` gives at most, and less than which `recv(-1)` takes for all there is. */
const READ_UNIT = 128;
const LONGEST_LINE = 2 ** 20;
const LONGEST_READ = 2 ** 26;
const BUFFER_WAIT = 1;
/** How long a close waits for what is being written. Milliseconds. */
const FLUSH_TIMEOUT = 5000;
const LINE_FEED = 10;
const NEWLINE = Buffer.of(LINE_FEED);
const NOTHING = Buffer.alloc(0);

/**
 * A TCP connection that sends and receives bytes, lines and packages. The successor of `gtcp.Conn`.
 *
 * Calls that receive may be made side by side: each takes what follows on what the one before has taken. What is sent is
 * sent in the order of the calls.
 *
 * @example
 * await using conn = await TcpConn.connect('127.0.0.1:8999');
 * const answer = await conn.sendRecvPkg('ping', { timeout: '1s' });
 */
export class TcpConn implements AsyncDisposable {
  protected outcome: TcpConnStatus = 'active';
  /** What keeps the connection from being used by anybody else, if anything. */
  protected spoiled: string | undefined = undefined;
  /** Something was sent since the last byte came. */
  protected awaiting = false;
  /** Its user has begun to read. */
  protected wanted = false;
  /** Something came since anything was sent. */
  private owing = false;
  private leaving = false;
  protected readonly queue = new ByteQueue();
  private feed: SocketFeed | undefined = undefined;
  private readonly reads: Reading[] = [];
  private writes: Set<Waiter<void>> | undefined = undefined;
  private sendDeadline = Infinity;
  private recvDeadline = Infinity;
  private bufferWait = BUFFER_WAIT;
  private paused = false;
  private closing: Promise<void> | undefined = undefined;
  /** Its user has closed it, or its pool by force. */
  private over = false;
  /** Why its pool has closed it, if that did. */
  private overBy: Error | undefined = undefined;
  private ended = false;
  private cause: Error | undefined = undefined;
  /** What made it unfit to be read any further. */
  private broken: Error | undefined = undefined;

  /** @internal Use `connect()`, `fromSocket()` or a `TcpPool`. */
  constructor(
    protected readonly where: Where,
    protected socket: Duplex & Partial<Omit<Socket, keyof Duplex>>,
  ) {}

  /**
   * Connects to a server.
   *
   * Rejects with InvalidAddressError, InvalidOptionsError, TcpDialError (whose `cause` is what the socket said),
   * TcpTimeoutError, or the signal's own reason.
   *
   * @param address - `host:port` or `[v6]:port`
   */
  static async connect(address: string, options: TcpConnectOptions = {}): Promise<TcpConn> {
    return TcpConn.over(await dialTcp(address, options), address);
  }

  /**
   * Takes over a socket that was made elsewhere. What it has received and nobody has read is received here.
   *
   * @throws InvalidOptionsError for what is no socket, or one with an encoding
   */
  static fromSocket(socket: Socket): TcpConn {
    if (
      typeof (socket as Partial<Socket> | undefined)?.write !== 'function' ||
      socket.readableEncoding !== null
    ) {
      const problem = { path: 'socket', given: socket, allowed: 'a socket without an encoding' };
      throw new InvalidTcpOptionsError('TcpConn.fromSocket()', { pool: '' }, [problem]);
    }
    return TcpConn.over(socket, remoteOf(socket) ?? 'an unknown peer');
  }

  private static over(socket: Duplex, address: string): TcpConn {
    const conn = new TcpConn({ pool: '', address }, socket);
    conn.feed = new SocketFeed(socket, conn);
    if (socket.destroyed || socket.readableEnded) conn[LOST](undefined);
    return conn;
  }

  /** Of the peer: as it was given, or `host:port`. */
  get address(): string {
    return this.where.address;
  }

  get remoteAddress(): string | undefined {
    return this.socket.remoteAddress;
  }

  get remotePort(): number | undefined {
    return this.socket.remotePort;
  }

  get localAddress(): string | undefined {
    return this.socket.localAddress;
  }

  get localPort(): number | undefined {
    return this.socket.localPort;
  }

  /** `close()` has been called, or its pool has closed it. */
  get closed(): boolean {
    return this.over;
  }

  /**
   * Sends bytes; resolves once the system has accepted all of them.
   *
   * Rejects with TcpConnLostError, TcpTimeoutError, TcpConnClosedError, InvalidOptionsError, or the signal's own reason.
   *
   * @param data - text is sent as UTF-8
   */
  send(data: Uint8Array | string, options?: TcpCallOptions): Promise<void> {
    try {
      const call = readSendOptions(this.where, 'send()', options);
      return this.write(bytesOf(data), call) ?? Promise.resolve();
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /**
   * Receives bytes. Their memory is taken as they come.
   *
   * Rejects with EofError, TcpTimeoutError and TcpConnLostError, which have what came in `data`; with TcpConnClosedError,
   * InvalidOptionsError, or the signal's own reason, which leave what came to the next call.
   *
   * @param length - exactly so many; 0 = what there is, once there is any, but at most 128; below 0 = what comes until
   *   there is a gap of 1 ms (see `setRecvBufferWait`), or at once what is less than 128
   */
  recv(length: number, options?: TcpReadOptions): Promise<Buffer> {
    try {
      const call = readReadOptions(this.where, 'recv()', options);
      return this.read(this.takeOf(length, call, 'recv()'), call);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /**
   * Receives up to the next `\n`, which is left out; a `\r` before it is not. Rejects as `recv`, and with
   * LineTooLongError beyond `maxBytes`.
   */
  recvLine(options?: TcpReadOptions): Promise<Buffer> {
    const line = options === undefined ? this.nextLine(LONGEST_LINE) : undefined;
    return line === undefined ? this.lineToCome(options) : Promise.resolve(line);
  }

  /**
   * Receives all lines that have come, and waits for one if there is none. Rejects as `recvLine`.
   */
  recvLines(options?: TcpReadOptions): Promise<Buffer[]> {
    try {
      const call = readReadOptions(this.where, 'recvLines()', options);
      return this.read(this.linesTake(call), call);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /**
   * Receives up to a delimiter, which is included. Rejects as `recvLine`, and with TypeError for an empty delimiter.
   *
   * @param delimiter - exactly these bytes; text is UTF-8
   */
  recvTill(delimiter: Uint8Array | string, options?: TcpReadOptions): Promise<Buffer> {
    try {
      const call = readReadOptions(this.where, 'recvTill()', options);
      const wanted = bytesOf(delimiter);
      if (wanted.length === 0)
        throw new TypeError('recvTill(): the delimiter is empty. Give at least one byte.');
      const { maxBytes = LONGEST_LINE } = call;
      return this.read(new DelimitedTake(this.queue, wanted, true, maxBytes, this.where), call);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /** Sends, then receives the answer: see `send` and `recv`. */
  sendRecv(data: Uint8Array | string, length: number, options?: TcpReadOptions): Promise<Buffer> {
    try {
      const call = readReadOptions(this.where, 'sendRecv()', options);
      const take = this.takeOf(length, call, 'sendRecv()');
      return this.exchange(bytesOf(data), take, call);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /** Sends one package. Rejects as `send`, and with PackageTooLargeError, before a byte is sent. */
  sendPkg(data: Uint8Array | string, options?: PackageOptions): Promise<void> {
    try {
      const call = readPackageOptions(this.where, 'sendPkg()', options);
      return this.write(encode([bytesOf(data)], call.format, this.where), call) ?? Promise.resolve();
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /** Sends many packages in one write. Rejects as `sendPkg`: none is sent if one of them is too large. */
  sendPkgs(datas: Iterable<Uint8Array | string>, options?: PackageOptions): Promise<void> {
    try {
      const call = readPackageOptions(this.where, 'sendPkgs()', options);
      return (
        this.write(encode(Array.from(datas, bytesOf), call.format, this.where), call) ?? Promise.resolve()
      );
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /**
   * Receives one package. An empty one is an empty buffer.
   *
   * Rejects as `recv`, and with InvalidPackageSizeError when the peer announces more than `maxDataSize`: then nothing
   * more can be received on this connection. At a deadline the beginning of a package stays for the next call.
   */
  recvPkg(options?: PackageOptions): Promise<Buffer> {
    try {
      const call = readPackageOptions(this.where, 'recvPkg()', options);
      return this.read(new PackageTake(this.queue, call.format, this.where), call);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /**
   * Receives all packages that have come, and waits for one if there is none. Rejects as `recvPkg`.
   */
  recvPkgs(options?: PackageOptions): Promise<Buffer[]> {
    try {
      const call = readPackageOptions(this.where, 'recvPkgs()', options);
      return this.read(new PackagesTake(this.queue, call.format, this.where), call);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /** Sends a package, then receives the one that answers it: see `sendPkg` and `recvPkg`. */
  sendRecvPkg(data: Uint8Array | string, options?: PackageOptions): Promise<Buffer> {
    try {
      const call = readPackageOptions(this.where, 'sendRecvPkg()', options);
      const bytes = encode([bytesOf(data)], call.format, this.where);
      return this.exchange(bytes, new PackageTake(this.queue, call.format, this.where), call);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /**
   * The lines that come, until the peer ends. Nothing is read ahead of the loop; to leave it does not close the
   * connection. `timeout` is for each line. Throws as `recvLine`; an end in the middle of a line is an EofError.
   *
   * @example
   * for await (const line of conn.lines()) console.log(String(line));
   */
  lines(options?: TcpReadOptions): AsyncIterableIterator<Buffer> {
    const call = readReadOptions(this.where, 'lines()', options);
    const { maxBytes = LONGEST_LINE, signal } = call;
    return new TakeStream({
      now: () => (signal?.aborted === true ? undefined : this.nextLine(maxBytes)),
      next: () => this.read(this.lineTake(call), anew(call)),
    });
  }

  /** The lines that come, as many at a time as have come, until the peer ends: see `recvLines`. */
  lineBatches(options?: TcpReadOptions): AsyncIterableIterator<Buffer[]> {
    const call = readReadOptions(this.where, 'lineBatches()', options);
    return this.stream(() => this.linesTake(call), call);
  }

  /**
   * The packages that come, until the peer ends: see `lines`, `recvPkg`.
   *
   * @example
   * for await (const data of conn.packages()) await conn.sendPkg(data);
   */
  packages(options?: PackageOptions): AsyncIterableIterator<Buffer> {
    const call = readPackageOptions(this.where, 'packages()', options);
    return this.stream(() => new PackageTake(this.queue, call.format, this.where), call);
  }

  /**
   * The packages that come, as many at a time as have come, until the peer ends: for streams of small packages, where to
   * wait for each costs more than to read it. See `recvPkgs`.
   *
   * @example
   * for await (const batch of conn.packageBatches()) for (const data of batch) count(data);
   */
  packageBatches(options?: PackageOptions): AsyncIterableIterator<Buffer[]> {
    const call = readPackageOptions(this.where, 'packageBatches()', options);
    return this.stream(() => new PackagesTake(this.queue, call.format, this.where), call);
  }

  /**
   * From then on calls reject with TcpTimeoutError, those that wait already included. It closes nothing.
   *
   * @param at - a date, a number of milliseconds since 1970, or null for none
   * @throws InvalidOptionsError
   */
  setDeadline(at: Date | number | null): this {
    return this.setSendDeadline(at).setRecvDeadline(at);
  }

  /** As `setDeadline`, for sending only. */
  setSendDeadline(at: Date | number | null): this {
    this.sendDeadline = this.instant('setSendDeadline()', at);
    for (const waiter of this.writes ?? []) waiter.heed(this.sendDeadline);
    return this;
  }

  /** As `setDeadline`, for receiving only. */
  setRecvDeadline(at: Date | number | null): this {
    this.recvDeadline = this.instant('setRecvDeadline()', at);
    for (const { waiter } of [...this.reads]) waiter.heed(this.recvDeadline);
    return this;
  }

  /**
   * How long a gap ends `recv(-1)`. Default 1 ms.
   *
   * @throws InvalidOptionsError
   */
  setRecvBufferWait(wait: Duration): this {
    const ms = parseDuration(wait);
    if (ms === undefined || ms < 0 || ms === Infinity) {
      const problem = { path: 'setRecvBufferWait()', given: wait, allowed: 'a finite duration from 0' };
      throw new InvalidTcpOptionsError('setRecvBufferWait()', this.where, [problem]);
    }
    this.bufferWait = ms;
    return this;
  }

  /**
   * Ends the connection, once what was sent is on its way. Calls that wait for bytes reject with TcpConnClosedError, and
   * so does whatever is called afterwards, but `close()`.
   */
  close(): Promise<void> {
    this.closing ??= this.finish();
    return this.closing;
  }

  /** As `close()`. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  /** @internal */
  [RECEIVED](chunk: Buffer): void {
    this.awaiting = false;
    this.owing = true;
    if (this.over || this.broken !== undefined) {
      // To be told at the end that something was left unread.
      this.spoiled ??= 'it holds unread data';
      return;
    }
    this.queue.push(chunk);
    if (this.reads.length > 0) this.serve();
    else if (this.queue.length > UNREAD) this.hold();
  }

  /** @internal */
  [LOST](cause: Error | undefined): void {
    this.cause ??= cause;
    if (this.ended || this.over) return;
    this.ended = true;
    this.serve();
  }

  /** @internal Gives the socket back to whoever lent it, for good. @returns what makes it unfit for others, if anything */
  release(): string | undefined {
    this.feed?.stop();
    this.shut();
    if (this.spoiled !== undefined) return this.spoiled;
    return this.queue.length > 0 ? 'it holds unread data' : undefined;
  }

  /** @internal Ends it at once, whatever is being sent. */
  destroy(): void {
    this.shut();
    this.socket.on('error', ignore).destroy();
  }

  /**
   * @internal Its server is closing: as soon as its user waits for the peer to speak, and owes it no answer, he is told
   * that the peer has ended.
   */
  endAtRest(): void {
    this.leaving = true;
    this.leaveAtRest();
  }

  /** What the system has received already is read first. */
  private leaveAtRest(): void {
    if (!this.isAtRest) return;
    setImmediate(() => setImmediate(() => this.isAtRest && this[LOST](undefined)));
  }

  private get isAtRest(): boolean {
    return this.reads.length > 0 && this.queue.length === 0 && !this.owing;
  }

  /** Of a reused connection that nothing has succeeded on: it may be replaced. */
  protected get isReplaceable(): boolean {
    return false;
  }

  /** Sends on another connection in place of this one. @returns what has failed */
  protected onReplacement(_bytes: Buffer, _call: Call): Promise<unknown> {
    return Promise.resolve(undefined);
  }

  /** Takes another connection in place of one that is lost. */
  protected adopt(socket: Duplex): void {
    this.socket = socket;
    this.ended = this.paused = false;
    this.cause = undefined;
  }

  /** @returns what has failed before a byte was accepted */
  protected put(bytes: Buffer): TcpConnLostError | undefined {
    const { socket } = this;
    if (!socket.writable) return this.lost();
    if (bytes.length === 0) return undefined;
    socket.write(bytes);
    // What the system refuses at once it has taken nothing of.
    if (socket.errored !== null && socket.errored !== undefined) return this.lost(socket.errored);
    this.awaiting = true;
    this.owing = false;
    return undefined;
  }

  /** No call is served any more. @param cause - what those that wait are told, if it was not their user */
  protected shut(cause?: Error): void {
    if (this.over) return;
    this.over = true;
    this.overBy = cause;
    if (this.reads.length > 0) this.spoiled ??= 'somebody was still reading it';
    this.failReads(() => this.closedError());
  }

  protected get isShut(): boolean {
    return this.over;
  }

  /** Somebody waits for bytes. */
  protected get isRead(): boolean {
    return this.reads.length > 0;
  }

  /** For a call that sends, in whole milliseconds from 1; `undefined` = for ever. */
  protected timeLeft({ deadline }: Call): number | undefined {
    const until = Math.min(deadline, this.sendDeadline);
    return until === Infinity ? undefined : Math.max(1, Math.ceil(until - performance.now()));
  }

  /** What was sent is on its way, or will never be. Waits, but not for ever. @returns whether it is */
  protected async flushed(): Promise<boolean> {
    const { socket } = this;
    if (socket.destroyed) return false;
    if (socket.writableLength === 0) return true;
    return new Promise((resolve) => {
      const limit = setTimeout(() => resolve(false), FLUSH_TIMEOUT);
      socket.write('', (error) => {
        clearTimeout(limit);
        resolve(error === null || error === undefined);
      });
    });
  }

  protected async finish(): Promise<void> {
    const { socket } = this;
    this.shut();
    socket.on('error', ignore);
    if (socket.destroyed) return;
    await new Promise<void>((resolve) => {
      const limit = setTimeout(() => socket.destroy(), FLUSH_TIMEOUT);
      socket.once('close', () => {
        clearTimeout(limit);
        resolve();
      });
      if (socket.writableFinished) socket.destroy();
      else socket.once('finish', () => socket.destroy()).end();
    });
  }

  private takeOf(length: number, { maxBytes = LONGEST_READ }: Call, what: string): Take<Buffer> {
    if (!Number.isInteger(length)) {
      throw new TypeError(`${what}: a length of ${String(length)} is no whole number.`);
    }
    if (length > maxBytes) {
      const problem = { path: 'length', given: length, allowed: `at most "maxBytes", which is ${maxBytes}` };
      throw new InvalidTcpOptionsError(what, this.where, [problem]);
    }
    if (length > 0) return new ExactTake(this.queue, length);
    if (length === 0) return new SomeTake(this.queue, READ_UNIT);
    return new BurstTake(this.queue, READ_UNIT, maxBytes, this.bufferWait, () => this.serve());
  }

  private lineToCome(options: TcpReadOptions | undefined): Promise<Buffer> {
    try {
      const call = readReadOptions(this.where, 'recvLine()', options);
      return this.read(this.lineTake(call), call);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  private linesTake({ maxBytes = LONGEST_LINE }: Call): Take<Buffer[]> {
    return new LinesTake(this.queue, NEWLINE, maxBytes, this.where);
  }

  private lineTake({ maxBytes = LONGEST_LINE }: Call): Take<Buffer> {
    return new DelimitedTake(this.queue, NEWLINE, false, maxBytes, this.where);
  }

  /** The line that is there already, in the way in which most are: the short way to what `DelimitedTake` does. */
  private nextLine(maxBytes: number): Buffer | undefined {
    if (this.reads.length > 0 || this.over || this.broken !== undefined) return undefined;
    const line = this.queue.takeBefore(LINE_FEED, maxBytes);
    if (line !== undefined) this.succeeded();
    return line;
  }

  private stream<R>(take: () => Take<R>, call: Call): AsyncIterableIterator<R> {
    return new TakeStream<R>({
      now: () => (this.isReadable(call) ? this.taken(take()) : undefined),
      next: () => this.read(take(), anew(call)),
    });
  }

  private exchange(bytes: Buffer, take: Take<Buffer>, call: Call): Promise<Buffer> {
    const writing = this.write(bytes, call);
    if (writing === undefined) return this.read(take, call, true);
    const { socket } = this;
    if (!socket.writable || socket.writableLength === 0)
      return writing.then(() => this.read(take, call, true));
    // The peer may have to get rid of its answer before it takes all of the question.
    const reading = this.read(take, call, true);
    writing.catch((error: unknown) => this.withdraw(take, error));
    return Promise.all([writing, reading]).then(([, answer]) => answer);
  }

  private withdraw(take: Take<unknown>, reason: unknown): void {
    const reading = this.reads.find((each) => each.take === take);
    if (reading !== undefined) this.giveUp(reading, reason);
  }

  private isReadable({ signal }: Call): boolean {
    return this.reads.length === 0 && !this.over && this.broken === undefined && signal?.aborted !== true;
  }

  /** What is there already. */
  private taken<R>(take: Take<R>): R | undefined {
    let taken: R | undefined;
    try {
      taken = take.take(this.ended);
    } catch (error) {
      this.breakOff(error as Error);
      throw error;
    }
    if (taken !== undefined) this.succeeded();
    return taken;
  }

  /** Something was taken that was there. */
  private succeeded(): void {
    this.wanted = true;
    this.outcome = 'active';
    if (this.paused) this.flow();
  }

  private read<R>(take: Take<R>, call: Call, exchange = false): Promise<R> {
    if (this.isReadable(call)) {
      const taken = this.taken(take);
      if (taken !== undefined) return Promise.resolve(taken);
    }
    if (this.over) return Promise.reject(this.closedError());
    if (call.signal?.aborted === true) return Promise.reject(call.signal.reason);
    if (this.broken !== undefined) return Promise.reject(this.broken);
    this.wanted = true;
    if (this.ended) return Promise.reject(this.failed(this.endOf(take)));
    return new Promise<R>((resolve, reject) => {
      const waiter = new Waiter<R>(
        call,
        resolve,
        reject,
        () => this.expire(reading),
        (reason) => this.giveUp(reading, reason),
      );
      const reading = { waiter: waiter as Waiter<unknown>, take, exchange };
      this.reads.push(reading);
      waiter.heed(this.recvDeadline);
      if (this.paused) this.flow();
      if (this.leaving) this.leaveAtRest();
    });
  }

  /** Gives what has come to those who wait for it. */
  private serve(): void {
    const { reads } = this;
    while (reads.length > 0) {
      const { take, waiter } = reads[0] as Reading;
      let taken: unknown;
      try {
        taken = take.take(this.ended);
      } catch (error) {
        return this.breakOff(error as Error);
      }
      if (taken === undefined) break;
      reads.shift();
      this.outcome = 'active';
      waiter.done(taken);
    }
    if (this.ended) this.failReads((take) => this.failed(this.endOf(take)));
    else if (this.paused) this.flow();
    else if (this.queue.length > UNREAD) this.hold();
  }

  /** The peer must wait once more has come than anybody has asked for. */
  private hold(): void {
    const wanted = this.reads[0]?.take.wanted ?? 0;
    if (this.queue.length < wanted) return;
    this.paused = true;
    this.socket.pause();
  }

  private flow(): void {
    const { length } = this.queue;
    if (length > UNREAD && length >= (this.reads[0]?.take.wanted ?? 0)) return;
    this.paused = false;
    this.socket.resume();
  }

  private expire(reading: Reading): void {
    const isNext = this.reads[0] === reading;
    const data = isNext ? reading.take.partial() : NOTHING;
    this.giveUp(reading, new TcpTimeoutError(this.where, 'receive', data));
  }

  private giveUp(reading: Reading, reason: unknown): void {
    const { reads } = this;
    const at = reads.indexOf(reading);
    if (at < 0) return;
    reads.splice(at, 1);
    this.outcome = 'error';
    this.spoiled ??= 'an answer was still awaited';
    this.dismiss(reading, reason);
    // Its answer would be taken for that of those behind it.
    if (reading.exchange) {
      const behind = reads.splice(at).filter((each) => {
        if (each.exchange) this.dismiss(each, new OutOfStepError(this.where));
        return !each.exchange;
      });
      reads.push(...behind);
    }
    this.serve();
  }

  private dismiss({ waiter, take }: Reading, reason: unknown): void {
    take.stop?.();
    waiter.fail(reason);
  }

  private failReads(reasonFor: (take: Take<unknown>) => unknown): void {
    for (const reading of this.reads.splice(0)) this.dismiss(reading, reasonFor(reading.take));
  }

  /** Where the next thing begins is not known any more. */
  private breakOff(error: Error): void {
    this.broken = error;
    this.outcome = 'error';
    this.spoiled ??= error.message;
    this.queue.clear();
    this.paused = true;
    this.socket.pause();
    this.failReads(() => error);
  }

  private endOf(take: Take<unknown>): Error {
    const { begun } = take;
    const data = begun ? take.partial() : NOTHING;
    this.queue.clear();
    if (this.cause !== undefined) return new TcpConnLostError(this.where, this.cause, data);
    return new EofError(this.where, data, begun);
  }

  private failed<E>(error: E): E {
    this.outcome = 'error';
    return error;
  }

  private closedError(): TcpConnClosedError {
    return new TcpConnClosedError(this.where, this.overBy && { cause: this.overBy });
  }

  private lost(cause = this.cause): TcpConnLostError {
    const broken = cause ?? Object.assign(new Error('the peer has ended it'), { code: 'EPIPE' });
    return new TcpConnLostError(this.where, broken);
  }

  /** @returns nothing when all was accepted at once */
  private write(bytes: Buffer, call: Call): Promise<void> | undefined {
    if (this.over) return Promise.reject(this.closedError());
    if (call.signal?.aborted === true) return Promise.reject(call.signal.reason);
    const deadline = Math.min(this.sendDeadline, call.deadline);
    if (deadline !== Infinity && performance.now() >= deadline) {
      return Promise.reject(this.failed(new TcpTimeoutError(this.where, 'send')));
    }
    const failure = this.put(bytes);
    if (failure !== undefined) return this.putAgain(bytes, call, failure);
    if (this.socket.writableLength > 0) return this.accepted(bytes, call);
    this.outcome = 'active';
    return undefined;
  }

  /** Waits until the system has taken all that was written. */
  private accepted(bytes: Buffer, call: Call): Promise<void> {
    const { socket } = this;
    const writes = (this.writes ??= new Set());
    return new Promise<void>((resolve, reject) => {
      const giveUp = (reason: unknown): void => {
        writes.delete(waiter);
        this.spoiled ??= 'not all was sent';
        waiter.fail(this.failed(reason));
      };
      const expire = (): void => giveUp(new TcpTimeoutError(this.where, 'send'));
      const waiter = new Waiter<void | Promise<void>>(call, resolve, reject, expire, giveUp);
      writes.add(waiter as Waiter<void>);
      waiter.heed(this.sendDeadline);
      socket.write('', (error) => {
        if (!writes.delete(waiter as Waiter<void>)) return;
        const broken = error ?? socket.errored;
        if (broken === null || broken === undefined) {
          this.outcome = 'active';
          return waiter.done();
        }
        const failure = this.lost(this.cause ?? broken);
        // How much was accepted nobody knows.
        if (call.retry?.resend === true) waiter.done(this.putAgain(bytes, call, failure));
        else waiter.fail(this.failed(failure));
      });
    });
  }

  /** Nothing, or by its caller's leave not all, was accepted: tries as often as the budget allows. */
  private async putAgain(bytes: Buffer, call: Call, first: unknown): Promise<void> {
    let failure = this.isReplaceable ? await this.onReplacement(bytes, call) : first;
    for (let left = call.retry?.count ?? 0; failure !== undefined; left -= 1) {
      if (left === 0 || !this.mayMend(failure)) {
        this.outcome = 'error';
        throw failure as unknown;
      }
      await this.pause(call);
      failure = this.isReplaceable ? await this.onReplacement(bytes, call) : this.put(bytes);
    }
    if (this.socket.writableLength > 0) await this.accepted(bytes, call);
    else this.outcome = 'active';
  }

  private mayMend(failure: unknown): boolean {
    if (failure instanceof DialError) return !failure.permanent;
    // An orderly end stays one.
    return failure instanceof TcpConnLostError && this.cause !== undefined;
  }

  /** Before the next attempt. */
  private async pause({ retry, signal, deadline }: Call): Promise<void> {
    const until = Math.min(deadline, this.sendDeadline);
    const interval = retry?.interval ?? 0;
    const left = until - performance.now();
    try {
      await delay(Math.max(0, Math.min(interval, left)), undefined, { signal });
    } catch {
      this.outcome = 'error';
      throw signal?.reason as unknown;
    }
    if (this.over) throw this.closedError();
    if (left <= interval) throw this.failed(new TcpTimeoutError(this.where, 'send'));
  }

  private instant(what: string, at: Date | number | null): number {
    if (at === null) return Infinity;
    const when = Number(at);
    if (Number.isNaN(when)) {
      const problem = { path: what, given: at, allowed: 'a Date, milliseconds since 1970, or null' };
      throw new InvalidTcpOptionsError(what, this.where, [problem]);
    }
    return performance.now() + when - Date.now();
  }
}

function bytesOf(data: Uint8Array | string): Buffer {
  if (typeof data === 'string') return Buffer.from(data);
  if (Buffer.isBuffer(data)) return data;
  if (data instanceof Uint8Array || ArrayBuffer.isView(data)) {
    return Buffer.from(data.buffer, data.byteOffset, data.byteLength);
  }
  throw new TypeError(
    `What is sent or looked for must be text or bytes, not ${data === null ? 'null' : typeof data}.`,
  );
}

function ignore(): void {}
