import { isError } from '../core/error-text.js';
import type { Session } from '../hub/session-keeper.js';
import { TimedCalls } from '../hub/timed-calls.js';
import type { NatsLike, NatsMessage, NatsSubscription } from './nats-client.js';

/** A connection to NATS, from the first command to the first failure: then it is over, and another session begins. */
export class NatsSession implements Session {
  private readonly calls: TimedCalls;
  private client: NatsLike | undefined;
  private over: { cause: unknown } | undefined;
  private flushing: Promise<void> | undefined;

  constructor(
    private readonly makeClient: () => Promise<NatsLike>,
    timeout: number,
    private readonly onOver: (session: NatsSession, cause: unknown) => void,
  ) {
    this.calls = new TimedCalls('NATS', timeout, (late) => this.end(late));
  }

  /** Rejects with what keeps it from being used. */
  async open(): Promise<void> {
    const client = await this.calls.run(async () => {
      const made = await this.makeClient();
      // It came too late.
      if (this.over !== undefined) leave(made);
      return made;
    });
    this.client = client;
    client.closed().then(
      (cause) => this.end(cause ?? new Error('the connection has ended')),
      (cause: unknown) => this.end(cause),
    );
    this.watch(client).catch((cause: unknown) => this.end(cause));
  }

  subscribe(subject: string, onMessage: (text: string, from: string) => void): NatsSubscription {
    return this.connected().subscribe(subject, {
      callback: (error, message) => {
        if (error !== null) return this.end(error);
        try {
          if (this.over === undefined) onMessage(textOf(message), message.subject);
        } catch (cause) {
          // It would end the client's reading, and nobody would know.
          this.end(cause);
        }
      },
    });
  }

  /** Nothing tells whether it arrives. @throws what keeps it from being sent */
  publish(subject: string, text: string, reply?: string): void {
    this.connected().publish(subject, text, reply === undefined ? undefined : { reply });
  }

  /** Resolves when NATS has taken all that was published, and rejects when it does not say so in time. */
  async flush(): Promise<void> {
    // All of one turn wait for the same word.
    this.flushing ??= new Promise<void>((resolve) => setImmediate(resolve)).then(() => {
      this.flushing = undefined;
      return this.calls.run(() => this.connected().flush());
    });
    await this.flushing;
    if (this.over !== undefined) throw this.over.cause;
  }

  /** It is over, for whichever reason; harmless when it is already. */
  end(cause: unknown): void {
    if (this.over !== undefined) return;
    this.over = { cause };
    this.calls.rejectAll(isError(cause) ? cause : new Error('NATS was lost before it answered', { cause }));
    if (this.client !== undefined) leave(this.client);
    this.onOver(this, cause);
  }

  private connected(): NatsLike {
    if (this.client === undefined || this.over !== undefined) throw new Error('NATS is not connected');
    return this.client;
  }

  /** A client that reconnects by itself has lost what was on its way. */
  private async watch(client: NatsLike): Promise<void> {
    for await (const { type } of client.status()) {
      if (type === 'disconnect') this.end(new Error('the connection has broken'));
      if (this.over !== undefined) return;
    }
  }
}

function leave(client: NatsLike): void {
  client.close().catch(() => undefined);
}

function textOf({ data }: NatsMessage): string {
  return Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString();
}
