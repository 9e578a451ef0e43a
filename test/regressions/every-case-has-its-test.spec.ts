import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const HERE = dirname(fileURLToPath(import.meta.url));
/** Of features that do not exist yet. */
const LATER: string[] = [];

interface Row {
  readonly id: string;
  readonly file: string | undefined;
}

const rows: Row[] = readFileSync(join(HERE, 'README.md'), 'utf8')
  .split('\n')
  .map((line) => /^\| ([RB]\d+) \| [^|]+ \| [^|]+ \| (?:\[[^\]]+\]\(([^)]+)\)|later: [^|]+) \|$/.exec(line))
  .filter((match) => match !== null)
  .map(([, id = '', file]) => ({ id, file }));

/** The code of a test without its comments: a tag counts in the name of a test only. */
function codeOf(file: string): string {
  return readFileSync(join(HERE, file), 'utf8').replace(/^\s*\/\/.*$/gm, '');
}

describe('the table of regressions', () => {
  it('has each case once, in order', () => {
    const numbered = (letter: string, count: number) =>
      Array.from({ length: count }, (_, i) => `${letter}${i + 1}`);
    expect(rows.map(({ id }) => id)).toEqual([...numbered('R', 30), ...numbered('B', 68)]);
  });

  it('leaves to later only what belongs to features that do not exist yet', () => {
    expect(rows.filter(({ file }) => file === undefined).map(({ id }) => id)).toEqual(LATER);
  });

  it.each(rows.filter(({ file }) => file !== undefined))('$id is tested in $file', ({ id, file = '' }) => {
    expect(codeOf(file)).toMatch(
      new RegExp(`\\b(?:it|describe)(?:\\.each\\([^]*?\\))?\\(\\s*['"\`][^\\n]*\\[${id}\\]`),
    );
  });

  it('names every file here, and each says where it was first seen', () => {
    const files = readdirSync(HERE).filter((name) => name.endsWith('.spec.ts') && !name.startsWith('model-'));
    const named = new Set(rows.map(({ file }) => file));
    for (const file of files.filter((name) => name !== 'every-case-has-its-test.spec.ts')) {
      expect([file, named.has(file)]).toEqual([file, true]);
      expect([file, /^\/\/ First seen in /.test(readFileSync(join(HERE, file), 'utf8'))]).toEqual([
        file,
        true,
      ]);
    }
  });
});
