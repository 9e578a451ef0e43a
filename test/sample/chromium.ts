import { spawnSync } from 'node:child_process';
import { type Browser, chromium } from 'playwright-core';

/** As Debian and others call it. */
const COMMANDS = ['chromium', 'chromium-browser', 'google-chrome'];

function found(): string | undefined {
  return COMMANDS.find((command) => spawnSync(command, ['--version']).status === 0);
}

/** `describe` for tests with a real browser, or tests that are skipped and say why. */
export function describeWithChromium(name: string, tests: (launch: () => Promise<Browser>) => void): void {
  const command = found();
  if (command !== undefined) return describe(name, () => tests(() => launch(command)));
  const reason = `none of ${COMMANDS.join(', ')} is on the PATH`;
  console.warn(`Skipped: ${name}: ${reason}`);
  describe.skip(`${name} (${reason})`, () => tests(() => Promise.reject(new Error(reason))));
}

function launch(command: string): Promise<Browser> {
  const where = spawnSync('which', [command]).stdout.toString().trim();
  // Whoever tests in a container is root and has little shared memory.
  return chromium.launch({ executablePath: where, args: ['--no-sandbox', '--disable-dev-shm-usage'] });
}
