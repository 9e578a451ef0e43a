import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { report } from './report.mjs';
import { Results } from './results.mjs';
import { OURS } from './pools.mjs';
import { poolsOf, SCENARIOS } from './scenario.mjs';
import { shuffled } from './statistics.mjs';

const USAGE = `node bench/run.mjs [--rounds N] [--only scenario,...] [--pools pool,...] [--quick]

  --rounds  how often each scenario runs on each pool; 5, with --quick 1
  --only    these scenarios: ${SCENARIOS.map(({ name }) => name).join(', ')}
  --pools   these pools
  --quick   short samples: shows that all of it runs, not how fast it is

Only a run of everything, and without a failure, writes bench/results.md.`;

const CHILD = fileURLToPath(new URL('child.mjs', import.meta.url));
const BUILT = fileURLToPath(new URL('../dist/esm/core/index.js', import.meta.url));
const RESULTS = fileURLToPath(new URL('results.md', import.meta.url));
const CHILD_TIMEOUT = 60_000;

const { values } = parseArgs({
  options: {
    rounds: { type: 'string' },
    only: { type: 'string' },
    pools: { type: 'string' },
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
const scenarios = chosen(SCENARIOS, values.only, ({ name }) => name);
const pools = chosen([...new Set(SCENARIOS.flatMap(poolsOf))], values.pools, (pool) => pool);
if (pools.includes(OURS) && !existsSync(BUILT)) fail(`${BUILT} is missing: build the package first`);

const { results, failures } = await run();
const text = report(results, scenarios, rounds);
console.log(text);
for (const failure of failures) console.error(`FAILED ${failure}`);
const everything = values.only === undefined && values.pools === undefined && !values.quick;
if (everything && failures.length === 0) {
  await writeFile(RESULTS, text);
  console.error(`written to ${RESULTS}`);
}
process.exitCode = failures.length === 0 ? 0 : 1;

async function run() {
  const results = new Results();
  const failures = [];
  for (let round = 0; round < rounds; round += 1) {
    const rows = scenarios
      .filter((scenario) => round < (scenario.rounds ?? Infinity))
      .flatMap((scenario) => poolsOf(scenario).map((pool) => ({ scenario: scenario.name, pool })))
      .filter(({ pool }) => pools.includes(pool));
    const begun = performance.now();
    for (const row of shuffled(rows)) {
      try {
        results.add(row, round, await measure(row));
      } catch (error) {
        failures.push(`${row.scenario}, ${row.pool}, round ${round + 1}: ${error.message}`);
      }
    }
    const seconds = Math.round((performance.now() - begun) / 1000);
    console.error(`round ${round + 1} of ${rounds}: ${rows.length} children in ${seconds} s`);
  }
  return { results, failures };
}

/** Runs one child; its only output is what it measured. */
async function measure({ scenario, pool }) {
  const effort = values.quick ? 'quick' : 'full';
  const child = spawn(process.execPath, ['--expose-gc', CHILD, scenario, pool, effort], {
    timeout: CHILD_TIMEOUT,
    killSignal: 'SIGKILL',
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const output = { stdout: '', stderr: '' };
  child.stdout.on('data', (chunk) => (output.stdout += chunk));
  child.stderr.on('data', (chunk) => (output.stderr += chunk));
  const ended = await new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, signal) => resolve(signal ?? code));
  });
  if (ended !== 0) throw new Error(`ended with ${ended}\n${output.stderr}`);
  return JSON.parse(output.stdout);
}

/** The ones that a comma-separated list names; without a list, all. */
function chosen(all, list, nameOf) {
  if (list === undefined) return all;
  const names = list.split(',');
  const known = all.map(nameOf);
  const unknown = names.filter((name) => !known.includes(name));
  if (unknown.length > 0) fail(`unknown: ${unknown.join(', ')}; there are ${known.join(', ')}`);
  return all.filter((each) => names.includes(nameOf(each)));
}

function fail(message) {
  console.error(`${message}\n\n${USAGE}`);
  process.exit(2);
}
