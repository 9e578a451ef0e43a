import { command } from './command.mjs';
import { METHOD } from './sockets/method.mjs';
import { fewFiles } from './sockets/few-files.mjs';
import { SCENARIOS } from './sockets/scenarios.mjs';
import { judge } from './sockets/targets.mjs';

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
function hindranceOf(scenario) {
  if (scenario.files === undefined) return undefined;
  if (process.platform !== 'linux')
    return 'needs the addresses 127.0.0.0/8, which only Linux has of its own accord';
  return fewFiles(scenario);
}
