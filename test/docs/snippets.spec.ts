import { pages } from './pages.js';
import { fileURLToPath } from 'node:url';
import { startNode } from './node-process.js';
import { brokenPromises, failedTests, fileName, isTest, promisedOutput } from './snippet.js';
import { Workshop } from './workshop.js';

const RUNNER = fileURLToPath(new URL('run-snippet.mjs', import.meta.url));
const COMPILE_TIME = 180_000;
const RUN_TIME = 90_000;

const snippets = pages()
  .flatMap(({ fences }) => fences)
  .filter(({ language }) => language === 'ts');
/** Those with a name are there for others to import. */
const runnable = snippets.filter(({ file }) => file === undefined);

describe('the snippets of the pages', () => {
  let workshop: Workshop;
  let problems: string[];

  beforeAll(() => {
    workshop = new Workshop(snippets);
    problems = workshop.compile();
  }, COMPILE_TIME);
  afterAll(() => workshop.remove());

  it('have names of their own', () => {
    const names = snippets.map(fileName);
    expect(names.filter((name, index) => names.indexOf(name) !== index)).toEqual([]);
  });

  it('compile', () => expect(problems).toEqual([]));

  it.each(runnable.map((snippet) => [`${snippet.page}:${snippet.line}`, snippet] as const))(
    '%s runs, prints what it promises and ends',
    async (_place, snippet) => {
      // What a test reports by default differs from one Node to the next.
      const args = ['--test-reporter=tap', RUNNER, workshop.pathOf(snippet)];
      const { code, signal, stdout, stderr } = await startNode(args).ended;
      expect({ code, signal, stderr }).toEqual({ code: 0, signal: null, stderr: '' });
      if (isTest(snippet)) return expect(failedTests(stdout)).toEqual([]);
      const printed = stdout.split('\n').slice(0, -1);
      expect(brokenPromises(promisedOutput(snippet), printed)).toEqual([]);
    },
    RUN_TIME,
  );
});
