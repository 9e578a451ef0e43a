import net, { type AddressInfo, type Server, type Socket } from 'node:net';
import tls, { type TlsOptions } from 'node:tls';
import { callDuration } from '../core/options.js';
import { isThenable } from '../core/connector-calls.js';
import { resolveDrain } from '../core/close-options.js';
import { errorStack } from '../core/error-text.js';
import { readFields } from '../core/fields.js';
import type { CloseOptions, Duration } from '../core/index.js';
import { LONGEST_TIMER } from '../core/longest-timer.js';
import { parseListenAddress, showListenAddress, type ListenAddress } from './listen-address.js';
import { TcpConn } from './tcp-conn.js';
import {
  EofError,
  InvalidTcpOptionsError,
  PackageTooLargeError,
  TcpConnClosedError,
  TcpServerError,
} from './tcp-errors.js';
import { tlsProblems } from './dial-tcp.js';

/**
 * What a server does with one connection. When it is done, the connection is closed if it is still open.
 *
 * @param context - its signal aborts when the server begins to close
 */
export type TcpHandler = (conn: TcpConn, context: { readonly signal: AbortSignal }) => unknown;

/** How a TCP server behaves. */
export interface TcpServerOptions {
  /** `host:port`, `[v6]:port`, or `:port` for every address of the machine; port 0 = any free one. */
  address: string;
  /** May also be set by `setHandler()`, before `listen()`. */
  handler?: TcpHandler;
  /** TLS, with these options of `tls.createServer()`. Default: without. */
  tls?: TlsOptions;
  /** More connections are refused. Default `Infinity`. */
  maxConnections?: number;
  /** How long `close()` waits for handlers before it ends their connections. 0 = not at all. Default `'10s'`. */
  drain?: Duration;
  /**
   * What handlers throw, and what goes wrong with the listening. That a peer hangs up between two messages is no error.
   * Default: a warning of the process, but none for what a peer does.
   */
  onError?: (error: unknown, conn?: TcpConn) => unknown;
}

/** What `close()` did. */
export interface TcpServerCloseReport {
  /** Connections there were. */
  readonly closed: number;
  /** Of those, ended while their handler was at work. */
  readonly forced: number;
}

const OPTIONS = ['address', 'handler', 'tls', 'maxConnections', 'drain', 'onError'];
const DRAIN = 10_000;
const KEEP_ALIVE = 15_000;

/** One time of listening. */
interface Session {
  readonly server: Server;
  readonly closing: AbortController;
  /** Every socket, also one that is still in its handshake. */
  readonly sockets: Set<Socket>;
  /** Of those the sockets that are in their TLS handshake, by the peer's address. */
  readonly greeting: Map<string, Socket>;
  readonly conns: Set<TcpConn>;
  /** One for each handler that is at work. */
  readonly serving: Set<Promise<void>>;
  /** Some handler has sent something: it is a server that answers. */
  answers: boolean;
}

/**
 * A TCP server: one call of its handler for each connection.
 *
 * As a provider of a Nest application it listens and closes with that, without anything else being done.
 *
 * @example
 * const server = new TcpServer({
 *   address: '127.0.0.1:8999',
 *   handler: async (conn) => {
 *     for await (const data of conn.packages()) await conn.sendPkg(data);
 *   },
 * });
 * await server.listen();
 */
export class TcpServer implements AsyncDisposable {
  readonly #options: TcpServerOptions;
  readonly #where: ListenAddress;
  readonly #drain: number;
  #handler: TcpHandler | undefined;
  #session: Session | undefined = undefined;
  #listening: Promise<this> | undefined = undefined;
  #closed: Promise<TcpServerCloseReport> | undefined = undefined;
  /** Somebody wants to listen as soon as it is closed. */
  #anew: Promise<this> | undefined = undefined;
  /** Ends the drain. */
  #hurry: () => void = ignore;

  /** @throws InvalidOptionsError with every bad option */
  constructor(options: TcpServerOptions) {
    const { fields, problems } = readFields(options, OPTIONS);
    const { address, handler, tls: secure, maxConnections, drain, onError } = fields;
    const where = parseListenAddress(address);
    if (where === undefined) {
      problems.push({ path: 'address', given: address, allowed: 'host:port, [v6]:port or :port' });
    }
    for (const [path, given] of Object.entries({ handler, onError })) {
      if (given !== undefined && typeof given !== 'function')
        problems.push({ path, given, allowed: 'a function' });
    }
    problems.push(...tlsProblems(secure));
    if (
      maxConnections !== undefined &&
      maxConnections !== Infinity &&
      !(Number.isInteger(maxConnections) && maxConnections > 0)
    ) {
      problems.push({
        path: 'maxConnections',
        given: maxConnections,
        allowed: 'a whole number from 1, or Infinity',
      });
    }
    const limit = drain === undefined ? DRAIN : callDuration('drain', drain, 'at once');
    if (typeof limit !== 'number') problems.push(limit);
    if (problems.length > 0) throw new InvalidTcpOptionsError('TcpServer', { pool: '' }, problems);
    this.#options = fields as TcpServerOptions;
    this.#where = where as ListenAddress;
    this.#drain = limit as number;
    this.#handler = handler;
  }

  /** The port it listens on; -1 when it does not. */
  get port(): number {
    const address = this.#session?.server.address() as AddressInfo | null | undefined;
    return address?.port ?? -1;
  }

  /** As it was given, with the real port once it listens. */
  get address(): string {
    const { port } = this;
    return showListenAddress(port === -1 ? this.#where : { host: this.#where.host, port });
  }

  /** How many connections are open. */
  get connections(): number {
    return this.#session?.conns.size ?? 0;
  }

  /** @throws InvalidOptionsError for what is no function */
  setHandler(handler: TcpHandler): this {
    if (typeof handler !== 'function') {
      const problem = { path: 'handler', given: handler, allowed: 'a function' };
      throw new InvalidTcpOptionsError('setHandler()', { pool: '' }, [problem]);
    }
    this.#handler = handler;
    return this;
  }

  /**
   * Begins to listen. Idempotent; after `close()` it begins anew, and during `close()` once that is done.
   *
   * Rejects with InvalidOptionsError without a handler, TcpServerError when it cannot listen there.
   */
  listen(): Promise<this> {
    if (this.#closed !== undefined) {
      this.#anew ??= this.#closed.then(() => {
        this.#anew = undefined;
        return this.listen();
      });
      return this.#anew;
    }
    this.#listening ??= this.#open().catch((error: unknown) => {
      this.#listening = this.#session = undefined;
      throw error;
    });
    return this.#listening;
  }

  /**
   * Stops listening and ends the connections: those that wait for the peer's next message at once, as if the peer had
   * ended; those whose handlers are at work when these are done or, when `drain` is over, by force. Idempotent; a later
   * call with `drain: 0` forces at once.
   *
   * Rejects with InvalidOptionsError.
   */
  close(options: CloseOptions = {}): Promise<TcpServerCloseReport> {
    let drain: number;
    try {
      drain = resolveDrain('TcpServer', options, this.#drain);
    } catch (error) {
      return Promise.reject(error);
    }
    if (this.#closed !== undefined) {
      if (drain === 0) this.#hurry();
      const none = { closed: 0, forced: 0 };
      return (
        this.#anew?.then(
          () => this.close(options),
          () => none,
        ) ?? this.#closed
      );
    }
    const listening = this.#listening;
    if (listening === undefined) return Promise.resolve({ closed: 0, forced: 0 });
    const hurried = new Promise<void>((resolve) => (this.#hurry = resolve));
    this.#closed = listening
      .then(() => this.#end(drain, hurried))
      .catch(() => ({ closed: 0, forced: 0 }))
      .finally(() => {
        this.#closed = this.#listening = this.#session = undefined;
        this.#hurry = ignore;
      });
    return this.#closed;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  /** @internal Called by Nest, when pools are open. */
  async onApplicationBootstrap(): Promise<void> {
    await this.listen();
  }

  /** @internal Called by Nest, when pools still lend: handlers may need them. */
  async beforeApplicationShutdown(): Promise<void> {
    await this.close();
  }

  async #open(): Promise<this> {
    if (this.#handler === undefined) {
      const problem = {
        path: 'handler',
        given: undefined,
        allowed: 'a function: there is nothing to serve with',
      };
      throw new InvalidTcpOptionsError('TcpServer', { pool: '' }, [problem]);
    }
    const { tls: secure, maxConnections } = this.#options;
    // A peer that has ended its side may still want its answer.
    const setup = { noDelay: true, keepAlive: true, keepAliveInitialDelay: KEEP_ALIVE, allowHalfOpen: true };
    let server: Server;
    try {
      server = secure === undefined ? net.createServer(setup) : tls.createServer({ ...secure, ...setup });
    } catch (error) {
      throw new TcpServerError(this.address, 'cannot use its TLS options', { cause: error });
    }
    if (maxConnections !== undefined && maxConnections !== Infinity) server.maxConnections = maxConnections;
    const session: Session = {
      server,
      closing: new AbortController(),
      sockets: new Set(),
      greeting: new Map(),
      conns: new Set(),
      serving: new Set(),
      answers: false,
    };
    this.#session = session;
    server.on('connection', (socket: Socket) => {
      session.sockets.add(socket);
      socket.on('error', ignore).on('close', () => session.sockets.delete(socket));
      if (secure === undefined) return;
      const peer = peerOf(socket);
      session.greeting.set(peer, socket);
      socket.on('close', () => session.greeting.get(peer) === socket && session.greeting.delete(peer));
    });
    server.on('tlsClientError', (error: Error, socket: Socket) => {
      socket.destroy();
      this.#report(error, undefined, true);
    });
    server.on(secure === undefined ? 'connection' : 'secureConnection', (socket: Socket) => {
      session.greeting.delete(peerOf(socket));
      const serving = this.#serve(socket, session).finally(() => session.serving.delete(serving));
      session.serving.add(serving);
    });
    await new Promise<void>((resolve, reject) => {
      const fail = (cause: Error): void =>
        reject(
          new TcpServerError(showListenAddress(this.#where), `cannot listen: ${cause.message}`, { cause }),
        );
      server.once('error', fail);
      const { host, port } = this.#where;
      server.listen({ port, host: host === '' ? undefined : host }, () => {
        server.off('error', fail).on('error', (error) => this.#report(error, undefined, false));
        resolve();
      });
    });
    return this;
  }

  async #serve(socket: Socket, session: Session): Promise<void> {
    const { conns, closing } = session;
    const conn = TcpConn.fromSocket(socket);
    socket.on('error', ignore);
    conns.add(conn);
    if (closing.signal.aborted) conn.endAtRest(session.answers);
    try {
      await this.#handler?.(conn, { signal: closing.signal });
      await conn.close();
    } catch (error) {
      if (isOrdinary(error, conn) || isOfClosing(error, closing.signal)) await conn.close();
      else {
        conn.destroy();
        this.#report(error, conn, isOfPeer(error, conn));
      }
    } finally {
      session.answers ||= conn.hasSent;
      conns.delete(conn);
    }
  }

  async #end(drain: number, hurried: Promise<void>): Promise<TcpServerCloseReport> {
    const session = this.#session as Session;
    const { server, closing, conns, sockets, greeting, serving } = session;
    const closed = conns.size;
    let forced = 0;
    let isForced = false;
    let force: () => void = ignore;
    const over = new Promise<void>((resolve) => {
      force = () => {
        if (isForced) return;
        isForced = true;
        forced = conns.size;
        for (const conn of conns) conn.destroy();
        for (const socket of sockets) socket.destroy();
        resolve();
      };
    });
    const ended = new Promise<void>((resolve) => void server.close(() => resolve()));
    closing.abort(new TcpServerError(this.address, 'is closing'));
    session.answers ||= [...conns].some(({ hasSent }) => hasSent);
    for (const conn of conns) conn.endAtRest(session.answers);
    // Nobody is at work for those that have not even introduced themselves.
    for (const socket of greeting.values()) socket.destroy();
    const limit = drain === Infinity ? undefined : setTimeout(force, Math.min(drain, LONGEST_TIMER));
    if (drain === 0) force();
    void hurried.then(force);
    await ended;
    // A handler may be at work although its peer is gone.
    await Promise.race([Promise.all(serving), over]);
    clearTimeout(limit);
    return { closed, forced };
  }

  #report(error: unknown, conn: TcpConn | undefined, isOfPeer: boolean): void {
    const { onError } = this.#options;
    if (onError === undefined) {
      if (!isOfPeer) warn(`A TcpServer has failed at ${this.address}`, error);
      return;
    }
    const failed = (thrown: unknown): void => warn('onError of a TcpServer has failed', thrown);
    try {
      const outcome = onError(error, conn);
      if (isThenable(outcome)) outcome.then(undefined, failed);
    } catch (thrown) {
      failed(thrown);
    }
  }
}

/** A peer hangs up between two messages, or the server has closed the connection itself. */
function isOrdinary(error: unknown, conn: TcpConn): boolean {
  const isEnd = (error instanceof EofError && !error.truncated) || error instanceof TcpConnClosedError;
  return isEnd && conn.hasFailedBy(error);
}

/** What waited by the handler's signal was given up, be it told by the signal's reason or, as Node does, with it as the cause. */
function isOfClosing(error: unknown, { aborted, reason }: AbortSignal): boolean {
  return aborted && (error === reason || (error as { cause?: unknown } | null | undefined)?.cause === reason);
}

/** Whoever connects must not be able to fill a log. An answer that is too long is none of his doing. */
function isOfPeer(error: unknown, conn: TcpConn): boolean {
  return conn.hasFailedBy(error) && !(error instanceof PackageTooLargeError);
}

function peerOf({ remoteAddress, remotePort, localAddress }: Socket): string {
  return `${remoteAddress} ${remotePort} ${localAddress}`;
}

function warn(what: string, error: unknown): void {
  process.emitWarning(`${what}: ${errorStack(error)}`, { code: 'CONN_POOL_TCP_SERVER' });
}

function ignore(): void {}
