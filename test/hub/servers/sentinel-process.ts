import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { RedisProcess } from './redis-process.js';
import { freePort, ServerProcess } from './server-process.js';

/** A Sentinel of a test's own, which alone decides that a Redis is gone. */
export class SentinelProcess extends ServerProcess {
  private constructor(
    port: number,
    private readonly master: RedisProcess,
  ) {
    super(port, 'redis-server');
  }

  /** @param master - known by the name `main` */
  static async start(master: RedisProcess): Promise<SentinelProcess> {
    const sentinel = new SentinelProcess(await freePort(), master);
    await sentinel.run();
    return sentinel;
  }

  protected override words(): string[] {
    const config = join(this.folder, 'sentinel.conf');
    const said = [
      `port ${this.port}`,
      'bind 127.0.0.1',
      `dir ${this.folder}`,
      `sentinel monitor main 127.0.0.1 ${this.master.port} 1`,
      'sentinel down-after-milliseconds main 500',
      'sentinel failover-timeout main 3000',
    ];
    writeFileSync(config, `${said.join('\n')}\n`);
    return [config, '--sentinel'];
  }
}
