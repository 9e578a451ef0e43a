import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { ConnectionOptions } from 'node:tls';
import { parseDuration } from '../core/duration.js';
import type { Duration } from '../core/index.js';
import { remoteOf } from '../net/socket-connector.js';
import { LOST } from '../net/socket-watch.js';
import { dialTcp } from './dial-tcp.js';
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
import { InvalidTcpOptionsError, type Where } from './tcp-errors.js';
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
import { TcpWire } from './tcp-wire.js';

/** How a connection is made. */
export interface TcpConnectOptions {
  /** The TLS handshake included. 0 or `Infinity` = none. Default `'30s'`. */
  timeout?: Duration;
  /** Ends the wait; it rejects with the signal's own reason. */
  signal?: AbortSignal;
  /** With TLS, and these options of `tls.connect()`. Default: without. */
  tls?: ConnectionOptions;
}

/** What `recv(0)` gives at most, and less than which `recv(-1)` takes for all there is. */
const READ_UNIT = 128;
const LONGEST_LINE = 2 ** 20;
const LONGEST_READ = 2 ** 26;
const BUFFER_WAIT = 1;
const LINE_FEED = 10;
const NEWLINE = Buffer.of(LINE_FEED);

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
export class TcpConn extends TcpWire implements AsyncDisposable {
  private bufferWait = BUFFER_WAIT;

  /** Made by `connect()`, `fromSocket()` and `TcpPool`. */
  protected constructor(where: Where, socket: Duplex) {
    super(where, socket);
  }

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
    if (!isSocket(socket)) {
      const problem = { path: 'socket', given: socket, allowed: 'a socket without an encoding' };
      throw new InvalidTcpOptionsError('TcpConn.fromSocket()', { pool: '' }, [problem]);
    }
    return TcpConn.over(socket, remoteOf(socket) ?? 'an unknown peer');
  }

  private static over(socket: Duplex, address: string): TcpConn {
    const conn = new TcpConn({ pool: '', address }, socket);
    conn.feed = new SocketFeed(socket, conn);
    if (socket.destroyed || socket.readableEnded) conn[LOST](socket.errored ?? undefined);
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
      return this.sendAll([bytesOf(data)], call);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /** Sends many packages in one write. Rejects as `sendPkg`: none is sent if one of them is too large. */
  sendPkgs(datas: Iterable<Uint8Array | string>, options?: PackageOptions): Promise<void> {
    try {
      const call = readPackageOptions(this.where, 'sendPkgs()', options);
      return this.sendAll(allBytesOf(datas), call);
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
      this.unanswered += 1;
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
    for (const { waiter } of [...this.queued]) waiter.heed(this.sendDeadline);
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
   * Ends the connection, once what was sent is on its way, or after 5 s. Calls that wait for bytes reject with TcpConnClosedError, and
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

  private sendAll(datas: readonly Buffer[], call: Call): Promise<void> {
    const bytes = encode(datas, call.format, this.where);
    this.unanswered += datas.length;
    return this.write(bytes, call) ?? Promise.resolve();
  }

  private takeOf(length: number, { maxBytes = LONGEST_READ }: Call, what: string): Take<Buffer> {
    if (!Number.isInteger(length)) {
      throw new TypeError(`${what}: the length must be a whole number, not ${shown(length)}.`);
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
}

function isSocket(value: unknown): boolean {
  try {
    const { write, on, readableEncoding } = value as Partial<Socket>;
    return typeof write === 'function' && typeof on === 'function' && (readableEncoding ?? null) === null;
  } catch {
    return false;
  }
}

/** A text is iterable, too, but its characters are no packages. */
function allBytesOf(datas: Iterable<Uint8Array | string>): Buffer[] {
  if (typeof datas === 'object' && datas !== null && Symbol.iterator in datas)
    return Array.from(datas, bytesOf);
  throw new TypeError('sendPkgs(): what is sent must be an array, or another iterable, of texts or bytes.');
}

function bytesOf(data: Uint8Array | string): Buffer {
  if (typeof data === 'string') return Buffer.from(data);
  if (Buffer.isBuffer(data)) return data;
  if (data instanceof Uint8Array || ArrayBuffer.isView(data)) {
    return Buffer.from(data.buffer, data.byteOffset, data.byteLength);
  }
  throw new TypeError(`What is sent or looked for must be text or bytes, not ${shown(data)}.`);
}

function shown(value: unknown): string {
  return typeof value === 'number' || value === null ? String(value) : `a value of type ${typeof value}`;
}
