import { readdirSync, readFileSync } from 'node:fs';

/** The names of the tests of a folder: a tag of a row counts in the name of a test only. */
export function testNames(folder: URL): string[] {
  return readdirSync(folder)
    .filter((file) => file.endsWith('.spec.ts'))
    .flatMap((file) => {
      const code = readFileSync(new URL(file, folder), 'utf8').replace(/^\s*\/\/.*$/gm, '');
      return Array.from(
        code.matchAll(/\b(?:it|describe)(?:\.each[^]*?\))?\(\s*(['"`])([^\n]*)\1/g),
        ([, , name = '']) => name,
      );
    });
}
