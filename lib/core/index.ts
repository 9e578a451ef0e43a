export type { AcquireOptions } from './acquire-options.js';
export { type ClockTimer, type PoolClock, systemClock } from './clock.js';
export {
  type CloseContext,
  type CloseReason,
  type Connector,
  type DialContext,
  type HeartbeatContext,
  type ResetContext,
} from './connector.js';
export type { Duration } from './duration.js';
export * from './errors.js';
export type * from './events.js';
export type { KeyedConnector, KeyedConnPoolOptions } from './keyed-options.js';
export { type KeyedConnInfo, KeyedConnPool, type KeyStats } from './keyed-pool.js';
export type { Lease } from './lease.js';
export type { CloseOptions, HeartbeatOptions, ManagedPool } from './managed-pool.js';
export type { ConnPoolOptions, ExhaustedPolicy, IdleOrder, PoolSize, StartupPolicy } from './options.js';
export { ConnPool } from './pool.js';
export type { AcquireTrace } from './pool-channels.js';
export type * from './stats.js';
