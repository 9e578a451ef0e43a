import { once } from 'node:events';
import type { Socket } from 'node:net';
import { type ClientOptions, WebSocket } from 'ws';
import { until } from './until.js';

/** A WebSocket client that keeps all it hears. */
export class Client {
  readonly heard: string[] = [];
  readonly binary: Buffer[] = [];
  closed: { code: number; reason: string } | undefined;

  private constructor(readonly socket: WebSocket) {
    socket.on('message', (data: Buffer, isBinary) => {
      if (isBinary) this.binary.push(data);
      else this.heard.push(data.toString());
    });
    socket.on('close', (code, reason) => (this.closed = { code, reason: reason.toString() }));
    socket.on('error', () => undefined);
  }

  static async connect(url: string, options: ClientOptions = {}): Promise<Client> {
    const client = new Client(new WebSocket(url, { perMessageDeflate: false, ...options }));
    await once(client.socket, 'open');
    return client;
  }

  /** Hears until it has so many texts. */
  async hears(count: number): Promise<string[]> {
    await until(() => this.heard.length >= count);
    return this.heard;
  }

  async isClosed(): Promise<{ code: number; reason: string }> {
    await until(() => this.closed !== undefined);
    return this.closed as { code: number; reason: string };
  }

  /** Reads no further; the system's buffers fill, and then the server's. */
  stopReading(): void {
    this.raw.pause();
  }

  readOn(): void {
    this.raw.resume();
  }

  get raw(): Socket {
    return (this.socket as unknown as { _socket: Socket })._socket;
  }
}
