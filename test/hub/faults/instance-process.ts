import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { ConnHubOptions, Delivery, HubHealth } from 'nestjs-conn-pool/hub';
import { Client } from '../client.js';
import { isStopped } from '../servers/server-process.js';
import { until } from '../until.js';
import type { Pushed } from './ledger.js';

export interface InstanceOptions {
  kind: 'redis' | 'nats';
  url: string;
  node: string;
  times: object;
  options?: ConnHubOptions;
}

/** An instance of a hub in a process of its own, behind a WebSocket server. */
export class InstanceProcess {
  /** What its hub has told, and when. */
  readonly told: { what: string; at: number }[] = [];
  private readonly child: ChildProcess;
  private readonly answers = new Map<number, (answer: unknown) => void>();
  private port = 0;
  private last = 0;

  private constructor(given: InstanceOptions) {
    const at = (name: string): string => fileURLToPath(new URL(name, import.meta.url));
    const hooks = at('../../faults/programs/typescript.mjs');
    const args = ['--disable-warning=ExperimentalWarning', '--import', hooks, at('programs/instance.ts')];
    this.child = spawn(process.execPath, [...args, JSON.stringify(given)], {
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    });
    this.child.on('message', (said: { event?: string; number?: number; answer?: unknown; port?: number }) => {
      if (said.event !== undefined) this.told.push({ what: said.event, at: performance.now() });
      if (said.port !== undefined) this.port = said.port;
      if (said.number !== undefined) this.answers.get(said.number)?.(said.answer);
    });
  }

  static async start(given: InstanceOptions): Promise<InstanceProcess> {
    const instance = new InstanceProcess(given);
    await until(() => instance.port > 0 || instance.child.exitCode !== null);
    if (instance.port === 0) throw new Error('The instance has ended before it began');
    return instance;
  }

  join(id: string): Promise<Client> {
    return Client.connect(`ws://127.0.0.1:${this.port}/?id=${id}`);
  }

  push = (id: string, text: string): Promise<Delivery> => this.order('push', id, text);
  /** Where each of the ids is, and whether everybody could be asked. */
  presences = (ids: readonly string[]): Promise<[nodes: string, complete: boolean][]> =>
    this.order('presences', ids);
  size = (): Promise<number> => this.order('size');
  health = (): Promise<HubHealth> => this.order('health');
  load = (ids: readonly string[], every: number, padding = 0): Promise<void> =>
    this.order('load', ids, every, padding);
  unload = (): Promise<Pushed[]> => this.order('unload');

  hasTold(what: string): boolean {
    return this.told.some((each) => each.what === what);
  }

  async freeze(): Promise<void> {
    this.child.kill('SIGSTOP');
    await until(() => isStopped(this.child.pid as number));
  }

  goOn(): void {
    this.child.kill('SIGCONT');
  }

  async kill(): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    const gone = once(this.child, 'exit');
    this.child.kill('SIGKILL');
    await gone;
  }

  private async order<R>(order: string, ...args: unknown[]): Promise<R> {
    this.last += 1;
    const number = this.last;
    const answer = new Promise<unknown>((resolve) => this.answers.set(number, resolve));
    this.child.send({ number, order, args });
    return (await answer) as R;
  }
}
