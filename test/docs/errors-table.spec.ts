import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as everything from 'nestjs-conn-pool';
import * as thrift from '../../lib/thrift/thrift-errors.js';
import { type Page, readPage, ROOT, tableUnder } from './pages.js';

const SOURCES = ['lib/core/errors.ts', 'lib/nest/module-errors.ts', 'lib/thrift/thrift-errors.ts'];
const CLASS = /export class (\w+) extends (\w+)(?:(?!export class)[^])*?\n}/g;

/** Every error class with its code, from where they are defined: a code is a field of an instance only. */
function codes(): Map<string, string> {
  const found = new Map<string, string>();
  for (const path of SOURCES) {
    for (const [text, name = '', parent = ''] of readFileSync(join(ROOT, path), 'utf8').matchAll(CLASS)) {
      const own = /override readonly code = '(\w+)'/.exec(text)?.[1];
      found.set(name, own ?? found.get(parent) ?? '');
    }
  }
  return found;
}

const unquoted = (text = ''): string => text.replaceAll('`', '');
const namedIn = (page: Page, heading: string): string[][] =>
  tableUnder(page, heading).map(([name, code]) => [unquoted(name), unquoted(code)]);

describe('the table of errors', () => {
  it('has every class with its code', () => {
    expect(namedIn(readPage('README.md'), 'Errors').sort()).toEqual([...codes()].sort());
  });

  it('names what can be imported', () => {
    const exported: Record<string, unknown> = { ...everything, ...thrift };
    expect([...codes().keys()].filter((name) => typeof exported[name] !== 'function')).toEqual([]);
  });

  it('has a section in docs/errors.md for each', () => {
    const headings = readPage('docs/errors.md').lines.filter((line) => line.startsWith('#'));
    const missing = [...codes().keys()].filter(
      (name) => !headings.some((line) => line.includes(`\`${name}\``)),
    );
    expect(missing).toEqual([]);
  });
});
