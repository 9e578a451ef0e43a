import { command } from './command.mjs';
import { METHOD } from './tcp/method.mjs';
import { SCENARIOS } from './tcp/scenarios.mjs';
import { judge } from './tcp/targets.mjs';

await command({
  script: import.meta.url,
  built: 'tcp/index.js',
  file: 'tcp-results.md',
  title: 'TCP: the speed of packages and lines',
  method: METHOD,
  scenarios: SCENARIOS,
  judge,
});
