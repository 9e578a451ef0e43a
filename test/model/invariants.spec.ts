import { readFileSync } from 'node:fs';
import { accounting } from './accounting.js';
import { INVARIANTS } from './invariants.js';
import { CHECKS } from './judge.js';
import { liveness } from './liveness.js';
import { safety } from './safety.js';

const numbered = (letter: string, count: number): string[] =>
  Array.from({ length: count }, (_none, n) => `${letter}${n + 1}`);

const FILES: Readonly<Record<string, object>> = {
  'test/model/safety.ts': safety,
  'test/model/liveness.ts': liveness,
  'test/model/accounting.ts': accounting,
};

describe('the table of invariants', () => {
  it('has each of them once, in order', () => {
    expect(INVARIANTS.map(({ id }) => id)).toEqual([
      ...numbered('S', 24),
      ...numbered('L', 20),
      ...numbered('M', 4),
    ]);
  });

  it('names the checks of the model, and all of them', () => {
    const named = INVARIANTS.filter(({ check }) => check !== undefined);
    expect(named.map(({ id }) => id).sort()).toEqual(Object.keys(CHECKS).sort());
    for (const { id, check = '' } of named) expect(Object.keys(FILES[check] ?? {})).toContain(id);
  });

  it('leaves none without a check or a test', () => {
    expect(INVARIANTS.filter(({ check, tests }) => check === undefined && tests.length === 0)).toEqual([]);
  });

  const holders = INVARIANTS.flatMap(({ id, tests }) => tests.map((holder) => ({ id, ...holder })));
  it.each(holders)('$id: $file has "$test"', ({ file, test }) => {
    const names = readFileSync(file, 'utf8').matchAll(/^ *it(?:\.each\([^\n]*\))?\(\s*(['"`])(.*)\1,/gm);
    expect(Array.from(names, ([, , name]) => name)).toContain(test);
  });
});
