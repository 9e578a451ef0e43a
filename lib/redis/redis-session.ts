import { isError } from '../core/error-text.js';
import type { Session } from '../hub/session-keeper.js';
import { TimedCalls } from '../hub/timed-calls.js';
import { connectionOf, type RedisConnection, type RedisLike, type RedisListener } from './redis-client.js';
import { type ScriptName, SCRIPTS } from './redis-scripts.js';

/**
 * Two connections to Redis, from the first command to the first failure: then it is over, and another session begins. The
 * one that hears is up before the one that speaks, so that no answer is missed.
 */
export class RedisSession implements Session {
  private readonly calls: TimedCalls;
  private speaker: RedisConnection | undefined;
  private hearer: RedisConnection | undefined;
  private isOver = false;
  private serverId: Promise<string> | undefined;
  /** How far the clock of Redis is ahead of ours, at the least. Milliseconds. */
  private ahead = 0;
  /** What Redis calls the scripts. */
  private readonly loaded = new Map<string, string>();

  constructor(
    private readonly makeClient: () => Promise<RedisLike>,
    timeout: number,
    private readonly onMessage: (channel: string, text: string) => void,
    private readonly onOver: (session: RedisSession, cause: unknown) => void,
  ) {
    this.calls = new TimedCalls('Redis', timeout, (late) => this.end(late));
  }

  /** Rejects with what keeps it from being used. */
  async open(channels: readonly string[]): Promise<void> {
    this.hearer = await this.connect();
    await this.answered(() => (this.hearer as RedisConnection).subscribe(channels));
    this.speaker = await this.connect();
    for (const [name, script] of Object.entries(SCRIPTS)) {
      this.loaded.set(name, (await this.send('SCRIPT', ['LOAD', script])) as string);
    }
    await this.readClock();
  }

  /** When a command of now will have been given up, by the clock of Redis: it is for nothing then. */
  get limit(): number {
    return Math.floor(this.calls.end + this.ahead) - 1;
  }

  async readClock(): Promise<void> {
    const [seconds, micros] = (await this.send('TIME', [])) as [string, string];
    this.ahead = Number(seconds) * 1000 + Math.floor(Number(micros) / 1000) - performance.now();
  }

  subscribe(channels: readonly string[]): Promise<void> {
    return this.answered(() => (this.hearer as RedisConnection).subscribe(channels));
  }

  unsubscribe(channels: readonly string[]): Promise<void> {
    return this.answered(() => (this.hearer as RedisConnection).unsubscribe(channels));
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
      const sha = this.loaded.get(script) as string;
      return await this.send('EVALSHA', [sha, String(keys.length), ...keys, ...args]);
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
    this.calls.rejectAll(isError(cause) ? cause : new Error('Redis was lost before it answered', { cause }));
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
    return this.isOver ? Promise.reject(new Error('Redis is not connected')) : this.calls.run(ask);
  }
}
