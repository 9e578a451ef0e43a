import { command } from './command.mjs';
import { lacking } from './hub/broker.mjs';
import { METHOD } from './hub/method.mjs';
import { BROKERS, SCENARIOS } from './hub/scenarios.mjs';
import { judge } from './hub/targets.mjs';
import { fewFiles } from './sockets/few-files.mjs';

await command({
  script: import.meta.url,
  built: 'hub/index.js',
  file: 'hub-results.md',
  title: 'Hubs: speed and memory',
  method: METHOD,
  scenarios: SCENARIOS,
  judge,
  hindranceOf,
});

/** What keeps a scenario from being run here. */
function hindranceOf(scenario) {
  if (scenario.needsBrokers !== true) return fewFiles(scenario);
  const missing = BROKERS.map(lacking).filter((command) => command !== undefined);
  return missing.length === 0 ? undefined : `needs ${missing.join(' and ')} on the PATH`;
}
