import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import net from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

/** How a server treats the connections that come. */
export type Manner =
  | { name: 'serve' | 'mute' | 'hangUp' | 'reset' | 'oneAnswer' }
  | { name: 'late' | 'slow' | 'impatient'; ms: number };

export interface ServerOptions {
  host?: string;
  /** Default: one that is chosen. */
  port?: number;
  /** How many connections the kernel accepts on its own. Default: Node's. */
  backlog?: number;
  /** Speaks TLS and shows this certificate. */
  certificate?: 'trusted' | 'selfSigned';
  /** What runs the process, such as `ip netns exec …`. Default: nothing. */
  within?: readonly string[];
}

/** A process that has begun and listens when it is told to. */
class Incarnation {
  readonly gone: Promise<unknown>;
  private readonly child: ChildProcess;
  private readonly ready: Promise<unknown>;
  private lastId = 0;
  private readonly answers = new Map<number, (answer: { result?: unknown; refused?: string }) => void>();

  constructor(script: string, { within = [], ...given }: ServerOptions & { port: number }) {
    const path = fileURLToPath(new URL(`./servers/${script}.mjs`, import.meta.url));
    const [command = '', ...args] = [...within, process.execPath, path, JSON.stringify(given)];
    this.child = spawn(command, args, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
    this.gone = once(this.child, 'exit');
    this.ready = once(this.child, 'message');
    this.child.on('message', ({ id, ...answer }: { id?: number }) => {
      if (id !== undefined) this.answers.get(id)?.(answer);
    });
  }

  async tell(order: string, details: object = {}): Promise<{ result?: unknown; refused?: string }> {
    await this.ready;
    const id = (this.lastId += 1);
    const answer = new Promise<{ result?: unknown; refused?: string }>((resolve) =>
      this.answers.set(id, resolve),
    );
    this.child.send({ id, order, ...details });
    return answer;
  }

  /** Sends the signal and waits until it has taken effect. */
  async signal(name: 'SIGKILL' | 'SIGSTOP' | 'SIGCONT'): Promise<void> {
    this.child.kill(name);
    if (name === 'SIGKILL') return void (await this.gone);
    while ((await this.isStopped()) !== (name === 'SIGSTOP')) await delay(1);
  }

  private async isStopped(): Promise<boolean> {
    const stat = await readFile(`/proc/${this.child.pid}/stat`, 'utf8');
    return stat.slice(stat.lastIndexOf(')') + 2).startsWith('T');
  }
}

/**
 * A server in a process of its own, which can be killed, stopped, and begun again on the same port. All processes are
 * killed at the end, whatever state they are in.
 */
export class ServerProcess implements AsyncDisposable {
  private readonly all = new Set<Incarnation>();
  private present: Incarnation;
  private spare: Incarnation | undefined = undefined;

  private constructor(
    private readonly script: string,
    private readonly options: ServerOptions,
    readonly port: number,
  ) {
    this.present = this.begin();
  }

  /** Resolves once it listens. */
  static async start(script: string, options: ServerOptions = {}): Promise<ServerProcess> {
    const server = await ServerProcess.prepare(script, options);
    await server.listen();
    return server;
  }

  /** A port is chosen, but nobody listens on it until `listen()`. */
  static async prepare(script: string, options: ServerOptions = {}): Promise<ServerProcess> {
    const { port = await freePort() } = options;
    return new ServerProcess(script, { host: '127.0.0.1', ...options }, port);
  }

  /** Listens in the present process, or in the next one if the present one was killed. @returns when it did */
  async listen(): Promise<number> {
    const { refused } = await this.present.tell('listen');
    if (refused !== undefined) throw new Error(`The server could not listen on ${this.port}: ${refused}`);
    return performance.now();
  }

  /** A new process waits from now on to take the place of the present one. */
  async keepSpare(): Promise<void> {
    this.spare ??= this.begin();
    await this.spare.tell('count');
  }

  async kill(): Promise<void> {
    await this.present.signal('SIGKILL');
    this.all.delete(this.present);
  }

  /** After a kill: the same server on the same port, with other options if there are any. @returns when it listened */
  async restart(options: ServerOptions = {}): Promise<number> {
    Object.assign(this.options, options);
    this.present = this.spare ?? this.begin();
    this.spare = undefined;
    return this.listen();
  }

  stop(): Promise<void> {
    return this.present.signal('SIGSTOP');
  }

  /** @returns when it went on */
  async goOn(): Promise<number> {
    await this.present.signal('SIGCONT');
    return performance.now();
  }

  /** From now on, to connections that come. @returns when it began */
  async treat(manner: Manner): Promise<number> {
    await this.present.tell('treat', { manner });
    return performance.now();
  }

  /** RST to all. */
  async resetAll(): Promise<void> {
    await this.present.tell('resetAll');
  }

  /** FIN to all, and nothing more: it keeps its own end open. */
  async endAll(): Promise<void> {
    await this.present.tell('endAll');
  }

  /** How many connections it has. */
  async count(): Promise<number> {
    return (await this.present.tell('count')).result as number;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.all].map((one) => one.signal('SIGKILL')));
  }

  private begin(): Incarnation {
    const one = new Incarnation(this.script, { ...this.options, port: this.port });
    this.all.add(one);
    return one;
  }
}

/**
 * A client that dials a dead port out of the range the kernel takes its own ports from may be given that very port, and
 * is then connected to itself. Below that range nobody is.
 */
async function freePort(): Promise<number> {
  for (;;) {
    const port = 10_000 + Math.floor(Math.random() * 20_000);
    const server = net.createServer();
    const listens = once(server, 'listening').then(
      () => true,
      () => false,
    );
    server.listen(port, '127.0.0.1');
    if (!(await listens)) continue;
    server.close();
    await once(server, 'close');
    return port;
  }
}
