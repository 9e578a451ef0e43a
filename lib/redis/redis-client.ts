import { isError } from '../core/error-text.js';

/** A client of `ioredis` or of `redis` (node-redis), as far as it is used: it is known by what it can do. */
export interface RedisLike {
  on(event: string, listener: (...args: never[]) => void): unknown;
  connect(): Promise<unknown>;
}

/** A connection to Redis, whichever client makes it. It is used once: when it breaks, another is made. */
export interface RedisConnection {
  /** Resolves when commands can be sent. */
  connect(): Promise<void>;
  send(command: string, args: readonly string[]): Promise<unknown>;
  subscribe(channels: readonly string[]): Promise<void>;
  unsubscribe(channels: readonly string[]): Promise<void>;
  /** For good; never throws. */
  end(): void;
}

/** What a connection tells. */
export interface RedisListener {
  onMessage(channel: string, text: string): void;
  /** It is not to be used any more. */
  onBroken(cause: unknown): void;
}

type IoRedis = RedisLike & {
  status: string;
  call(command: string, ...args: string[]): Promise<unknown>;
  subscribe(...channels: string[]): Promise<unknown>;
  unsubscribe(...channels: string[]): Promise<unknown>;
  disconnect(): void;
} & Record<string, (...args: string[]) => Promise<unknown>>;

type NodeRedis = RedisLike & {
  isOpen: boolean;
  sendCommand(args: string[]): Promise<unknown>;
  subscribe(channels: string[], listener: (text: string, channel: string) => void): Promise<unknown>;
  unsubscribe(channels: string[]): Promise<unknown>;
  destroy?(): void;
  disconnect?(): Promise<unknown>;
};

export function connectionOf(client: RedisLike, listener: RedisListener): RedisConnection {
  const { call } = client as Partial<IoRedis>;
  return typeof call === 'function'
    ? new IoRedisConnection(client as IoRedis, listener)
    : new NodeRedisConnection(client as NodeRedis, listener);
}

/** Makes a client that connects once and leaves everything else to us. */
export async function clientOf(url: string, timeout: number): Promise<RedisLike> {
  const ioredis = await import('ioredis').catch(() => undefined);
  if (ioredis !== undefined) {
    return new ioredis.Redis(url, {
      lazyConnect: true,
      connectTimeout: timeout,
      disconnectTimeout: timeout,
      enableOfflineQueue: false,
      enableAutoPipelining: true,
      autoResendUnfulfilledCommands: false,
      autoResubscribe: false,
      maxRetriesPerRequest: 0,
      retryStrategy: () => null,
    }) as unknown as RedisLike;
  }
  const redis = await import('redis').catch(() => undefined);
  if (redis === undefined)
    throw new Error('neither "ioredis" nor "redis" can be loaded: install one of them');
  return redis.createClient({
    url,
    disableOfflineQueue: true,
    socket: { connectTimeout: timeout, reconnectStrategy: false },
  }) as unknown as RedisLike;
}

/**
 * What a client says of a command that Redis refused holds the command, and so the password, or ids and what was pushed;
 * Redis itself repeats the arguments of one that it does not know.
 */
function withoutCommand(thrown: unknown): unknown {
  if (!isError(thrown)) return thrown;
  const { name, message, command, code } = thrown as Error & { command?: unknown; code?: unknown };
  const said = message.replace(/,? with args beginning with:.*/s, '');
  if (command === undefined && said === message) return thrown;
  return Object.assign(new Error(said), { name }, code === undefined ? {} : { code });
}

function clean<R>(asked: Promise<R>): Promise<R> {
  return asked.catch((cause: unknown) => {
    throw withoutCommand(cause);
  });
}

class IoRedisConnection implements RedisConnection {
  constructor(
    private readonly client: IoRedis,
    listener: RedisListener,
  ) {
    listen(client, listener, ['error', 'close', 'end']);
    client.on('message', (channel: string, text: string) => listener.onMessage(channel, text));
  }

  async connect(): Promise<void> {
    const { client } = this;
    if (client.status === 'wait') return void (await clean(client.connect()));
    if (client.status === 'ready') return;
    // Not lazy: it is on its way already.
    await new Promise<void>((resolve, reject) => {
      client.on('ready', () => resolve());
      client.on('error', (error: Error) => reject(withoutCommand(error) as Error));
      client.on('end', () => reject(new Error('the connection has ended')));
    });
  }

  send(command: string, args: readonly string[]): Promise<unknown> {
    // By its method, and not by call(): only methods are sent together.
    const method = this.client[command.toLowerCase()];
    return clean(
      typeof method === 'function'
        ? method.apply(this.client, [...args])
        : this.client.call(command, ...args),
    );
  }

  async subscribe(channels: readonly string[]): Promise<void> {
    await clean(this.client.subscribe(...channels));
  }

  async unsubscribe(channels: readonly string[]): Promise<void> {
    await clean(this.client.unsubscribe(...channels));
  }

  end(): void {
    try {
      this.client.disconnect();
    } catch {
      // It has ended.
    }
  }
}

class NodeRedisConnection implements RedisConnection {
  constructor(
    private readonly client: NodeRedis,
    private readonly listener: RedisListener,
  ) {
    listen(client, listener, ['error', 'end', 'reconnecting']);
  }

  async connect(): Promise<void> {
    if (!this.client.isOpen) await clean(this.client.connect());
  }

  send(command: string, args: readonly string[]): Promise<unknown> {
    return clean(this.client.sendCommand([command, ...args]));
  }

  async subscribe(channels: readonly string[]): Promise<void> {
    await clean(this.client.subscribe([...channels], this.onText));
  }

  async unsubscribe(channels: readonly string[]): Promise<void> {
    await clean(this.client.unsubscribe([...channels]));
  }

  /** One and the same: it calls each listener of a channel. */
  private readonly onText = (text: string, channel: string): void => this.listener.onMessage(channel, text);

  end(): void {
    try {
      if (this.client.destroy !== undefined) this.client.destroy();
      else void this.client.disconnect?.().catch(() => undefined);
    } catch {
      // It has ended.
    }
  }
}

/** A client without a listener for errors ends the process. */
function listen(client: RedisLike, listener: RedisListener, events: readonly string[]): void {
  for (const event of events) {
    client.on(event, (cause?: unknown) =>
      listener.onBroken(withoutCommand(cause ?? new Error('the connection has ended'))),
    );
  }
}
