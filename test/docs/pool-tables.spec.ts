import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { CLOSE_REASONS } from '../../lib/core/connector.js';
import { ConnPool } from 'nestjs-conn-pool/core';
import { readPage, ROOT, tableUnder } from './pages.js';

const page = readPage('docs/pool.md');
const namesUnder = (heading: string): string[] =>
  tableUnder(page, heading).map(([name = '']) => name.replaceAll('`', ''));

describe('the tables of docs/pool.md', () => {
  it('have every reason to close', () => {
    expect(namesUnder('What ends a connection').sort()).toEqual([...CLOSE_REASONS].sort());
  });

  it('have every event', () => {
    const source = readFileSync(join(ROOT, 'lib/core/events.ts'), 'utf8');
    const types = Array.from(source.matchAll(/extends Of\w*<'([\w-]+)'>/g), ([, type = '']) => type);
    expect(types.length).toBeGreaterThan(10);
    expect(namesUnder('Looking in').sort()).toEqual(types.sort());
  });

  it('have every call of a connector', () => {
    const source = readFileSync(join(ROOT, 'lib/core/connector.ts'), 'utf8');
    const body = source.slice(source.indexOf('export interface Connector<'));
    const methods = Array.from(body.matchAll(/^ {2}(\w+)\??\(/gm), ([, method = '']) => method);
    expect(methods).toContain('dial');
    const named = namesUnder('The connector').map((name) => name.replace(/\(.*/, ''));
    expect(named.sort()).toEqual([...new Set(methods)].sort());
  });

  it('and its list of counts has all of stats()', () => {
    const text = page.lines.join(' ');
    const counts = Object.keys(new ConnPool({ dial: () => ({}), close: () => undefined }).stats());
    expect(counts.filter((count) => !text.includes(`\`${count}\``))).toEqual([]);
  });
});
