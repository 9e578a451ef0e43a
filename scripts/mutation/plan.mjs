// In which order the tests are run on a mutant: only those that come by it, and the likeliest to notice it first.

/** Tests that take longer, in milliseconds, are run when all others have noticed nothing. */
export const SLOW = 100;

export class Plan {
  /** How often each spec file has noticed a mutant, for each file of the library. */
  #noticed = new Map();
  #tests;
  #ms;

  /** @param {import('./coverage.mjs').Test[]} tests */
  constructor(tests) {
    this.#tests = tests;
    this.#ms = new Map(tests.map(({ file, number, ms }) => [`${file} ${number}`, ms]));
  }

  /** In milliseconds. */
  usualMs(file, number) {
    return this.#ms.get(`${file} ${number}`) ?? 1000;
  }

  /** Which tests of which files are run, one file after the other. */
  stepsFor({ site, file }) {
    const steps = new Map();
    for (const test of this.#tests) {
      if (!test.sites.has(site)) continue;
      const slow = test.ms > SLOW;
      const id = `${test.file}${slow}`;
      if (!steps.has(id)) steps.set(id, { file: test.file, slow, tests: [], ms: 0 });
      const step = steps.get(id);
      step.tests.push(test.number);
      step.ms += test.ms;
    }
    const noticed = this.#noticed.get(file);
    const likelihood = (step) => (step.slow ? -1 : (noticed?.get(step.file) ?? 0));
    return [...steps.values()]
      .sort((one, other) => likelihood(other) - likelihood(one) || one.ms - other.ms)
      .map((step) => ({ file: step.file, tests: step.tests, again: step.slow }));
  }

  /** What has noticed one mutant of a file often notices the next. */
  learn({ file }, { by = '' }) {
    const [spec] = by.split(/ > | no\. /);
    if (!this.#noticed.has(file)) this.#noticed.set(file, new Map());
    const noticed = this.#noticed.get(file);
    noticed.set(spec, (noticed.get(spec) ?? 0) + 1);
  }
}
