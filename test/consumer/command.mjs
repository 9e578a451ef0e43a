import { spawn } from 'node:child_process';
import { once } from 'node:events';

const LINES_TOLD = 40;

/**
 * Runs a command to its end, silently.
 *
 * @param {string} command
 * @param {string[]} args
 * @param {{ cwd: string, signal: AbortSignal }} where - `signal` ends it
 * @returns {Promise<string>} what it said
 * @throws when it ends with anything but 0, with the last lines of what it said
 */
export async function run(command, args, { cwd, signal }) {
  const child = spawn(command, args, { cwd, signal, stdio: ['ignore', 'pipe', 'pipe'] });
  const said = outputOf(child);
  const [code, by] = await once(child, 'close');
  if (code === 0) return said.text();
  throw new Error(`${[command, ...args].join(' ')} ended with ${code ?? by}:\n${said.tail()}`);
}

/** Collects what a child says. */
export function outputOf(child) {
  let text = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (chunk) => (text += chunk));
  }
  return {
    text: () => text,
    tail: () => withoutUrls(text).trimEnd().split('\n').slice(-LINES_TOLD).join('\n'),
  };
}

/** Where packages come from is the business of the machine alone. */
function withoutUrls(text) {
  return text.replaceAll(/https?:\/\/\S+/g, '<url>');
}
