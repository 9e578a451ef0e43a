import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { run } from './rounds.mjs';
import { report } from './sockets/report.mjs';
import { SCENARIOS } from './sockets/scenarios.mjs';

const USAGE = `node bench/sockets.mjs [--rounds N] [--only scenario,...] [--quick]

  --rounds  how often each contender runs in each scenario; 5, with --quick 1
  --only    these scenarios: ${SCENARIOS.map(({ name }) => name).join(', ')}
  --quick   short samples: shows that all of it runs, not how fast it is

Only a run of everything, and without a failure, writes bench/sockets-results.md.`;

const BUILT = fileURLToPath(new URL('../dist/esm/net/index.js', import.meta.url));
const RESULTS = fileURLToPath(new URL('sockets-results.md', import.meta.url));
/** Beside its sockets a process has a few more files open. */
const OTHER_FILES = 100;

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
const hindrance = scenarios.map(hindranceOf).find((each) => each !== undefined);
if (hindrance !== undefined) fail(hindrance);

const { results, failures } = await run(scenarios, rounds, values.quick ? 'quick' : 'full');
const text = report(results, scenarios, rounds);
console.log(text);
for (const failure of failures) console.error(`FAILED ${failure}`);
if (values.only === undefined && !values.quick && failures.length === 0) {
  await writeFile(RESULTS, text);
  console.error(`written to ${RESULTS}`);
}
process.exitCode = failures.length === 0 ? 0 : 1;

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

function fail(message) {
  console.error(`${message}\n\n${USAGE}`);
  process.exit(2);
}
