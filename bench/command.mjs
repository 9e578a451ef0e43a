import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { run } from './rounds.mjs';
import { reportOf } from './sockets/report.mjs';

/**
 * The command of a benchmark of clients and servers: reads its options, runs it, prints its report.
 *
 * @param {object} benchmark
 * @param {string} benchmark.script - its address
 * @param {string} benchmark.built - what it measures, below `dist/esm`
 * @param {string} benchmark.file - where a whole run is written, beside the script
 * @param {string} benchmark.title
 * @param {string} benchmark.method
 * @param {readonly import('./sockets/scenarios.mjs').Scenario[]} benchmark.scenarios
 * @param {(results: import('./results.mjs').Results) => import('./targets.mjs').Verdict[]} benchmark.judge
 * @param {(scenario: import('./sockets/scenarios.mjs').Scenario) => string | undefined} [benchmark.hindranceOf] - what
 *   keeps a scenario from being run here
 */
export async function command({ script, built, file, title, method, scenarios: all, judge, hindranceOf }) {
  const usage = `node bench/${basename(fileURLToPath(script))} [--rounds N] [--only scenario,...] [--quick]

  --rounds  how often each contender runs in each scenario; 5, with --quick 1
  --only    these scenarios: ${all.map(({ name }) => name).join(', ')}
  --quick   short samples: shows that all of it runs, not how fast it is

Only a run of everything, and without a failure, writes bench/${file}. What cannot be measured on this machine is left
out of it, with the reason.`;
  const fail = (message) => {
    console.error(`${message}\n\n${usage}`);
    process.exit(2);
  };

  const { values } = parseArgs({
    options: {
      rounds: { type: 'string' },
      only: { type: 'string' },
      quick: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) return console.log(usage);

  const rounds = Number(values.rounds ?? (values.quick ? 1 : 5));
  if (!Number.isInteger(rounds) || rounds < 1) fail(`--rounds ${values.rounds} is not a number from 1`);
  const names = values.only?.split(',') ?? all.map(({ name }) => name);
  const unknown = names.filter((name) => !all.some((scenario) => scenario.name === name));
  if (unknown.length > 0) fail(`unknown: ${unknown.join(', ')}`);
  const scenarios = all.filter(({ name }) => names.includes(name));
  const missing = fileURLToPath(new URL(`../dist/esm/${built}`, import.meta.url));
  if (!existsSync(missing)) fail(`${missing} is missing: build the package first`);
  const hindrances = new Map(scenarios.map((scenario) => [scenario, hindranceOf?.(scenario)]));
  for (const [{ name }, why] of hindrances) {
    if (why === undefined) continue;
    if (values.only !== undefined) fail(`"${name}" ${why}`);
    console.error(`"${name}" is left out: it ${why}`);
  }
  const possible = scenarios.filter((scenario) => hindrances.get(scenario) === undefined);

  const { results, failures } = await run(possible, rounds, values.quick ? 'quick' : 'full');
  const text = reportOf({ title, method, verdicts: judge(results) }, results, hindrances, rounds);
  console.log(text);
  for (const failure of failures) console.error(`FAILED ${failure}`);
  if (values.only === undefined && !values.quick && failures.length === 0) {
    const path = fileURLToPath(new URL(file, script));
    await writeFile(path, text);
    console.error(`written to ${path}`);
  }
  process.exitCode = failures.length === 0 ? 0 : 1;
}
