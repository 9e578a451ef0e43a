import { command } from './command.mjs';
import { METHOD } from './sockets/method.mjs';
import { SCENARIOS } from './sockets/scenarios.mjs';
import { judge } from './sockets/targets.mjs';

/** Beside its sockets a process has a few more files open. */
const OTHER_FILES = 100;

await command({
  script: import.meta.url,
  built: 'net/index.js',
  file: 'sockets-results.md',
  title: 'Sockets: speed and memory',
  method: METHOD,
  scenarios: SCENARIOS,
  judge,
  hindranceOf,
});

/** What keeps a scenario from being run here. */
function hindranceOf({ name, files }) {
  if (files === undefined) return undefined;
  const others = `--only ${SCENARIOS.filter((scenario) => scenario.files === undefined)
    .map((scenario) => scenario.name)
    .join(',')} leaves it out`;
  if (process.platform !== 'linux') {
    return `"${name}" needs the addresses 127.0.0.0/8, which only Linux has of its own accord; ${others}`;
  }
  const open = process.report.getReport().userLimits?.open_files.soft;
  const enough = open === 'unlimited' || open === undefined || Number(open) >= files + OTHER_FILES;
  if (enough) return undefined;
  return `"${name}" needs ${files + OTHER_FILES} open files, and there may be ${open}: raise "ulimit -n", or ${others}`;
}
