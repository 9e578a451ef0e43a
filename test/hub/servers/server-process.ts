import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { type AddressInfo, connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { until } from '../until.js';

/** A server of a test's own, on a port of its own, with an empty folder. */
export abstract class ServerProcess {
  protected readonly folder = mkdtempSync(join(tmpdir(), 'hub-server-'));
  private child: ChildProcess | undefined;

  protected constructor(
    readonly port: number,
    private readonly program: string,
  ) {}

  /** Empty, for it keeps nothing on disk. */
  async run(): Promise<void> {
    this.child = spawn(this.program, this.words(), { stdio: 'ignore' });
    await until(() => accepts(this.port));
  }

  async kill(): Promise<void> {
    const { child } = this;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const gone = once(child, 'exit');
    child.kill('SIGKILL');
    await gone;
  }

  /** It stands still, with its connections up, when this resolves. */
  async stop(): Promise<void> {
    const { pid } = this.child as ChildProcess;
    process.kill(pid as number, 'SIGSTOP');
    await until(() => isStopped(pid as number));
  }

  goOn(): void {
    this.child?.kill('SIGCONT');
  }

  async remove(): Promise<void> {
    await this.kill();
    rmSync(this.folder, { recursive: true, force: true });
  }

  /** The arguments. */
  protected abstract words(): string[];
}

/** A signal takes a moment, for each of its threads. */
export function isStopped(pid: number): boolean {
  const tasks = `/proc/${pid}/task`;
  if (!existsSync(tasks)) return true;
  return readdirSync(tasks).every((task) =>
    /^State:\s+T/m.test(readFileSync(`${tasks}/${task}/status`, 'utf8')),
  );
}

export async function freePort(): Promise<number> {
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
