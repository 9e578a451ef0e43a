import { freePort, ServerProcess } from './server-process.js';

/** A Redis of a test's own. */
export class RedisProcess extends ServerProcess {
  private constructor(
    port: number,
    private readonly password: string | undefined,
    private readonly settings: readonly string[] = [],
  ) {
    super(port, 'redis-server');
  }

  static async start(password?: string): Promise<RedisProcess> {
    const redis = new RedisProcess(await freePort(), password);
    await redis.run();
    return redis;
  }

  /** One that has what another has. */
  static async replicaOf({ port }: RedisProcess): Promise<RedisProcess> {
    const said = ['--replicaof', `127.0.0.1 ${port}`];
    const replica = new RedisProcess(await freePort(), undefined, said);
    await replica.run();
    return replica;
  }

  get url(): string {
    return `redis://${this.password === undefined ? '' : `:${this.password}@`}127.0.0.1:${this.port}`;
  }

  protected override words(): string[] {
    const said = ['--port', `${this.port}`, '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no'];
    if (this.password !== undefined) said.push('--requirepass', this.password);
    return [...said, ...this.settings, '--dir', this.folder];
  }
}
