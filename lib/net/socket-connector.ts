import { Duplex } from 'node:stream';
import type { DialContext, HeartbeatContext, KeyedConnector } from '../core/index.js';
import { joinHostPort, parseAddress } from './address.js';
import { dialNode } from './node-dialer.js';
import type { ResolvedSocketOptions } from './socket-options.js';
import { SocketWatch } from './socket-watch.js';
import type { Target } from './target.js';
import { isCertificateError } from './tls-errors.js';
import { TlsSessions } from './tls-sessions.js';

/** How the sockets of one pool are dialled, watched, judged fit and closed. */
export class SocketConnector implements KeyedConnector<Target, Duplex> {
  readonly heartbeat: KeyedConnector<Target, Duplex>['heartbeat'] = undefined;
  private readonly watches = new WeakMap<Duplex, SocketWatch>();
  private readonly sessions = new TlsSessions();
  private readonly sessionKeys = new WeakMap<Duplex, string>();

  constructor(private readonly options: ResolvedSocketOptions) {
    const { heartbeat } = options;
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
    const watch = new SocketWatch(socket, this.options.idleData, lost);
    this.watches.set(socket, watch);
    const key = this.sessionKeys.get(socket);
    const onSession = (session: Buffer): void => this.sessions.set(key as string, session);
    if (key !== undefined) socket.on('session', onSession);
    const unfit = watch.unfitness();
    // Dead at birth: a failed dial, not a connection that died.
    if (unfit !== undefined) lost(new Error(unfit));
    return () => {
      if (key !== undefined) socket.off('session', onSession);
      watch.stop();
      this.watches.delete(socket);
    };
  }

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
      const unfit = this.watches.get(socket)?.takeBack();
      if (unfit !== undefined) throw new Error(`the heartbeat left the connection unfit: ${unfit}`);
    }
  }

  isPermanent(error: unknown): boolean {
    return isCertificateError(error);
  }

  watchOf(socket: Duplex): SocketWatch {
    return this.watches.get(socket) as SocketWatch;
  }

  /** Whether this very socket is in the pool. */
  has(socket: Duplex): boolean {
    return this.watches.has(socket);
  }
}

/** Where a socket that is connected already goes. */
export function remoteOf(socket: { remoteAddress?: string; remotePort?: number }): string | undefined {
  const { remoteAddress, remotePort } = socket;
  return remoteAddress === undefined || remotePort === undefined
    ? undefined
    : joinHostPort(remoteAddress, remotePort);
}
