import { connect } from '@nats-io/transport-node';
import { Redis } from 'ioredis';
import { type Backplane, memoryBackplane } from 'nestjs-conn-pool/hub';
import { natsBackplane } from 'nestjs-conn-pool/nats';
import { redisBackplane } from 'nestjs-conn-pool/redis';
import { createClient } from 'redis';
import { NatsProcess } from './nats-process.js';
import { RedisProcess } from './redis-process.js';

/** One kind of backplane, for tests that hold for every kind. */
export interface BackplaneKind {
  readonly name: string;
  readonly kind: Backplane['kind'];
  /** Programs. */
  readonly needs: readonly string[];
  /** What its instances meet at. */
  open(): Promise<Place>;
}

export interface Place {
  /** Of one instance: a process has one. */
  backplane(): Backplane;
  remove(): Promise<void>;
}

export const QUICK = { lease: 1500, probe: 200, timeout: 500 };

const memory: BackplaneKind = {
  name: 'memory',
  kind: 'memory',
  needs: [],
  open: async () => {
    const backplane = memoryBackplane();
    return { backplane: () => backplane, remove: async () => undefined };
  },
};

function overRedis(name: string, how: (url: string) => Parameters<typeof redisBackplane>[0]): BackplaneKind {
  return {
    name: `Redis, ${name}`,
    kind: 'redis',
    needs: ['redis-server'],
    open: async () => {
      const redis = await RedisProcess.start();
      return {
        backplane: () => redisBackplane({ ...QUICK, ...how(redis.url) }),
        remove: () => redis.remove(),
      };
    },
  };
}

function overNats(name: string, how: (url: string) => Parameters<typeof natsBackplane>[0]): BackplaneKind {
  return {
    name: `NATS, ${name}`,
    kind: 'nats',
    needs: ['nats-server'],
    open: async () => {
      const nats = await NatsProcess.start();
      return { backplane: () => natsBackplane({ ...QUICK, ...how(nats.url) }), remove: () => nats.remove() };
    },
  };
}

export const BACKPLANES: readonly BackplaneKind[] = [
  memory,
  overRedis('by its URL', (url) => ({ url })),
  overRedis('with clients of ioredis', (url) => ({
    client: () => new Redis(url, { lazyConnect: true }) as never,
  })),
  overRedis('with clients of ioredis that connect by themselves', (url) => ({
    client: () => new Redis(url) as never,
  })),
  overRedis('with clients of node-redis', (url) => ({ client: () => createClient({ url }) as never })),
  overNats('by its URL', (url) => ({ url })),
  overNats('with clients that reconnect by themselves', (url) => ({
    client: () => connect({ servers: url.replace('nats://', ''), maxReconnectAttempts: -1 }),
  })),
];
