import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { run } from './rounds.mjs';
import { reportOf } from './sockets/report.mjs';
import { METHOD } from './tcp/method.mjs';
import { SCENARIOS } from './tcp/scenarios.mjs';
import { judge } from './tcp/targets.mjs';

const USAGE = `node bench/tcp.mjs [--rounds N] [--only scenario,...] [--quick]

  --rounds  how often each contender runs in each scenario; 5, with --quick 1
  --only    these scenarios: ${SCENARIOS.map(({ name }) => name).join(', ')}
  --quick   short samples: shows that all of it runs, not how fast it is

Only a run of everything, and without a failure, writes bench/tcp-results.md.`;

const BUILT = fileURLToPath(new URL('../dist/esm/tcp/index.js', import.meta.url));
const RESULTS = fileURLToPath(new URL('tcp-results.md', import.meta.url));

const { values } = parseArgs({
  options: {
    rounds: { type: 'string' },
    only: { type: 'string' },
    quick: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});
if (values.help) {
  console.log(USAGE);
  process.exit();
}

const rounds = Number(values.rounds ?? (values.quick ? 1 : 5));
if (!Number.isInteger(rounds) || rounds < 1) fail(`--rounds ${values.rounds} is not a number from 1`);
const names = values.only?.split(',') ?? SCENARIOS.map(({ name }) => name);
const unknown = names.filter((name) => !SCENARIOS.some((scenario) => scenario.name === name));
if (unknown.length > 0) fail(`unknown: ${unknown.join(', ')}`);
const scenarios = SCENARIOS.filter(({ name }) => names.includes(name));
if (!existsSync(BUILT)) fail(`${BUILT} is missing: build the package first`);

const { results, failures } = await run(scenarios, rounds, values.quick ? 'quick' : 'full');
const what = {
  title: 'TCP: the speed of packages and lines',
  method: METHOD,
  verdicts: judge(results),
};
const text = reportOf(what, results, scenarios, rounds);
console.log(text);
for (const failure of failures) console.error(`FAILED ${failure}`);
if (values.only === undefined && !values.quick && failures.length === 0) {
  await writeFile(RESULTS, text);
  console.error(`written to ${RESULTS}`);
}
process.exitCode = failures.length === 0 ? 0 : 1;

function fail(message) {
  console.error(`${message}\n\n${USAGE}`);
  process.exit(2);
}
