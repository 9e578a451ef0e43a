export type { AddOptions, BroadcastOptions, KickOptions, PushOptions } from './call-options.js';
export { CloseCode } from './close-code.js';
export { ConnHub } from './conn-hub.js';
export type { HubOrigin, Presence } from './hub-origin.js';
export type { HubConnections, HubStream } from './predecessor.js';
export type {
  Backplane,
  BackplaneHealth,
  BackplaneLink,
  CastPacket,
  Claim,
  ClaimOutcome,
  HubInstance,
  Packet,
} from './backplane.js';
export { memoryBackplane } from './memory-backplane.js';
export type { Message } from './message.js';
export type {
  Box,
  BoxLoss,
  BoxRules,
  ExactPosition,
  Found,
  LostPost,
  NumberedPost,
  Position,
  Posted,
} from './box.js';
export type { BoxOptions } from './box-options.js';
export type { BroadcastResult, Delivery, DeliveryStatus } from './delivery.js';
export * from './hub-errors.js';
export type {
  BackplaneEvent,
  DroppedEvent,
  HubEvent,
  JoinedEvent,
  LeftEvent,
  OfflineEvent,
  OnlineEvent,
  RejectedEvent,
} from './hub-events.js';
export type { ConnHubOptions, DuplicatePolicy, Identity, SlowConsumerPolicy } from './hub-options.js';
export type { HubHealth, HubState, HubStats, HubTotals } from './hub-stats.js';
export type { LinesOptions } from './inbound.js';
export type { LeaveReason, Membership } from './membership.js';
export type { Payload } from './message.js';
export type { Refusal } from './outlet.js';
export type { PushTarget, WebSocketLike } from './push-target.js';
export { ConnHubModule } from './nest/conn-hub.module.js';
export { InjectHub } from './nest/hub-decorators.js';
export {
  DuplicateHubRootModuleError,
  MissingHubFactoryError,
  MissingHubRootModuleError,
} from './nest/hub-module-errors.js';
export type {
  ConnHubModuleOptions,
  ConnHubOptionsFactory,
  ConnHubRootAsyncOptions,
  ConnHubRootOptions,
  HubAsyncOptions,
  HubDefinition,
  HubFeatureOptions,
  HubOptionsFactory,
} from './nest/hub-module-options.js';
export { HubRegistry } from './nest/hub-registry.js';
export { DEFAULT_HUB_NAME, getHubToken } from './nest/hub-tokens.js';
