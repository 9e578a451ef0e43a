import type { IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { INestApplication } from '@nestjs/common';
import { WsAdapter } from '@nestjs/platform-ws';
import { type OnGatewayConnection, type OnGatewayDisconnect, WebSocketGateway } from '@nestjs/websockets';
import {
  type ConnHub,
  ConnHubModule,
  type ConnHubOptions,
  getHubToken,
  type HubEvent,
  InjectHub,
  type Membership,
} from 'nestjs-conn-pool/hub';
import { WebSocket } from 'ws';
import { applications } from '../nest/applications.js';
import { Client } from './client.js';
import { until } from './until.js';

/** What the gateway below was told. */
let attached: Promise<Membership | undefined>[] = [];
let disconnected: unknown[] = [];
let targets: WebSocket[] = [];
/** Of the hub, as soon as it was told. */
let sizes: number[] = [];

@WebSocketGateway({ path: '/hello' })
class ChatGateway implements OnGatewayConnection, OnGatewayDisconnect {
  constructor(@InjectHub('chat') private readonly hub: ConnHub) {}

  handleConnection(client: WebSocket, request: IncomingMessage): Promise<Membership | undefined> {
    targets.push(client);
    attached.push(this.hub.attach(client, request));
    sizes.push(this.hub.size);
    return attached.at(-1) as Promise<Membership | undefined>;
  }

  handleDisconnect(_client: WebSocket, code: unknown): void {
    disconnected.push(code);
  }
}

describe('a hub behind a gateway of Nest', () => {
  const { compile, adopt } = applications();
  const clients: Client[] = [];

  beforeEach(() => {
    attached = [];
    disconnected = [];
    targets = [];
    sizes = [];
  });
  afterEach(() => {
    for (const { socket } of clients.splice(0)) socket.terminate();
  });

  async function open(
    options: ConnHubOptions = {},
  ): Promise<{ app: INestApplication; hub: ConnHub; told: HubEvent[] }> {
    const module = await compile({
      imports: [ConnHubModule.forRoot(), ConnHubModule.forFeature({ name: 'chat', ...options })],
      providers: [ChatGateway],
    });
    const app = adopt(module.createNestApplication());
    app.useWebSocketAdapter(new WsAdapter(app));
    await app.listen(0, '127.0.0.1');
    const hub = app.get<ConnHub>(getHubToken('chat'), { strict: false });
    const told: HubEvent[] = [];
    hub.events$.subscribe((event) => void told.push(event));
    return { app, hub, told };
  }

  async function connect(app: INestApplication, query: string, headers = {}): Promise<Client> {
    const { port } = app.getHttpServer().address() as AddressInfo;
    const client = await Client.connect(`ws://127.0.0.1:${port}/hello?${query}`, { headers });
    clients.push(client);
    return client;
  }

  it("[W8] takes a connection by the gateway's one line, though its ws is another copy than ours", async () => {
    const { app, hub } = await open();
    const ann = await connect(app, 'id=ann');
    await until(() => hub.has('ann'));
    expect(targets[0]).not.toBeInstanceOf(WebSocket);
    expect(await hub.push('ann', 'hi')).toEqual({ status: 'sent', connections: 1 });
    expect(await ann.hears(1)).toEqual(['hi\n']);
  });

  it('[W8] has it when handleConnection returns, where identify needs no promise', async () => {
    const { app, hub } = await open({ identify: ({ headers }) => String(headers['x-user']) });
    await connect(app, '', { 'x-user': 'ann' });
    expect(sizes).toEqual([1]);
    expect(hub.get('ann')[0]).toBe(await attached[0]);
  });

  it('[W8] asks identify who it is, and puts it where that says', async () => {
    const { app, hub } = await open({
      identify: async ({ headers }) =>
        headers.authorization === 'Bearer 7'
          ? { id: 'ann', meta: { plan: 'gold' }, groups: ['staff'] }
          : undefined,
    });
    const ann = await connect(app, 'id=bob', { authorization: 'Bearer 7' });
    await attached[0];
    expect(hub.get('ann')).toMatchObject([{ meta: { plan: 'gold' } }]);
    await hub.broadcast('all of you', { group: 'staff' });
    expect(await ann.hears(1)).toEqual(['all of you\n']);

    const stranger = await connect(app, 'id=ann', { authorization: 'Bearer 8' });
    expect(await stranger.isClosed()).toEqual({ code: 1008, reason: 'identity' });
    expect(await attached[1]).toBeUndefined();
    expect(hub.size).toBe(1);
  });

  it('[W8] asks verifyOrigin before anything else', async () => {
    const asked: unknown[] = [];
    const { app, hub, told } = await open({
      verifyOrigin: (origin) => origin === 'https://ours.example',
      identify: (request) => {
        asked.push(request.headers.origin);
        return 'ann';
      },
    });
    const theirs = await connect(app, '', { origin: 'https://theirs.example' });
    expect(await theirs.isClosed()).toEqual({ code: 1008, reason: 'origin' });
    await connect(app, '', { origin: 'https://ours.example' });
    await until(() => hub.has('ann'));
    expect(asked).toEqual(['https://ours.example']);
    expect(told).toMatchObject([
      { type: 'rejected', reason: 'origin' },
      { type: 'joined' },
      { type: 'online' },
    ]);
  });

  it('hears of it that a client has gone, as the gateway does', async () => {
    const { app, hub, told } = await open();
    const ann = await connect(app, 'id=ann');
    await until(() => hub.has('ann'));
    ann.socket.close(4000);
    await until(() => disconnected.length === 1 && !hub.has('ann'));
    expect(disconnected).toEqual([4000]);
    expect(told).toContainEqual(
      expect.objectContaining({ type: 'left', id: 'ann', reason: 'closed', code: 4000 }),
    );
  });

  it("says its last word and 1001 before the gateway's server cuts everybody off", async () => {
    const { app, hub } = await open();
    const ann = await connect(app, 'id=ann');
    await until(() => hub.has('ann'));
    void hub.push('ann', 'last');
    await app.close();
    expect(await ann.isClosed()).toMatchObject({ code: 1001 });
    expect(ann.heard).toEqual(['last\n']);
    expect(hub.state).toBe('closed');
  });
});
