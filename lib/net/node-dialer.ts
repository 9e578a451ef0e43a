import dgram from 'node:dgram';
import { lookup } from 'node:dns';
import net from 'node:net';
import type { Duplex } from 'node:stream';
import tls from 'node:tls';
import type { Endpoint, HostPort, Network } from './address.js';
import { DatagramSocket } from './datagram-socket.js';
import { identityCheck } from './server-identity.js';
import type { Setup } from './socket-face.js';
import type { TlsTerms } from './target.js';
import type { TlsSessions } from './tls-sessions.js';

/** How Node's sockets are made and set up. */
export interface SocketSetup extends Setup {
  /** Makes those without TLS. */
  readonly connect: (options: net.NetConnectOpts) => net.Socket;
}

/** What a TLS handshake needs beside the address. */
export interface TlsSetup extends TlsTerms {
  /** What connections share that may resume each other's sessions. */
  readonly sessions: TlsSessions;
  readonly key: string;
}

/** Connects a socket of Node's: for host names with happy eyeballs, which Node does by default. */
export async function dialNode(
  network: Network,
  endpoint: Endpoint,
  setup: SocketSetup,
  secure: TlsSetup | undefined,
  signal: AbortSignal,
): Promise<Duplex> {
  // One that was given up tells nobody any more.
  signal.throwIfAborted();
  if (network.startsWith('udp')) return dialDatagrams(endpoint as HostPort, signal);
  if (secure !== undefined) return dialTls(endpoint as HostPort, setup, secure, signal);
  const { noDelay, keepAlive, connect } = setup;
  const socket = connect({
    ...('path' in endpoint ? endpoint : { noDelay, ...endpoint }),
    ...(keepAlive === undefined ? {} : { keepAlive: true, keepAliveInitialDelay: keepAlive }),
  });
  return connected(socket, 'connect', signal);
}

async function dialTls(
  endpoint: HostPort,
  { noDelay, keepAlive }: SocketSetup,
  { options, host, sessions, key }: TlsSetup,
  signal: AbortSignal,
): Promise<tls.TLSSocket> {
  const socket = tls.connect({
    ...options,
    session: options.session ?? sessions.get(key),
    servername: options.servername ?? (net.isIP(host) === 0 ? host : undefined),
    checkServerIdentity: identityCheck(options, host),
    ...endpoint,
  });
  // With TLS 1.2 the session comes with the handshake; later ones are the watch's.
  const onSession = (session: Buffer): void => sessions.set(key, session);
  socket.on('session', onSession);
  try {
    await connected(socket, 'secureConnect', signal);
  } finally {
    socket.off('session', onSession);
  }
  // As options `tls.connect()` passes them over.
  socket.setNoDelay(noDelay).setKeepAlive(keepAlive !== undefined, keepAlive);
  return socket;
}

/** Waits for what tells that a socket is established. */
export function connected<S extends Duplex>(socket: S, event: string, signal: AbortSignal): Promise<S> {
  return new Promise((resolve, reject) => {
    const settle = (): void => {
      signal.removeEventListener('abort', onAbort);
      socket.off(event, onConnect).off('error', onError).off('close', onClose);
    };
    const onConnect = (): void => {
      settle();
      resolve(socket);
    };
    const fail = (error: unknown): void => {
      settle();
      // A socket given up on may still have something to say.
      socket.on('error', () => undefined).destroy();
      reject(error as Error);
    };
    const onError = (error: Error): void => fail(error);
    const onClose = (): void => fail(new Error('the peer closed the connection before it was established'));
    const onAbort = (): void => fail(signal.reason);
    socket.on(event, onConnect).on('error', onError).on('close', onClose);
    if (signal.aborted) onAbort();
    else signal.addEventListener('abort', onAbort, { once: true });
  });
}

async function dialDatagrams({ host, port, family }: HostPort, signal: AbortSignal): Promise<DatagramSocket> {
  const version = net.isIP(host) || family || (await versionOf(host));
  signal.throwIfAborted();
  const socket = dgram.createSocket(version === 6 ? 'udp6' : 'udp4');
  return new Promise((resolve, reject) => {
    const settle = (): void => {
      signal.removeEventListener('abort', onAbort);
      socket.off('error', fail).off('connect', onConnect);
    };
    const fail = (error: Error): void => {
      settle();
      socket.close();
      reject(error);
    };
    const onAbort = (): void => fail(signal.reason as Error);
    const onConnect = (): void => {
      settle();
      resolve(new DatagramSocket(socket));
    };
    signal.addEventListener('abort', onAbort, { once: true });
    socket.on('error', fail).on('connect', onConnect);
    socket.connect(port, host);
  });
}

/** A UDP socket is of one version from the start: a host name has to be looked up first. */
function versionOf(host: string): Promise<number> {
  return new Promise((resolve, reject) =>
    lookup(host, (error, _address, version) => (error === null ? resolve(version) : reject(error))),
  );
}
