import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { type AddressInfo, connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { until } from '../until.js';

/** Set where every server must be there (`.ci/run`): a test is not skipped then. */
const MUST_BE_THERE = 'HUB_SERVERS_REQUIRED';

/** `describe`, or tests that are skipped and say why: for want of a program. */
export function describeWith(programs: readonly string[], name: string, tests: () => void): void {
  const missing = programs.filter((program) => spawnSync(program, ['--version']).status !== 0);
  if (missing.length === 0) return describe(name, tests);
  const reason = `${missing.join(' and ')} not on the PATH`;
  if (process.env[MUST_BE_THERE] !== undefined) {
    return describe(name, () => {
      it('has the servers it needs', () => {
        throw new Error(`${reason}, and ${MUST_BE_THERE} is set`);
      });
    });
  }
  // Not by the console, of which Jest shows nothing when all tests of a file are skipped.
  process.stderr.write(`Skipped: ${name}: ${reason}\n`);
  describe.skip(`${name} (${reason})`, tests);
}

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
