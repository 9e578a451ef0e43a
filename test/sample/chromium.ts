import { spawnSync } from 'node:child_process';
import { type Browser, chromium } from 'playwright-core';
import { describeUnless, isThere } from '../describe-with.js';

/** As Debian and others call it. */
const COMMANDS = ['chromium', 'chromium-browser', 'google-chrome'];

/** `describe` for tests with a real browser, or tests that are skipped and say why. */
export function describeWithChromium(name: string, tests: (launch: () => Promise<Browser>) => void): void {
  const command = COMMANDS.find(isThere);
  const reason = command === undefined && `none of ${COMMANDS.join(', ')} is on the PATH`;
  describeUnless(reason, name, () => tests(() => launch(command as string)));
}

function launch(command: string): Promise<Browser> {
  const where = spawnSync('which', [command]).stdout.toString().trim();
  // Whoever tests in a container is root and has little shared memory.
  return chromium.launch({ executablePath: where, args: ['--no-sandbox', '--disable-dev-shm-usage'] });
}
