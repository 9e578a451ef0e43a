import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { outputOf } from './command.mjs';

/**
 * Starts an application and waits until it says where it listens.
 *
 * @param {string} cwd
 * @param {string[]} args - for Node
 * @param {AbortSignal} signal - kills it
 */
export async function startApp(cwd, args, signal) {
  const child = spawn(process.execPath, args, { cwd, signal, killSignal: 'SIGKILL' });
  const said = outputOf(child);
  const exited = once(child, 'close').then(([code, by]) => ({
    code,
    by,
    at: performance.now(),
    said: said.tail(),
  }));
  // Nobody may be waiting for its end when the time is up.
  exited.catch(() => {});
  const listening = new Promise((resolve) => {
    child.stdout.on('data', () => {
      const url = /listening on (\S+)/.exec(said.text())?.[1];
      if (url !== undefined) resolve(url);
    });
  });
  const url = await Promise.race([
    listening,
    exited.then(({ code, by, said }) => {
      throw new Error(`the application ended with ${code ?? by} before it listened:\n${said}`);
    }),
  ]);
  return { url, exited, kill: (by) => child.kill(by) };
}
