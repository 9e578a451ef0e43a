import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const COMMANDS = {
  redis: (port, folder) => [
    'redis-server',
    '--port',
    port,
    '--bind',
    '127.0.0.1',
    '--save',
    '',
    '--dir',
    folder,
  ],
  nats: (port) => ['nats-server', '-a', '127.0.0.1', '-p', port],
};

/** What a machine lacks to run one, `undefined` when it lacks nothing. */
export function lacking(kind) {
  const [command] = COMMANDS[kind]('0', '');
  return spawnSync(command, ['--version']).status === 0 ? undefined : command;
}

/**
 * A Redis or a NATS of the benchmark's own.
 *
 * @param {'redis' | 'nats'} kind
 * @returns {Promise<{ kind: string, url: string, stop: () => void }>}
 */
export async function startBroker(kind) {
  const port = await freePort();
  const folder = mkdtempSync(join(tmpdir(), 'bench-broker-'));
  const [command, ...args] = COMMANDS[kind](String(port), folder);
  const child = spawn(command, args, { stdio: 'ignore' });
  const stop = () => {
    child.kill('SIGKILL');
    rmSync(folder, { recursive: true, force: true });
  };
  for (let tries = 0; tries < 200; tries += 1) {
    if (await accepts(port)) return { kind, url: `${kind}://127.0.0.1:${port}`, stop };
    await sleep(20);
  }
  stop();
  throw new Error(`${command} does not answer`);
}

async function freePort() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  await once(server, 'close');
  return port;
}

function accepts(port) {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.on('connect', () => (socket.destroy(), resolve(true)));
    socket.on('error', () => resolve(false));
  });
}
