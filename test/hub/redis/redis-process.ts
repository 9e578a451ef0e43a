import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { type AddressInfo, connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { until } from '../until.js';

/** Why there is no test, where there is none. */
export const whyNoRedis = (): string | undefined =>
  spawnSync('redis-server', ['--version']).status === 0 ? undefined : 'redis-server is not on the PATH';

/** `describe`, or a test that is skipped and says why. */
export function describeWithRedis(name: string, tests: () => void): void {
  const reason = whyNoRedis();
  if (reason === undefined) return describe(name, tests);
  console.warn(`Skipped: ${name}: ${reason}`);
  describe.skip(`${name} (${reason})`, tests);
}

/** A Redis of a test's own. */
export class RedisProcess {
  private child: ChildProcess | undefined;
  private readonly folder = mkdtempSync(join(tmpdir(), 'hub-redis-'));

  private constructor(
    readonly port: number,
    private readonly password: string | undefined,
  ) {}

  static async start(password?: string): Promise<RedisProcess> {
    const redis = new RedisProcess(await freePort(), password);
    await redis.run();
    return redis;
  }

  get url(): string {
    return `redis://${this.password === undefined ? '' : `:${this.password}@`}127.0.0.1:${this.port}`;
  }

  /** Empty, for it keeps nothing on disk. */
  async run(): Promise<void> {
    const said = ['--port', `${this.port}`, '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no'];
    if (this.password !== undefined) said.push('--requirepass', this.password);
    this.child = spawn('redis-server', [...said, '--dir', this.folder], { stdio: 'ignore' });
    await until(() => accepts(this.port));
  }

  async kill(): Promise<void> {
    const { child } = this;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const gone = once(child, 'exit');
    child.kill('SIGKILL');
    await gone;
  }

  stop(): void {
    this.child?.kill('SIGSTOP');
  }

  goOn(): void {
    this.child?.kill('SIGCONT');
  }

  async remove(): Promise<void> {
    await this.kill();
    rmSync(this.folder, { recursive: true, force: true });
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.on('connect', () => (socket.destroy(), resolve(true)));
    socket.on('error', () => resolve(false));
  });
}
