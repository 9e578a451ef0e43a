import type { IncomingMessage } from 'node:http';
import { type OnGatewayConnection, WebSocketGateway } from '@nestjs/websockets';
import { type ConnHub, InjectHub } from 'nestjs-conn-pool/hub';
import type { WebSocket } from 'ws';
import { HUB } from './hub.js';
import { RelayService } from './relay.service.js';

@WebSocketGateway({ path: '/hello', maxPayload: 64 * 1024 })
export class RelayGateway implements OnGatewayConnection {
  constructor(
    @InjectHub(HUB) private readonly hub: ConnHub,
    private readonly relay: RelayService,
  ) {}

  async handleConnection(client: WebSocket, request: IncomingMessage): Promise<void> {
    await this.relay.serve(await this.hub.attach(client, request));
  }
}
