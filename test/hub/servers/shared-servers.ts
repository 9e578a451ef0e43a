import type { Backplane } from 'nestjs-conn-pool/hub';
import { natsBackplane } from 'nestjs-conn-pool/nats';
import { redisBackplane } from 'nestjs-conn-pool/redis';
import { QUICK } from './backplanes.js';
import { NatsProcess } from './nats-process.js';
import { RedisProcess } from './redis-process.js';
import type { ServerProcess } from './server-process.js';

/** A server by which instances find each other, for tests of what happens when it fails. */
export interface SharedServer {
  readonly kind: Backplane['kind'];
  readonly name: string;
  readonly program: string;
  /** @param isLocked - nobody is let in without a password */
  start(isLocked?: boolean): Promise<ServerProcess>;
  backplane(port: number, host?: string): Backplane;
}

export const SHARED_SERVERS: readonly SharedServer[] = [
  {
    kind: 'redis',
    name: 'Redis',
    program: 'redis-server',
    start: (isLocked) => RedisProcess.start(isLocked === true ? 'secret' : undefined),
    backplane: (port, host = '127.0.0.1') => redisBackplane({ ...QUICK, url: `redis://${host}:${port}` }),
  },
  {
    kind: 'nats',
    name: 'NATS',
    program: 'nats-server',
    start: (isLocked) => NatsProcess.start(isLocked === true ? 'secret' : ''),
    backplane: (port, host = '127.0.0.1') => natsBackplane({ ...QUICK, url: `nats://${host}:${port}` }),
  },
];
