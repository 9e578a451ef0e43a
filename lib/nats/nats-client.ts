/** A connection of `@nats-io/transport-node`, as far as it is used: it is known by what it can do. */
export interface NatsLike {
  publish(subject: string, payload: string, options?: { reply?: string }): void;
  subscribe(
    subject: string,
    options: { callback: (error: Error | null, message: NatsMessage) => void },
  ): NatsSubscription;
  flush(): Promise<void>;
  close(): Promise<void>;
  closed(): Promise<void | Error>;
  status(): AsyncIterable<{ type: string }>;
}

/** What a connection hears. */
export interface NatsMessage {
  readonly subject: string;
  readonly data: Uint8Array;
}

/** Ends when the connection ends. */
export interface NatsSubscription {
  /** Hears no more, but for what is on its way already. */
  drain(): Promise<void>;
}

/** Connects once, and leaves everything else to us. */
export async function natsOf(url: string, name: string, timeout: number): Promise<NatsLike> {
  const nats = await import('@nats-io/transport-node').catch((cause: unknown) => {
    throw new Error('"@nats-io/transport-node" cannot be loaded: install it', { cause });
  });
  return nats.connect({ name, timeout, reconnect: false, noAsyncTraces: true, ...placeOf(url) });
}

/** Servers and credentials, as a URL says them: one, or several of one cluster, separated by commas. */
export function placeOf(url: string): {
  servers: string[];
  user?: string;
  pass?: string;
  token?: string;
  tls?: Record<string, never>;
} {
  const urls = url.split(',').map((each) => new URL(each.trim()));
  const [{ protocol, username, password }] = urls as [URL];
  const [user, pass] = [username, password].map(decodeURIComponent);
  return {
    servers: urls.map(({ host }) => host),
    ...(user === '' ? {} : pass === '' ? { token: user } : { user, pass }),
    ...(protocol === 'tls:' ? { tls: {} } : {}),
  };
}
