import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { ConnHub, type ConnHubOptions, type HubEvent, type Membership } from 'nestjs-conn-pool/hub';
import { type ClientOptions, type ServerOptions, type WebSocket, WebSocketServer } from 'ws';
import { Client } from './client.js';

/** A hub behind a WebSocket server, on the loopback. */
export class House<M = unknown> {
  readonly events: HubEvent[] = [];
  /** The server's ends, in the order of their coming. */
  readonly sockets: WebSocket[] = [];
  /** What `attach` gave. */
  readonly attached: Promise<Membership<M> | undefined>[] = [];
  readonly clients: Client[] = [];

  private constructor(
    readonly hub: ConnHub<M>,
    private readonly server: WebSocketServer,
  ) {
    hub.events$.subscribe((event) => void this.events.push(event));
    server.on('connection', (socket, request: IncomingMessage) => {
      this.sockets.push(socket);
      this.attached.push(hub.attach(socket, request));
    });
  }

  static async open<M = unknown>(
    options: ConnHubOptions<M> & { name?: string; node?: string } = {},
    serverOptions: ServerOptions = {},
  ): Promise<House<M>> {
    const server = new WebSocketServer({ port: 0, host: '127.0.0.1', ...serverOptions });
    await once(server, 'listening');
    return new House(new ConnHub<M>(options), server);
  }

  get url(): string {
    return `ws://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  /** Connects by an id, and waits until the hub has said what it makes of it. */
  async join(id: string, options: ClientOptions = {}): Promise<Client> {
    return this.ask(`/?id=${encodeURIComponent(id)}`, options);
  }

  async ask(path: string, options: ClientOptions = {}): Promise<Client> {
    const before = this.attached.length;
    const client = await Client.connect(`${this.url}${path}`, options);
    this.clients.push(client);
    await this.attached[before];
    return client;
  }

  /** The events of one kind. */
  told<T extends HubEvent['type']>(type: T): Extract<HubEvent, { type: T }>[] {
    return this.events.filter((event): event is Extract<HubEvent, { type: T }> => event.type === type);
  }

  async close(): Promise<void> {
    await this.hub.close({ drain: 0 });
    for (const { socket } of this.clients) socket.terminate();
    for (const socket of this.sockets) socket.terminate();
    await new Promise((resolve) => this.server.close(resolve));
  }
}
