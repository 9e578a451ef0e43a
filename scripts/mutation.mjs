// Mutation testing of lib/core: each mutant is the library with one small fault, and the tests must notice it.
//
//   npm run mutation                                  all of lib/core
//   npm run mutation -- --file lib/core/line.ts       one file, or with `:120` one line of it; may be repeated
//   npm run mutation -- --changed                     the files that differ from the last commit
//   npm run mutation -- --serving                     only the calls that serve the waiting line, each deleted alone
//   npm run mutation -- --quick                       without the slow tests, for a first look
//   npm run mutation -- --again mutation.log          only those that went unnoticed in a run whose output this is
//   npm run mutation -- --all                         also those that harmless.json names, which otherwise are not tried
//   npm run mutation -- --list                        shows the mutants and runs nothing
//   npm run mutation -- --jobs 1                      processes side by side, default 2
//
// Exits with 1 when fewer than 90 % are noticed, or when one goes unnoticed of which mutation/harmless.json does not say
// why that does no harm.
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { explore } from './mutation/coverage.mjs';
import { Harmless } from './mutation/harmless.mjs';
import { mutantsOf } from './mutation/mutants.mjs';
import { report, reportServing } from './mutation/report.mjs';
import { Plan, SLOW } from './mutation/plan.mjs';
import { trial } from './mutation/trial.mjs';
import { readSources, root, Workshop } from './mutation/workshop.mjs';

const TESTS = ['test/core', 'test/model', 'test/regressions', 'test/testing'];
const LEAST_SCORE = 90;
/** As `tell` says it. */
const UNNOTICED = /(?<=^(?:survived|unreached): \d+: ).*/gm;

const { values: args } = parseArgs({
  options: {
    file: { type: 'string', multiple: true },
    changed: { type: 'boolean', default: false },
    serving: { type: 'boolean', default: false },
    again: { type: 'string' },
    quick: { type: 'boolean', default: false },
    all: { type: 'boolean', default: false },
    list: { type: 'boolean', default: false },
    jobs: { type: 'string', default: '2' },
  },
});

const sources = readSources('lib', ...TESTS);
const mutants = [...sources.keys()]
  .filter((file) => file.startsWith('lib/core/'))
  .flatMap((file) => mutantsOf(file, sources.get(file)));
const chosen = mutants.filter(isChosen());

if (args.list) {
  for (const { line, key } of chosen) console.log(`${line}: ${key}`);
  console.log(`${chosen.length} mutants`);
} else process.exitCode = await run();

function isChosen() {
  const changed =
    args.changed && execFileSync('git', ['diff', '--name-only', 'HEAD'], { cwd: root, encoding: 'utf8' });
  const wanted = args.file?.map((file) => file.split(':'));
  const again = args.again && new Set(readFileSync(args.again, 'utf8').match(UNNOTICED));
  return ({ file, line, key, serves }) =>
    (!args.serving || serves) &&
    (!again || again.has(key)) &&
    (!args.changed || changed.split('\n').includes(file)) &&
    (wanted?.some(([path, at]) => path === file && (at === undefined || Number(at) === line)) ?? true);
}

async function run() {
  for (const [signal, code] of [
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ])
    process.once(signal, () => process.exit(code));
  const begunAt = performance.now();
  const { tests, unfit } = await explore(sources, mutants);
  console.log(`${chosen.length} mutants, ${tests.length} tests`);
  for (const name of unfit) console.log(`left out, for it fails without any mutant: ${name}`);
  const plan = new Plan(args.quick ? tests.filter(({ ms }) => ms <= SLOW) : tests);
  const harmless = new Harmless(mutants);
  const results = await tryAll(plan, harmless);
  const seconds = Math.round((performance.now() - begunAt) / 1000);
  if (args.serving) return reportServing(results);
  return report(results, harmless, { seconds, leastScore: LEAST_SCORE, unfit });
}

async function tryAll(plan, harmless) {
  const results = new Map();
  const queue = chosen.filter((mutant) => {
    const isKnown = !args.all && !args.serving && harmless.reasonFor(mutant) !== undefined;
    if (isKnown) results.set(mutant, { how: 'untried' });
    return !isKnown;
  });
  const work = async () => {
    const workshop = new Workshop(sources);
    try {
      for (let mutant = queue.shift(); mutant !== undefined; mutant = queue.shift()) {
        results.set(mutant, await tryOne(workshop, plan, mutant));
        tell(mutant, results);
      }
    } finally {
      workshop.remove();
    }
  };
  await Promise.all(Array.from({ length: Number(args.jobs) }, work));
  return chosen.map((mutant) => ({ mutant, ...results.get(mutant) }));
}

async function tryOne(workshop, plan, mutant) {
  const steps = plan.stepsFor(mutant);
  if (steps.length === 0) return { how: 'unreached' };
  workshop.mutate(mutant);
  const order = { bail: true, steps: steps.map((step) => ({ ...step, path: workshop.pathOf(step.file) })) };
  const verdict = await trial(order, root, (file, test) => plan.usualMs(file, test));
  workshop.restore(mutant);
  if (verdict.how !== 'survived') plan.learn(mutant, verdict);
  return verdict;
}

function tell({ key, line }, results) {
  const { how } = results.get([...results.keys()].at(-1));
  if (how === 'survived' || how === 'unreached') console.log(`${how}: ${line}: ${key}`);
  if (results.size % 200 === 0) console.log(`${results.size} of ${chosen.length}`);
}
