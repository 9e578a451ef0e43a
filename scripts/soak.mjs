// Random schedules against the engine for as long as one likes: `npm run test:soak -- --help`. No Jest: ten times as many.
import { mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { performance } from 'node:perf_hooks';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';

const HELP = `npm run test:soak -- [options]

Random schedules against the engine of lib/, each judged by every invariant of test/model.

  --seconds N   how long (default 60)
  --seed N      where to begin (default: another one each time); batch i of schedules has seed + i
  --path P      with --seed: replays the schedule a failure has printed, and nothing else

Exit codes: 0 nothing was wrong; 1 something was; 2 wrong options; 130 ended by Ctrl-C, nothing wrong so far.`;

/** Schedules of one seed. */
const BATCH = 50;
/** A schedule takes some milliseconds; one that takes so long never ends. */
const HUNG_MS = 60_000;
const PROGRESS_MS = 5_000;

const root = new URL('../', import.meta.url);
const out = new URL('build/soak/', root);

async function compile() {
  const { transformFile } = await import('@swc/core');
  await rm(out, { recursive: true, force: true });
  const files = ['lib/core', 'lib/core/upkeep', 'lib/testing', 'test/model'].map(async (folder) => {
    const names = await readdir(new URL(folder, root));
    await mkdir(new URL(folder, out), { recursive: true });
    const sources = names.filter((name) => name.endsWith('.ts') && !name.endsWith('.spec.ts'));
    const compiled = sources.map(async (name) => {
      const { code } = await transformFile(fileURLToPath(new URL(`${folder}/${name}`, root)), {
        swcrc: false,
        sourceMaps: 'inline',
        jsc: { target: 'es2022', parser: { syntax: 'typescript' } },
        module: { type: 'es6' },
      });
      await writeFile(new URL(`${folder}/${name.replace(/\.ts$/, '.js')}`, out), code);
    });
    return Promise.all(compiled);
  });
  await Promise.all(files);
  // The tests import the package by its name, as users do; here it is what was compiled just now.
  const exports = { './core': './lib/core/index.js', './testing': './lib/testing/index.js' };
  await writeFile(
    new URL('package.json', out),
    JSON.stringify({ name: 'nestjs-conn-pool', type: 'module', exports }),
  );
}

function optionsOf(args) {
  const numbers = { seconds: 60, seed: Math.floor(Math.random() * 2 ** 30) };
  let values;
  try {
    ({ values } = parseArgs({
      args,
      options: {
        seconds: { type: 'string' },
        seed: { type: 'string' },
        path: { type: 'string' },
        help: { type: 'boolean' },
      },
    }));
  } catch (error) {
    return refuse(error.message);
  }
  if (values.help) {
    console.log(HELP);
    process.exit(0);
  }
  for (const name of ['seconds', 'seed']) {
    if (values[name] === undefined) continue;
    numbers[name] = Number(values[name]);
    if (!(numbers[name] >= 0)) return refuse(`--${name} must be a number from 0, not ${values[name]}`);
  }
  if (!Number.isInteger(numbers.seed)) return refuse('--seed must be a whole number');
  if (values.path !== undefined && values.seed === undefined)
    return refuse('--path needs the --seed it belongs to');
  return { ...numbers, path: values.path };
}

function refuse(why) {
  console.error(`${why}\n\n${HELP}`);
  process.exit(2);
}

/** The schedules run in a thread of their own, so that one that never ends can be told from one that is long. */
function soak({ seconds, seed, path }) {
  const begunAt = performance.now();
  const elapsed = () => (performance.now() - begunAt) / 1000;
  const worker = new Worker(new URL(import.meta.url), { workerData: { seed, path, seconds } });
  let schedules = 0;
  let current = { seed, schedule: '' };
  let beganAt = begunAt;

  const figures = () => {
    const s = elapsed();
    return `${schedules} schedules in ${s.toFixed(1)} s, ${Math.round(schedules / s)} per second; now at seed ${current.seed}`;
  };
  const finish = (code, text) => {
    clearInterval(progress);
    console.log(text);
    void worker.terminate().then(() => process.exit(code));
  };
  const progress = setInterval(() => {
    console.log(figures());
    if (performance.now() - beganAt < HUNG_MS) return;
    finish(
      1,
      `A schedule of seed ${current.seed} has not ended in ${HUNG_MS / 1000} s:\n${current.schedule}\n${figures()}`,
    );
  }, PROGRESS_MS);

  process.once('SIGINT', () => finish(130, `\nEnded by Ctrl-C. ${figures()}. Nothing was wrong.`));
  worker.on('error', (error) => finish(1, `${error.stack}\n${figures()}`));
  worker.on('message', (message) => {
    if (message.schedule !== undefined) {
      schedules += 1;
      current = message;
      beganAt = performance.now();
    } else if (message.failure !== undefined) finish(1, `${told(message.failure)}\n${figures()}`);
    else finish(0, `${figures()}. Nothing was wrong.`);
  });
}

function told({ seed, path, where, schedule, wrongs }) {
  return [
    `FAILED: called ${where}`,
    wrongs,
    `the shortest schedule found: ${schedule}`,
    `seed ${seed}; to see it again:`,
    `  npm run test:soak -- --seed ${seed} --path ${path}`,
  ].join('\n');
}

async function work({ seed, path, seconds }) {
  const { runBatch } = await import(new URL('test/model/batch.js', out));
  const until = performance.now() + seconds * 1000;
  for (let at = seed; path !== undefined || performance.now() < until; at += 1) {
    const begun = (schedule) => parentPort.postMessage({ seed: at, schedule });
    const failure = await runBatch({ seed: at, runs: BATCH, path }, begun);
    if (failure !== undefined) return parentPort.postMessage({ failure });
    if (path !== undefined) break;
  }
  parentPort.postMessage({ over: true });
}

if (isMainThread) {
  const options = optionsOf(process.argv.slice(2));
  await compile();
  console.log(
    `seed ${options.seed}, ${options.path === undefined ? `${options.seconds} s` : `path ${options.path}`}`,
  );
  soak(options);
} else await work(workerData);
