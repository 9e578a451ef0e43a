import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const TIMEOUT = 180_000;
const HEAP = ['--expose-gc', '--initial-old-space-size=256'];

/**
 * Runs a server and, against it, a client, whose only output is what it measured.
 *
 * @param {import('./scenarios.mjs').Scenario} scenario
 * @param {string} contender
 * @param {'full' | 'quick'} effort
 */
export async function measure(scenario, contender, effort) {
  const peer = start([], scenario.server ?? 'peer.mjs', scenario.peer);
  try {
    const { port } = JSON.parse(await Promise.race([peer.firstWord, peer.output]));
    const client = start(HEAP, scenario.child, [contender, port, ...scenario.with, effort]);
    return JSON.parse(await client.output);
  } finally {
    peer.stop();
  }
}

function start(flags, script, args) {
  const path = fileURLToPath(new URL(script, import.meta.url));
  const child = spawn(process.execPath, [...flags, path, ...args.map(String)], {
    timeout: TIMEOUT,
    killSignal: 'SIGKILL',
    stdio: ['pipe', 'pipe', 'pipe'],
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
