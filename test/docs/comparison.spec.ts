import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { type Ended, startNode } from './node-process.js';
import { type Fence, readPage, ROOT, tableUnder } from './pages.js';
import { Workshop } from './workshop.js';

const TIME = 240_000;
/** By then a process that can end has ended; one that is slower is taken for one that cannot, which fails no test. */
const REST = 1500;
const AT_REST = 'the timers of an idle pool let the process exit';

const page = readPage('README.md');
const [head = []] = tableUnder(page, 'How it compares', 0);
const names = head.slice(1);
const rows = tableUnder(page, 'How it compares');
/** What the table says of one pool, by row. */
const cellsOf = (name: string): Record<string, string> =>
  Object.fromEntries(rows.map(([row = '', ...cells]) => [row, cells[names.indexOf(name)] ?? '']));

const script = (name: string): string => fileURLToPath(new URL(`comparison/${name}`, import.meta.url));
/** Makes the workshop compile the engine. */
const engine: Fence = {
  page: 'comparison',
  line: 1,
  language: 'ts',
  lines: ["import 'nestjs-conn-pool/core';"],
  file: 'engine.ts',
};

describe('what the README says about other pools', () => {
  let workshop: Workshop;
  let env: NodeJS.ProcessEnv;
  let trials: Map<string, Promise<Ended>>;
  beforeAll(() => {
    workshop = new Workshop([engine]);
    workshop.compile();
    env = { THIS_POOL: join(workshop.dir, 'lib/core/index.js') };
    // Side by side: they mostly wait.
    trials = new Map(names.map((name) => [name, tryOut(name)]));
  }, TIME);
  afterAll(() => workshop.remove());

  const tryOut = (name: string): Promise<Ended> =>
    startNode([script('try.mjs'), name, JSON.stringify(cellsOf(name))], env).ended;

  it.each(names)(
    '%s is as the table says',
    async (name) => {
      const said = cellsOf(name);
      const trial = await trials.get(name);
      expect(trial).toMatchObject({ code: 0, stderr: '' });
      const found = JSON.parse(trial?.stdout ?? '{}') as Record<string, string>;
      expect(Object.keys(found).length).toBeGreaterThan(5);
      // A remark in a cell is no verdict; it says why there can be none.
      const tried = Object.entries(found).filter(([row]) =>
        /^(yes|no|at the timeout)$/.test(said[row] ?? 'no'),
      );
      expect(Object.fromEntries(tried)).toEqual(Object.fromEntries(tried.map(([row]) => [row, said[row]])));
    },
    TIME,
  );

  it.each(names)(
    '%s at rest lets the process exit, or not',
    async (name) => {
      const process = startNode([script('rest.mjs'), name], env);
      await process.printed(/at rest/);
      const expected = cellsOf(name)[AT_REST];
      const exited = process.ended.then(() => 'yes');
      const verdict = await (expected === 'yes' ? exited : Promise.race([exited, delay(REST, 'no')]));
      process.kill('SIGKILL');
      expect(verdict).toBe(expected);
      expect((await process.ended).signal).toBe(expected === 'yes' ? null : 'SIGKILL');
    },
    TIME,
  );

  it('holds for the releases that are named', () => {
    const sentence = page.lines.find((line) => line.startsWith('With the releases '));
    const versions = names.slice(1).map((name) => `${name} ${versionOf(name)}`);
    expect(versions.filter((version) => sentence?.includes(version) !== true)).toEqual([]);
  });
});

function versionOf(name: string): string {
  const text = readFileSync(join(ROOT, 'node_modules', name, 'package.json'), 'utf8');
  return (JSON.parse(text) as { version: string }).version;
}
