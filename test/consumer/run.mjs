// Packs the package, installs it into two applications as a user would, type-checks, starts, asks and stops them.
import assert from 'node:assert/strict';
import { cp, mkdtemp, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { run } from './command.mjs';
import { checkContents, pack } from './package-under-test.mjs';
import { startApp } from './running-app.mjs';

const LIMIT = 8 * 60_000;
/** The `drain` of the applications' pool. */
const DRAIN = 5_000;

const here = fileURLToPath(new URL('.', import.meta.url));
const project = fileURLToPath(new URL('../..', import.meta.url));
const tsc = createRequire(import.meta.url).resolve('typescript/bin/tsc');

const strict = [];
/** How TypeScript resolved before it knew "exports"; it knows nothing of Nest 12. */
const node10 = [
  '--noEmit',
  '--module',
  'commonjs',
  '--moduleResolution',
  'node10',
  '--ignoreDeprecations',
  '6.0',
];
/** Without require(esm), what is required comes from dist/cjs; Nest 12 cannot be had then. */
const noRequireEsm = ['--no-experimental-require-module'];

const APPS = [
  { name: 'nest12-esm', typeChecks: [strict], runs: [[]] },
  { name: 'nest11-cjs', typeChecks: [strict, node10], runs: [[], noRequireEsm] },
];

const interrupted = new AbortController();
for (const by of ['SIGINT', 'SIGTERM']) process.once(by, () => interrupted.abort(new Error(by)));
const signal = AbortSignal.any([AbortSignal.timeout(LIMIT), interrupted.signal]);

async function install(app, tarball, workshop) {
  const cwd = join(workshop, app.name);
  await cp(join(here, app.name), cwd, { recursive: true });
  await cp(join(here, 'app'), join(cwd, 'src'), { recursive: true });
  const quiet = ['--no-audit', '--no-fund', '--no-package-lock', '--loglevel=error'];
  await run('npm', ['install', ...quiet, tarball], { cwd, signal });
  return cwd;
}

async function checkRunning(cwd, flags) {
  const app = await startApp(cwd, [...flags, 'dist/main.js'], signal);
  try {
    const health = await fetch(`${app.url}/health`, { signal });
    assert.equal(health.status, 200, 'health');
    assert.equal((await health.json()).details.echo.status, 'up');
    assert.equal(await textOf(fetch(`${app.url}/echo/hello`, { signal })), '200 hello');
    assert.match(
      await textOf(fetch(`${app.url}/conn-pool`, { signal })),
      /^200 <!doctype html>.*uPlot.*new Stream/s,
    );
    await checkStop(app);
  } finally {
    app.kill('SIGKILL');
  }
}

/** A request in flight at SIGTERM gets its answer, and the process ends by itself, in time. */
async function checkStop(app) {
  const slow = textOf(fetch(`${app.url}/slow`, { signal }));
  while ((await (await fetch(`${app.url}/stats`, { signal })).json()).leased !== 1) await delay(5);
  const stopped = performance.now();
  app.kill('SIGTERM');
  assert.equal(await slow, '200 at last');
  const { code, by, at, said } = await app.exited;
  assert.equal(code ?? by, 0, `exit\n${said}`);
  assert(at - stopped < DRAIN, `stopped after ${Math.round(at - stopped)} ms`);
}

async function textOf(answer) {
  const response = await answer;
  return `${response.status} ${await response.text()}`;
}

async function check(app, tarball, workshop) {
  const cwd = await install(app, tarball, workshop);
  await checkContents(join(cwd, 'node_modules', 'nestjs-conn-pool'));
  for (const flags of app.typeChecks)
    await run(process.execPath, [tsc, '-p', '.', ...flags], { cwd, signal });
  await run(process.execPath, ['dist/one-copy.js'], { cwd, signal });
  for (const flags of app.runs) await checkRunning(cwd, flags);
}

const workshop = await mkdtemp(join(tmpdir(), 'consumer-'));
const begun = performance.now();
let current = 'pack';
try {
  const tarball = await pack(project, workshop, signal);
  for (const app of APPS) {
    current = app.name;
    await check(app, tarball, workshop);
  }
  const seconds = Math.round((performance.now() - begun) / 1000);
  console.log(
    `consumer: ok, the package works in ${APPS.map(({ name }) => name).join(' and ')} (${seconds} s)`,
  );
} catch (error) {
  console.error(`consumer: failed in ${current}: ${signal.aborted ? signal.reason : error.message}`);
  process.exitCode = 1;
} finally {
  await rm(workshop, { recursive: true, force: true });
}
