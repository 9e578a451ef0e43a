// The process of one trial: runs some tests of some spec files, and says on descriptor 3 how far it has come.
// On stdin: { steps: [{ path, file, tests, again }], bail, seen: { path, sites } }; without `tests` all of a file are run.
import { readFileSync, writeFileSync, writeSync } from 'node:fs';
import { pathToFileURL } from 'node:url';

const { steps, bail, seen } = JSON.parse(readFileSync(0, 'utf8'));
const say = (message) => writeSync(3, `${JSON.stringify(message)}\n`);

// The runner's own time limits must not keep the process up: a test that waits for what never comes ends at once.
const { setTimeout } = globalThis;
globalThis.setTimeout = (...args) => setTimeout(...args).unref();
const circus = await import('jest-circus');
globalThis.setTimeout = setTimeout;
const { jestExpect } = await import('@jest/expect');
const { describe, it, test, beforeAll, beforeEach, afterAll, afterEach } = circus;
Object.assign(globalThis, {
  describe,
  it,
  test,
  beforeAll,
  beforeEach,
  afterAll,
  afterEach,
  expect: jestExpect,
});

let now = 'loading';
let step;
let hits = new Uint8Array(seen?.sites ?? 0);
globalThis.$hit = (site) => void (hits[site] = 1);
const record = [];

circus.addEventHandler((event, state) => {
  if (event.name === 'run_start') choose(testsUnder(state.rootDescribeBlock));
  else if (event.name === 'test_start') begin(event.test);
  else if (event.name === 'test_done') done(event.test);
  else if (event.name === 'run_finish' && state.unhandledErrors.length > 0) {
    say({ failed: now, error: textOf(state.unhandledErrors[0]) });
  }
});

process.on('beforeExit', () => {
  if (now !== 'over') say({ hung: now });
});

for (step of steps) {
  circus.resetState();
  now = `loading ${step.file}`;
  say({ load: step.file });
  // The question mark: a file whose slow tests come later is loaded once more for them.
  await import(`${pathToFileURL(step.path).href}${step.again ? '?again' : ''}`);
  const loaded = hits;
  hits = new Uint8Array(hits.length);
  await circus.run();
  record.push({ file: step.file, sites: indices(loaded) });
}
now = 'over';
if (seen !== undefined) writeFileSync(seen.path, JSON.stringify(record));
say({ over: true });
process.exit();

function* testsUnder(block) {
  for (const child of block.children) {
    if (child.type === 'test') yield child;
    else yield* testsUnder(child);
  }
}

function choose(tests) {
  const wanted = step.tests && new Set(step.tests);
  let number = 0;
  for (const one of tests) {
    one.number = number++;
    if (wanted && !wanted.has(one.number)) one.mode = 'skip';
  }
}

function begin(one) {
  if (one.mode === 'skip' || one.mode === 'todo') return;
  now = nameOf(one);
  hits.fill(0);
  say({ test: one.number });
  one.begunAt = performance.now();
}

function done(one) {
  if (one.begunAt === undefined) return;
  const failed = one.errors.length > 0;
  if (failed) {
    say({ failed: now, error: textOf(one.errors[0]) });
    if (bail) process.exit();
  }
  const ms = performance.now() - one.begunAt;
  record.push({ file: step.file, number: one.number, name: now, ms, failed, sites: indices(hits) });
  hits.fill(0);
}

function nameOf(one) {
  const names = [one.name];
  for (let block = one.parent; block?.parent !== undefined; block = block.parent) names.unshift(block.name);
  return `${step.file} > ${names.join(' > ')}`;
}

function textOf(error) {
  const [first] = [error].flat();
  return String(first?.stack ?? first?.message ?? first).slice(0, 500);
}

function indices(array) {
  const found = [];
  for (let index = array.indexOf(1); index !== -1; index = array.indexOf(1, index + 1)) found.push(index);
  return found;
}
