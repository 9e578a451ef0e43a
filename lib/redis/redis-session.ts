import { createHash } from 'node:crypto';
import { EqualDelays } from '../hub/equal-delays.js';
import { connectionOf, type RedisConnection, type RedisLike, type RedisListener } from './redis-client.js';
import { type ScriptName, SCRIPTS } from './redis-scripts.js';

/** A command that has not been answered. */
interface Unanswered {
  readonly reject: (cause: Error) => void;
}

/**
 * Two connections to Redis, from the first command to the first failure: then it is over, and another session begins. The
 * one that hears is up before the one that speaks, so that no answer is missed.
 */
export class RedisSession {
  private readonly unanswered: EqualDelays<Unanswered>;
  private speaker: RedisConnection | undefined;
  private hearer: RedisConnection | undefined;
  private isOver = false;
  private serverId: Promise<string> | undefined;

  constructor(
    private readonly makeClient: () => Promise<RedisLike>,
    timeout: number,
    private readonly onMessage: (channel: string, text: string) => void,
    private readonly onOver: (session: RedisSession, cause: unknown) => void,
  ) {
    this.unanswered = new EqualDelays(timeout, ({ reject }) => {
      const late = new Error(`Redis gave no answer within ${timeout} ms`);
      reject(late);
      this.end(late);
    });
  }

  /** Rejects with what keeps it from being used. */
  async open(channels: readonly string[]): Promise<void> {
    this.hearer = await this.connect();
    await this.answered(() => (this.hearer as RedisConnection).subscribe(channels));
    this.speaker = await this.connect();
    for (const script of Object.values(SCRIPTS)) await this.send('SCRIPT', ['LOAD', script]);
  }

  subscribe(channels: readonly string[]): Promise<void> {
    return this.answered(() => (this.hearer as RedisConnection).subscribe(channels));
  }

  /** Rejects when there is no answer in time; then the session is over. */
  send(command: string, args: readonly string[]): Promise<unknown> {
    const { speaker } = this;
    if (speaker === undefined) return Promise.reject(new Error('Redis is not connected'));
    return this.answered(() => speaker.send(command, args));
  }

  /** Another after every start of a server; '' where we may not ask. */
  server(): Promise<string> {
    this.serverId ??= this.send('INFO', ['server']).then(
      (info) => /run_id:(\w+)/.exec(String(info))?.[1] ?? '',
      () => '',
    );
    return this.serverId;
  }

  async run(script: ScriptName, keys: readonly string[], args: readonly string[]): Promise<unknown> {
    try {
      return await this.send('EVALSHA', [sha(script), String(keys.length), ...keys, ...args]);
    } catch (cause) {
      // Somebody has emptied its cache: the next session loads them again.
      if (String(cause).includes('NOSCRIPT')) this.end(cause);
      throw cause;
    }
  }

  /** It is over, for whichever reason; harmless when it is already. */
  end(cause: unknown): void {
    if (this.isOver) return;
    this.isOver = true;
    const unanswered = this.unanswered.items();
    this.unanswered.clear();
    const lost = cause instanceof Error ? cause : new Error('Redis was lost before it answered', { cause });
    for (const { reject } of unanswered) reject(lost);
    this.hearer?.end();
    this.speaker?.end();
    this.onOver(this, cause);
  }

  private async connect(): Promise<RedisConnection> {
    const client = await this.makeClient();
    const listener: RedisListener = {
      onMessage: (channel, text) => !this.isOver && this.onMessage(channel, text),
      onBroken: (cause) => this.end(cause),
    };
    const connection = connectionOf(client, listener);
    try {
      await this.answered(() => connection.connect());
    } catch (cause) {
      connection.end();
      throw cause;
    }
    if (this.isOver) {
      connection.end();
      throw new Error('Redis was lost while it was connected');
    }
    return connection;
  }

  private answered<R>(ask: () => Promise<R>): Promise<R> {
    return new Promise((resolve, reject) => {
      if (this.isOver) return reject(new Error('Redis is not connected'));
      const entry: Unanswered = { reject };
      this.unanswered.add(entry);
      const forget = (): unknown => this.unanswered.delete(entry);
      try {
        ask().finally(forget).then(resolve, reject);
      } catch (cause) {
        forget();
        reject(cause as Error);
      }
    });
  }
}

function sha(script: ScriptName): string {
  return createHash('sha1').update(SCRIPTS[script]).digest('hex');
}
