import { Duplex } from 'node:stream';
import { TLSSocket } from 'node:tls';
import type { DialContext, HeartbeatContext, KeyedConnector } from '../core/index.js';
import { isConnecting, requirement } from './adoption.js';
import { joinHostPort, parseAddress } from './address.js';
import { connected, dialNode, type SocketSetup } from './node-dialer.js';
import { Borrowing } from './borrowing.js';
import { sharingReadBuffer } from './read-buffer.js';
import type { ResolvedSocketOptions } from './socket-options.js';
import type { SocketWatch } from './socket-watch.js';
import { SocketWatches } from './socket-watches.js';
import type { Target } from './target.js';
import { isCertificateError } from './tls-errors.js';
import { TlsSessions } from './tls-sessions.js';

/** How the sockets of one pool are dialled, watched, judged fit and closed. */
export class SocketConnector implements KeyedConnector<Target, Duplex> {
  readonly heartbeat: KeyedConnector<Target, Duplex>['heartbeat'] = undefined;
  private readonly watches: SocketWatches;
  private readonly setup: SocketSetup;
  private readonly sessions = new TlsSessions();
  private readonly sessionKeys = new WeakMap<Duplex, string>();
  /** What the user's dialer has given: before it is watched, it may give the same once more. */
  private readonly given = new WeakSet<Duplex>();
  private readonly onSession: (session: Buffer) => void;

  constructor(private readonly options: ResolvedSocketOptions) {
    const { heartbeat, idleData, noDelay, keepAlive } = options;
    const { sessions, sessionKeys } = this;
    this.watches = new SocketWatches(idleData);
    this.setup = { noDelay, keepAlive, connect: sharingReadBuffer() };
    this.onSession = function (this: Duplex, session: Buffer): void {
      const key = sessionKeys.get(this);
      if (key !== undefined) sessions.set(key, session);
    } as (session: Buffer) => void;
    if (heartbeat !== undefined) this.heartbeat = (socket, context) => this.probe(heartbeat, socket, context);
  }

  async dial(target: Target, { signal }: DialContext): Promise<Duplex> {
    const { network, tls, id } = target;
    const { dialer, host, pool } = this.options;
    let { address } = target;
    if (network !== 'unix' && host !== undefined) {
      address = await host(address);
      // Nobody may be waiting any more.
      signal.throwIfAborted();
    }
    if (dialer !== undefined) return this.made(await dialer.dial(network, address, { signal }), signal);
    const endpoint = parseAddress(pool, network, address);
    const secure = tls && { ...tls, sessions: this.sessions, key: id };
    const socket = await dialNode(network, endpoint, this.setup, secure, signal);
    if (tls !== undefined) this.sessionKeys.set(socket, id);
    return socket;
  }

  /** What a dialer of the user's gives may be anything. */
  private async made(stream: unknown, signal: AbortSignal): Promise<Duplex> {
    if (!(stream instanceof Duplex)) throw new TypeError('dialer.dial() gave no Duplex stream');
    if (this.has(stream)) throw new TypeError('dialer.dial() gave a stream that is in use already');
    this.given.add(stream);
    if (!isConnecting(stream)) return stream;
    return connected(stream, stream instanceof TLSSocket ? 'secureConnect' : 'connect', signal);
  }

  close(socket: Duplex): void {
    // A socket given up on may still have something to say.
    socket.on('error', () => undefined);
    socket.destroy();
  }

  watch(socket: Duplex, lost: (cause?: unknown) => void): () => void {
    // Before the watch, which keeps what it finds.
    if (this.sessionKeys.has(socket)) socket.on('session', this.onSession);
    const watch = this.watches.watch(socket, lost);
    const wanted = requirement(socket);
    // What has come with it is its first borrower's.
    const isEmpty = socket.destroyed || socket.readableLength === 0;
    const dead = isEmpty ? watch.unfitness() : undefined;
    const unfit = wanted === undefined ? dead : `it must be ${wanted}`;
    // Dead at birth: a failed dial, not a connection that died.
    if (unfit !== undefined) lost(new Error(unfit));
    // A listener does not set going what somebody has paused.
    else if (socket.readableFlowing === false) socket.resume();
    return this.stopWatching;
  }

  /** One for all sockets: the engine says which. */
  private readonly stopWatching = (socket?: Duplex): void => {
    if (socket === undefined) return;
    if (this.sessionKeys.has(socket)) socket.off('session', this.onSession);
    this.given.delete(socket);
    this.watches.unwatch(socket);
  };

  /** The probe has the socket raw: it must leave it as a borrower must. */
  private async probe(
    heartbeat: NonNullable<ResolvedSocketOptions['heartbeat']>,
    socket: Duplex,
    context: HeartbeatContext,
  ): Promise<void> {
    this.watchOf(socket).lendRaw(new Borrowing(), false);
    try {
      await heartbeat(socket, context);
    } finally {
      // It may have been closed meanwhile.
      const unfit = this.watches.of(socket)?.takeBack(true);
      if (unfit !== undefined) throw new Error(`the heartbeat left the connection unfit: ${unfit}`);
    }
  }

  isPermanent(error: unknown): boolean {
    return isCertificateError(error);
  }

  watchOf(socket: Duplex): SocketWatch {
    return this.watches.of(socket) as SocketWatch;
  }

  /** Whether this very socket is in the pool, or about to be. */
  has(socket: Duplex): boolean {
    return this.given.has(socket) || this.watches.of(socket) !== undefined;
  }
}

/** Where a socket that is connected already goes. */
export function remoteOf(socket: { remoteAddress?: string; remotePort?: number }): string | undefined {
  const { remoteAddress, remotePort } = socket;
  return remoteAddress === undefined || remotePort === undefined
    ? undefined
    : joinHostPort(remoteAddress, remotePort);
}
