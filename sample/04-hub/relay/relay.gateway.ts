import type { IncomingMessage } from 'node:http';
import { Logger } from '@nestjs/common';
import { type OnGatewayConnection, WebSocketGateway } from '@nestjs/websockets';
import { type ConnHub, InjectHub } from 'nestjs-conn-pool/hub';
import type { WebSocket } from 'ws';
import { HUB } from './hub.js';
import { RelayService } from './relay.service.js';

@WebSocketGateway({ path: '/hello', maxPayload: 64 * 1024 })
export class RelayGateway implements OnGatewayConnection {
  private readonly logger = new Logger(RelayGateway.name);

  constructor(
    @InjectHub(HUB) private readonly hub: ConnHub,
    private readonly relay: RelayService,
  ) {}

  async handleConnection(client: WebSocket, request: IncomingMessage): Promise<void> {
    try {
      await this.relay.serve(await this.hub.attach(client, request));
    } catch (error) {
      // Nobody waits for this promise: a rejection would end the process, for everybody.
      this.logger.error(error);
      client.close(1011);
    }
  }
}
