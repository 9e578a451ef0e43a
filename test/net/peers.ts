import dgram from 'node:dgram';
import { once } from 'node:events';
import net, { type AddressInfo, type Socket } from 'node:net';
import tls, { type TlsOptions } from 'node:tls';
import { until } from './until.js';

/** What a peer does with a connection; the first is number 1. */
export type Script = (socket: Socket, number: number) => void;

export interface PeerOptions {
  /** Default: the IPv4 loopback. */
  host?: string;
  /** Of a Unix socket. */
  path?: string;
  tls?: TlsOptions;
  allowHalfOpen?: boolean;
}

export const echo: Script = (socket) => void socket.on('data', (chunk) => socket.write(chunk));

/** Reads all and says nothing. */
export const silent: Script = (socket) => void socket.resume();

/** Accepts and never reads. */
export const deaf: Script = (socket) => void socket.pause();

/** Answers each line; `undefined` = not at all. */
export function answering(
  answer: (line: string, socket: Socket, number: number) => string | undefined,
): Script {
  return (socket, number) => {
    let rest = '';
    socket.setEncoding('latin1').on('data', (chunk: string) => {
      const lines = (rest + chunk).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) {
        const text = answer(line, socket, number);
        if (text !== undefined) socket.write(`${text}\n`);
      }
    });
  };
}

/** Answers each line with the number of the connection it came by: who was reused shows. */
export const countingConnections: Script = answering((line, _, number) => `${number}:${line}`);

/** A server that does with each connection what its script says, and knows them all. */
export class Peer {
  /** Every connection there ever was, in order. */
  readonly accepted: Socket[] = [];
  private readonly carriers = new Set<Socket>();

  private constructor(
    private readonly server: net.Server,
    script: Script,
    isTls: boolean,
  ) {
    server.on('connection', (socket) => {
      this.carriers.add(socket);
      socket.on('error', () => undefined).on('close', () => this.carriers.delete(socket));
    });
    server.on('tlsClientError', () => undefined);
    server.on(isTls ? 'secureConnection' : 'connection', (socket: Socket) => {
      this.accepted.push(socket);
      socket.on('error', () => undefined).setNoDelay(true);
      script(socket, this.accepted.length);
    });
  }

  static async start(script: Script = echo, options: PeerOptions = {}): Promise<Peer> {
    const { host = '127.0.0.1', path, tls: secure, allowHalfOpen = false } = options;
    const server =
      secure === undefined
        ? net.createServer({ allowHalfOpen })
        : tls.createServer({ allowHalfOpen, ...secure });
    const peer = new Peer(server, script, secure !== undefined);
    await once(path === undefined ? server.listen(0, host) : server.listen(path), 'listening');
    return peer;
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  /** As a pool is asked for it. */
  get address(): string {
    const address = this.server.address() as AddressInfo | string;
    if (typeof address === 'string') return address;
    return net.isIPv6(address.address)
      ? `[${address.address}]:${address.port}`
      : `${address.address}:${address.port}`;
  }

  get open(): Socket[] {
    return this.accepted.filter(({ destroyed }) => !destroyed);
  }

  /** The connection that was accepted last, once so many have been. */
  async connection(number: number): Promise<Socket> {
    await until(() => this.accepted.length >= number);
    return this.accepted[number - 1] as Socket;
  }

  /** Resolves once whoever had connected has hung up, on each connection there was. */
  async abandoned(limit?: number): Promise<void> {
    for (const socket of this.accepted) socket.resume();
    await until(() => this.open.every(({ readableEnded }) => readableEnded), limit);
  }

  async close(): Promise<void> {
    for (const socket of [...this.accepted, ...this.carriers]) socket.destroy();
    if (this.server.listening) await new Promise<void>((resolve) => void this.server.close(() => resolve()));
  }
}

/** A port of the loopback nobody listens on. */
export async function refusing(host = '127.0.0.1'): Promise<string> {
  const peer = await Peer.start(silent, { host });
  const { address } = peer;
  await peer.close();
  return address;
}

type Answer = (datagram: Buffer, send: (answer: Uint8Array | string) => void, from: dgram.RemoteInfo) => void;

/** A UDP server that knows who has sent to it. */
export class UdpPeer {
  readonly received: { readonly datagram: Buffer; readonly from: dgram.RemoteInfo }[] = [];
  private closed = false;

  private constructor(
    private readonly socket: dgram.Socket,
    answer: Answer,
  ) {
    socket.on('error', () => undefined);
    socket.on('message', (datagram, from) => {
      this.received.push({ datagram, from });
      answer(datagram, (text) => this.send(text, from.port, from.address), from);
    });
  }

  static async start(
    answer: Answer = (datagram, send) => send(datagram),
    { host = '127.0.0.1', port = 0 } = {},
  ): Promise<UdpPeer> {
    const socket = dgram.createSocket(net.isIPv6(host) ? 'udp6' : 'udp4');
    const peer = new UdpPeer(socket, answer);
    socket.bind(port, host);
    await once(socket, 'listening');
    return peer;
  }

  get port(): number {
    return this.socket.address().port;
  }

  get address(): string {
    const { address, port } = this.socket.address();
    return net.isIPv6(address) ? `[${address}]:${port}` : `${address}:${port}`;
  }

  /** Sends to whoever sits at that port of the loopback, asked or not. */
  send(datagram: Uint8Array | string, port: number, address = this.socket.address().address): void {
    this.socket.send(datagram, port, address);
  }

  async close(): Promise<void> {
    if (this.closed) return;
    this.closed = true;
    await new Promise<void>((resolve) => void this.socket.close(() => resolve()));
  }
}
