import { readdirSync, readFileSync } from 'node:fs';

const HERE = new URL('./', import.meta.url);

/** The names of the tests of this folder: a tag counts in the name of a test only. */
const names = readdirSync(HERE)
  .filter((file) => file.endsWith('.spec.ts'))
  .flatMap((file) => {
    const code = readFileSync(new URL(file, HERE), 'utf8').replace(/^\s*\/\/.*$/gm, '');
    return Array.from(
      code.matchAll(/\b(?:it|describe)(?:\.each[^]*?\))?\(\s*(['"`])([^\n]*)\1/g),
      ([, , name = '']) => name,
    );
  });

describe('the rows of what a hub must do', () => {
  it.each(Array.from({ length: 11 }, (_, i) => `W${i + 1}`))('%s has a test', (row) => {
    expect(names.some((name) => name.includes(`[${row}]`))).toBe(true);
  });
});
