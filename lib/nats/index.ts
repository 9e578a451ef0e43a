export { natsBackplane } from './nats-backplane.js';
export type { NatsLike, NatsMessage, NatsSubscription } from './nats-client.js';
export type { NatsBackplaneOptions } from './nats-options.js';
