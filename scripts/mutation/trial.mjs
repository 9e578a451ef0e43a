// One trial: a process of its own that runs tests on what lies in a workshop, watched so that it ends whatever happens.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const program = fileURLToPath(new URL('trial-process.mjs', import.meta.url));
/** Without a limit an endless list takes the whole machine; tests read stacks, which must name the sources. */
const FLAGS = ['--max-old-space-size=1024', '--enable-source-maps'];
/** Compared with how long a test took on the unchanged library: machines are busy at times. */
const PATIENCE = { factor: 10, atLeastMs: 3000, loadingMs: 20_000 };

/** A mutant may go round for ever: none is left behind, however the run ends. */
const running = new Set();
process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});

/**
 * @param order - what `trial-process.mjs` reads
 * @param usualMs - how long a test of a file takes
 * @returns {Promise<{ how: 'survived' | 'failed' | 'hung' | 'crashed', by?: string, error?: string }>}
 */
export async function trial(order, cwd, usualMs = () => Infinity) {
  const child = spawn(process.execPath, [...FLAGS, program], {
    cwd,
    stdio: ['pipe', 'ignore', 'pipe', 'pipe'],
  });
  running.add(child);
  let timer;
  let verdict;
  let file;
  let at = 'loading';
  let stderr = '';
  const allow = (ms) => {
    clearTimeout(timer);
    if (ms !== Infinity) timer = setTimeout(() => decide({ how: 'hung', by: at }), ms);
  };
  const decide = (outcome) => {
    verdict ??= outcome;
    child.kill('SIGKILL');
  };
  child.stderr.on('data', (chunk) => (stderr = `${stderr}${chunk}`.slice(-2000)));
  child.stdin.on('error', () => undefined);
  child.stdin.end(JSON.stringify(order));
  createInterface({ input: child.stdio[3] }).on('line', (line) => {
    const said = JSON.parse(line);
    if (said.load !== undefined) {
      file = said.load;
      at = file;
      allow(PATIENCE.loadingMs);
    } else if (said.test !== undefined) {
      at = `${file} no. ${said.test}`;
      allow(PATIENCE.atLeastMs + PATIENCE.factor * usualMs(file, said.test));
    } else if (said.failed !== undefined) {
      verdict ??= { how: 'failed', by: said.failed, error: said.error };
      if (order.bail) decide(verdict);
    } else if (said.hung !== undefined) decide({ how: 'hung', by: said.hung });
    else verdict ??= { how: 'survived' };
  });
  allow(PATIENCE.loadingMs);
  await once(child, 'close');
  running.delete(child);
  clearTimeout(timer);
  return verdict ?? { how: 'crashed', by: at, error: stderr };
}
