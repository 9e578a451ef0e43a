import type dgram from 'node:dgram';
import type { AddressInfo } from 'node:net';
import { Duplex } from 'node:stream';

/** Datagrams that wait to be read; what comes beyond is dropped, as the network might have. */
const MOST_WAITING = 1024;

/**
 * A connected UDP socket as a stream: each write sends one datagram, each read gives one, whole. An ICMP refusal is an
 * `'error'`.
 */
export class DatagramSocket extends Duplex {
  readonly connecting = false;
  /** Received so far. */
  bytesRead = 0;
  /** Sent so far. */
  bytesWritten = 0;

  constructor(private readonly socket: dgram.Socket) {
    super({ readableObjectMode: true, readableHighWaterMark: MOST_WAITING });
    socket.on('message', (message: Buffer) => {
      this.bytesRead += message.length;
      if (this.readableLength < MOST_WAITING) this.push(message);
    });
    socket.on('error', (error) => this.destroy(error));
    socket.on('close', () => this.destroy());
  }

  /** Its own end of the connection. */
  address(): AddressInfo | Record<string, never> {
    return this.destroyed ? {} : this.socket.address();
  }

  get remoteAddress(): string | undefined {
    return this.remote()?.address;
  }

  get remotePort(): number | undefined {
    return this.remote()?.port;
  }

  get remoteFamily(): string | undefined {
    return this.remote()?.family;
  }

  get localAddress(): string | undefined {
    return this.destroyed ? undefined : this.socket.address().address;
  }

  get localFamily(): string | undefined {
    return this.destroyed ? undefined : this.socket.address().family;
  }

  get localPort(): number | undefined {
    return this.destroyed ? undefined : this.socket.address().port;
  }

  ref(): this {
    this.socket.ref();
    return this;
  }

  unref(): this {
    this.socket.unref();
    return this;
  }

  override _read(): void {}

  override _write(datagram: Buffer, _encoding: BufferEncoding, sent: (error?: Error | null) => void): void {
    this.bytesWritten += datagram.length;
    this.socket.send(datagram, (error) => sent(error));
  }

  override _destroy(error: Error | null, destroyed: (error?: Error | null) => void): void {
    this.socket.removeAllListeners('close');
    try {
      this.socket.close(() => destroyed(error));
    } catch {
      // It is closed already.
      destroyed(error);
    }
  }

  private remote(): dgram.RemoteInfo | undefined {
    try {
      return this.socket.remoteAddress() as dgram.RemoteInfo;
    } catch {
      return undefined;
    }
  }
}
