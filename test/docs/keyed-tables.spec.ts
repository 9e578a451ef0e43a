import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { KeyedConnPool, type KeyedConnPoolOptions } from 'nestjs-conn-pool/core';
import { resolveKeyedOptions } from '../../lib/core/keyed-options.js';
import { readPage, ROOT, tableUnder } from './pages.js';

const page = readPage('docs/keyed-pool.md');
const rows = tableUnder(page, 'Options').map(
  ([option = '', value = '']) => [option.replaceAll('`', ''), value] as const,
);
const connector = { dial: () => ({}), close: () => undefined };

describe('the tables of docs/keyed-pool.md', () => {
  it('have every option of its own', () => {
    const code = readFileSync(join(ROOT, 'lib/core/keyed-options.ts'), 'utf8');
    const from = code.indexOf('export interface KeyedConnPoolOptions<');
    const body = code.slice(from, code.indexOf('\n}', from));
    const options = Array.from(body.matchAll(/^ {2}(\w+)\??: /gm), ([, option = '']) => option);
    // That one is as for every pool.
    const own = options.filter((option) => option !== 'maxWaiting');
    expect(own.length).toBeGreaterThan(4);
    expect(rows.map(([option]) => option).sort()).toEqual([...own].sort());
  });

  it.each(rows.filter(([, value]) => value.startsWith('`')))('%s: %s is the default', (option, value) => {
    const resolved = (options: KeyedConnPoolOptions<string>): object => {
      const { keyOf: _keyOf, ...rest } = resolveKeyedOptions(options, []);
      return rest;
    };
    expect(resolved({ [option]: Number(value.replaceAll('`', '')) })).toEqual(resolved({}));
  });

  it.each(rows.filter(([, value]) => value.startsWith('as ')))('%s is %s', (option, value) => {
    const followed = value.replace(/^as `(\w+)`$/, '$1');
    const { max, maxIdle, each } = resolveKeyedOptions({ max: 50, [followed]: 7 }, []);
    const all: Record<string, unknown> = { max, maxIdle, maxPerKey: each.max, maxIdlePerKey: each.maxIdle };
    expect(all[option]).toBe(7);
  });

  it('have every method that a pool by keys has for running it, and name those it has not', () => {
    const methods = tableUnder(page, 'Running the pool').flatMap(
      ([cell = '']) => cell.match(/\w+(?=\()/g) ?? [],
    );
    const pool = new KeyedConnPool(connector) as unknown as Record<string, unknown>;
    expect(methods.filter((method) => typeof pool[method] !== 'function')).toEqual([]);
    const missing = /There is no `(\w+)\(\)`, `(\w+)\(\)` and `(\w+)\(\)`/
      .exec(page.lines.join(' '))
      ?.slice(1);
    expect(missing).toHaveLength(3);
    expect(missing?.filter((method) => pool[method] !== undefined)).toEqual([]);
  });
});
