export { redisBackplane } from './redis-backplane.js';
export type { RedisLike } from './redis-client.js';
export type { RedisBackplaneOptions } from './redis-options.js';
