import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { connect, createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Backplane } from 'nestjs-conn-pool/hub';
import { natsBackplane } from 'nestjs-conn-pool/nats';
import { redisBackplane } from 'nestjs-conn-pool/redis';

/** What instances can be tied together with. */
export type BrokerKind = 'redis' | 'nats';

interface Recipe {
  readonly command: string;
  args(port: number, folder: string): string[];
  backplane(url: string): Backplane;
}

const RECIPES: Record<BrokerKind, Recipe> = {
  redis: {
    command: 'redis-server',
    args: (port, folder) => ['--port', `${port}`, '--bind', '127.0.0.1', '--save', '', '--dir', folder],
    backplane: (url) => redisBackplane({ url }),
  },
  nats: {
    command: 'nats-server',
    args: (port) => ['-a', '127.0.0.1', '-p', `${port}`],
    backplane: (url) => natsBackplane({ url }),
  },
};

/** A Redis or a NATS of the sample's own. */
export interface Broker {
  readonly url: string;
  /** One for each instance. */
  backplane(): Backplane;
  stop(): Promise<void>;
}

/** Starts one; throws what whoever started the sample can do something about. */
export async function startBroker(kind: BrokerKind): Promise<Broker> {
  const { command, args, backplane } = RECIPES[kind];
  const port = await freePort();
  const folder = await mkdtemp(join(tmpdir(), 'sample-hub-'));
  // In a group of its own: Ctrl-C is for the applications, which still need it to say good-bye.
  const child = spawn(command, args(port, folder), { stdio: 'ignore', detached: true });
  const killWithUs = (): unknown => child.kill('SIGKILL');
  process.once('exit', killWithUs);
  const stop = async (): Promise<void> => {
    process.off('exit', killWithUs);
    await end(child);
    await rm(folder, { recursive: true, force: true });
  };
  const giveUp = new AbortController();
  try {
    await Promise.race([accepts(port, giveUp.signal), failure(child, command)]);
  } catch (error) {
    giveUp.abort();
    await stop();
    throw error;
  }
  const url = `${kind}://127.0.0.1:${port}`;
  return { url, backplane: () => backplane(url), stop };
}

function failure(child: ChildProcess, command: string): Promise<never> {
  return new Promise((_, reject) => {
    child.once('error', ({ message }) => {
      const missing = `There is no ${command} on the PATH. Install it, or leave the option out.`;
      reject(new Error(message.includes('ENOENT') ? missing : `${command} cannot be started: ${message}`));
    });
    child.once('exit', (code) => reject(new Error(`${command} has ended with ${code}.`)));
  });
}

async function end(child: ChildProcess): Promise<void> {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, 'exit');
  child.kill('SIGKILL');
  await gone;
}

async function accepts(port: number, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    const socket = connect(port, '127.0.0.1');
    const isThere = await once(socket, 'connect').then(
      () => true,
      () => false,
    );
    socket.destroy();
    if (isThere) return;
    await delay(20);
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
