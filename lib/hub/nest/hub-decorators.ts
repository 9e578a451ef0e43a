import { Inject } from '@nestjs/common';
import { getHubToken } from './hub-tokens.js';

/**
 * Injects a hub by its name.
 *
 * @param name - default `'default'`
 *
 * @example
 * @WebSocketGateway()
 * class ChatGateway implements OnGatewayConnection {
 *   constructor(@InjectHub('chat') private readonly hub: ConnHub) {}
 *   handleConnection(client: WebSocket, request: IncomingMessage) {
 *     return this.hub.attach(client, request);
 *   }
 * }
 */
export const InjectHub = (name?: string): ReturnType<typeof Inject> => Inject(getHubToken(name));
