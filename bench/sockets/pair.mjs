import { spawn, spawnSync } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';

const TIMEOUT = 180_000;
const HEAP = ['--expose-gc', '--initial-old-space-size=256'];
/** Where the scheduler puts two processes that talk decides their figures: each may have a core of its own. */
const CAN_PIN = availableParallelism() > 1 && spawnSync('taskset', ['-c', '0', 'true']).status === 0;

/**
 * Runs a server and, against it, a client, whose only output is what it measured.
 *
 * @param {import('./scenarios.mjs').Scenario} scenario
 * @param {string} contender
 * @param {'full' | 'quick'} effort
 */
export async function measure(scenario, contender, effort) {
  const pinned = scenario.pinned === true && CAN_PIN;
  const env = { ...process.env, ...scenario.env };
  const peer = start([], scenario.server ?? 'peer.mjs', scenario.peer, env, pinned ? 1 : undefined);
  try {
    const { port } = JSON.parse(await Promise.race([peer.firstWord, peer.output]));
    const args = [contender, port, ...scenario.with, effort];
    const flags = [...HEAP, ...(scenario.flags ?? [])];
    const client = start(flags, scenario.child, args, env, pinned ? 0 : undefined);
    return JSON.parse(await client.output);
  } finally {
    peer.stop();
  }
}

function start(flags, script, args, env, core) {
  const path = fileURLToPath(new URL(script, import.meta.url));
  const line = [process.execPath, ...flags, path, ...args.map(String)];
  const [command, ...rest] = core === undefined ? line : ['taskset', '-c', String(core), ...line];
  const child = spawn(command, rest, {
    timeout: TIMEOUT,
    killSignal: 'SIGKILL',
    stdio: ['pipe', 'pipe', 'pipe'],
    env,
  });
  const text = { stdout: '', stderr: '' };
  child.stdout.on('data', (chunk) => (text.stdout += chunk));
  child.stderr.on('data', (chunk) => (text.stderr += chunk));
  const firstWord = new Promise((resolve) => child.stdout.once('data', (chunk) => resolve(String(chunk))));
  const output = new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, signal) => {
      if (code === 0) resolve(text.stdout);
      else reject(new Error(`${script} ended with ${signal ?? code}\n${text.stderr}`));
    });
  });
  // Of the server nobody waits for the end.
  output.catch(() => {});
  return { firstWord, output, stop: () => child.kill() };
}
