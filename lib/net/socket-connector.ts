import { Duplex } from 'node:stream';
import type { DialContext, HeartbeatContext, KeyedConnector } from '../core/index.js';
import { joinHostPort, parseAddress } from './address.js';
import { dialNode } from './node-dialer.js';
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
  private readonly sessions = new TlsSessions();
  private readonly sessionKeys = new WeakMap<Duplex, string>();
  private readonly onSession: (session: Buffer) => void;

  constructor(private readonly options: ResolvedSocketOptions) {
    const { heartbeat, idleData } = options;
    const { sessions, sessionKeys } = this;
    this.watches = new SocketWatches(idleData);
    this.onSession = function (this: Duplex, session: Buffer): void {
      const key = sessionKeys.get(this);
      if (key !== undefined) sessions.set(key, session);
    } as (session: Buffer) => void;
    if (heartbeat !== undefined) this.heartbeat = (socket, context) => this.probe(heartbeat, socket, context);
  }

  async dial(target: Target, { signal }: DialContext): Promise<Duplex> {
    const { network, servername, tls, id } = target;
    const { dialer, host, pool } = this.options;
    const address = network === 'unix' || host === undefined ? target.address : await host(target.address);
    if (dialer !== undefined) {
      const made: unknown = await dialer.dial(network, address, { signal });
      if (made instanceof Duplex) return made;
      throw new TypeError('dialer.dial() gave no Duplex stream');
    }
    const endpoint = parseAddress(pool, network, address);
    const secure =
      tls === undefined ? undefined : { options: tls, servername, sessions: this.sessions, key: id };
    const socket = await dialNode(network, endpoint, this.options, secure, signal);
    if (tls !== undefined) this.sessionKeys.set(socket, id);
    return socket;
  }

  close(socket: Duplex): void {
    // A socket given up on may still have something to say.
    socket.on('error', () => undefined);
    socket.destroy();
  }

  watch(socket: Duplex, lost: (cause?: unknown) => void): () => void {
    const unfit = this.watches.watch(socket, lost).unfitness();
    if (this.sessionKeys.has(socket)) socket.on('session', this.onSession);
    // Dead at birth: a failed dial, not a connection that died.
    if (unfit !== undefined) lost(new Error(unfit));
    return this.stopWatching;
  }

  /** One for all sockets: the engine says which. */
  private readonly stopWatching = (socket?: Duplex): void => {
    if (socket === undefined) return;
    if (this.sessionKeys.has(socket)) socket.off('session', this.onSession);
    this.watches.unwatch(socket);
  };

  /** The probe has the socket raw: it must leave it as a borrower must. */
  private async probe(
    heartbeat: NonNullable<ResolvedSocketOptions['heartbeat']>,
    socket: Duplex,
    context: HeartbeatContext,
  ): Promise<void> {
    this.watchOf(socket).lendRaw(false);
    try {
      await heartbeat(socket, context);
    } finally {
      // It may have been closed meanwhile.
      const unfit = this.watches.of(socket)?.takeBack();
      if (unfit !== undefined) throw new Error(`the heartbeat left the connection unfit: ${unfit}`);
    }
  }

  isPermanent(error: unknown): boolean {
    return isCertificateError(error);
  }

  watchOf(socket: Duplex): SocketWatch {
    return this.watches.of(socket) as SocketWatch;
  }

  /** Whether this very socket is in the pool. */
  has(socket: Duplex): boolean {
    return this.watches.of(socket) !== undefined;
  }
}

/** Where a socket that is connected already goes. */
export function remoteOf(socket: { remoteAddress?: string; remotePort?: number }): string | undefined {
  const { remoteAddress, remotePort } = socket;
  return remoteAddress === undefined || remotePort === undefined
    ? undefined
    : joinHostPort(remoteAddress, remotePort);
}
