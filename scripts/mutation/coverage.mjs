// What is known before the first mutant is tried: the tests, how long each takes, and where in the library each comes by.
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { withProbes } from './probes.mjs';
import { trial } from './trial.mjs';
import { root, Workshop } from './workshop.mjs';

/**
 * @typedef {object} Test
 * @property {string} file
 * @property {number} number - in its file
 * @property {string} name
 * @property {number} ms - how long it takes
 * @property {Set<number>} sites - the probes it comes by; when its file is loaded, too
 */

/**
 * Runs every test on the unchanged library, once to see where it comes by and once to see how long it takes.
 *
 * @returns {Promise<{ tests: Test[], unfit: string[] }>} and those that fail there, which can show nothing
 */
export async function explore(sources, mutants) {
  const specs = [...sources.keys()].filter((file) => file.endsWith('.spec.ts') && usesLibrary(file, sources));
  const unfit = new Set();
  const [tests, timed] = await Promise.all([
    runAll(sources, specs, unfit, mutants),
    runAll(sources, specs, unfit),
  ]);
  const usual = new Map(timed.map(({ name, ms }) => [name, ms]));
  return {
    tests: tests
      .filter(({ name }) => !unfit.has(name))
      .map((test) => ({ ...test, ms: usual.get(test.name) })),
    unfit: [...unfit],
  };
}

/** A spec that looks at files or starts programs shows nothing of what lies in a workshop. */
function usesLibrary(file, sources, seen = new Set()) {
  if (seen.has(file) || !sources.has(file)) return false;
  seen.add(file);
  return [...sources.get(file).matchAll(/\b(?:from|import)\s*\(?\s*'([^']+)'/g)].some(([, name]) => {
    if (!name.startsWith('.')) return name.startsWith('nestjs-conn-pool');
    const imported = join(dirname(file), name).replace(/\.js$/, '.ts');
    return imported.startsWith('lib/') || usesLibrary(imported, sources, seen);
  });
}

/** @param mutants - where probes are put; without them the tests run as fast as they can */
async function runAll(sources, specs, unfit, mutants) {
  const workshop = new Workshop(sources);
  try {
    const sites = mutants === undefined ? 0 : putProbes(workshop, sources, mutants);
    const tests = [];
    for (const file of specs) tests.push(...(await runFile(workshop, file, sites, unfit)));
    return tests;
  } finally {
    workshop.remove();
  }
}

function putProbes(workshop, sources, mutants) {
  let sites = 0;
  for (const [file, ofFile] of byFile(mutants)) {
    const probed = withProbes(sources.get(file), ofFile, sites);
    workshop.put(file, probed.text);
    sites += probed.sites;
  }
  return sites;
}

function byFile(mutants) {
  const groups = new Map();
  for (const mutant of mutants) groups.set(mutant.file, [...(groups.get(mutant.file) ?? []), mutant]);
  return groups;
}

/** The tests of one spec file, in a process of their own. */
async function runFile(workshop, file, sites, unfit) {
  const path = join(workshop.folder, 'seen.json');
  const { how, by } = await trial(
    { steps: [{ file, path: workshop.pathOf(file) }], seen: { path, sites } },
    root,
  );
  if (how === 'hung' || how === 'crashed') {
    unfit.add(`${file}, all of it: ${by} ${how}`);
    return [];
  }
  const seen = JSON.parse(readFileSync(path, 'utf8'));
  const loaded = seen.find(({ number }) => number === undefined).sites;
  const tests = seen.filter(({ number }) => number !== undefined);
  for (const { name, failed } of tests) if (failed) unfit.add(name);
  return tests.map((test) => ({ ...test, sites: new Set([...loaded, ...test.sites]) }));
}
