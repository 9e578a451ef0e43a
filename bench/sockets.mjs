import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { Results } from './results.mjs';
import { measure } from './sockets/pair.mjs';
import { report } from './sockets/report.mjs';
import { SCENARIOS } from './sockets/scenarios.mjs';
import { shuffled } from './statistics.mjs';

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

const { results, failures } = await run();
const text = report(results, scenarios, rounds);
console.log(text);
for (const failure of failures) console.error(`FAILED ${failure}`);
if (values.only === undefined && !values.quick && failures.length === 0) {
  await writeFile(RESULTS, text);
  console.error(`written to ${RESULTS}`);
}
process.exitCode = failures.length === 0 ? 0 : 1;

async function run() {
  const results = new Results();
  const failures = [];
  for (let round = 0; round < rounds; round += 1) {
    const begun = performance.now();
    const due = scenarios.filter((scenario) => round < (scenario.rounds ?? Infinity));
    for (const scenario of shuffled(due)) {
      // One right after the other: what they are compared by is their ratio.
      for (const contender of shuffled(scenario.contenders)) {
        try {
          const measured = await measure(scenario, contender, values.quick ? 'quick' : 'full');
          results.add({ scenario: scenario.name, pool: contender }, round, measured);
        } catch (error) {
          failures.push(`${scenario.name}, ${contender}, round ${round + 1}: ${error.message}`);
        }
      }
    }
    const seconds = Math.round((performance.now() - begun) / 1000);
    console.error(`round ${round + 1} of ${rounds}: ${seconds} s`);
  }
  return { results, failures };
}

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
