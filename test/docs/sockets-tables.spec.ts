import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as core from 'nestjs-conn-pool/core';
import * as net from 'nestjs-conn-pool/net';
import { OPTION_NAMES, resolveOptions } from '../../lib/core/options.js';
import { resolveSocketOptions, type SocketPoolOptions } from '../../lib/net/socket-options.js';
import { readPage, ROOT, tableUnder } from './pages.js';

const page = readPage('docs/sockets.md');
const text = page.lines.join(' ');
const source = (path: string): string => readFileSync(join(ROOT, path), 'utf8');
const codesIn = (cell = ''): string[] => Array.from(cell.matchAll(/`([^`]+)`/g), ([, code = '']) => code);
const namesUnder = (heading: string): string[] =>
  tableUnder(page, heading).flatMap(([cell]) => codesIn(cell));

/** The fields of an interface, in the order of the source. */
function fieldsOf(path: string, name: string): string[] {
  const code = source(path);
  const from = code.indexOf(`export interface ${name} `);
  const body = code.slice(from, code.indexOf('\n}', from));
  return Array.from(body.matchAll(/^ {2}(\w+)\??: /gm), ([, field = '']) => field);
}

/** Defaults that are no values. */
const IN_WORDS = new Map<string, unknown>([
  ['none', undefined],
  ["Node's sockets", undefined],
]);

describe('the tables of docs/sockets.md', () => {
  const own = fieldsOf('lib/net/socket-options.ts', 'SocketPoolOptions');
  const rows = tableUnder(page, 'Options').map(
    ([option, value = '']) => [codesIn(option)[0] ?? '', value] as const,
  );
  const resolved = (options: SocketPoolOptions): object => {
    const { engine, ...rest } = resolveSocketOptions(options);
    return { ...rest, engine: resolveOptions(engine) };
  };

  it('have every option of its own', () => {
    expect(own.length).toBeGreaterThan(10);
    expect(rows.map(([option]) => option).sort()).toEqual([...own].sort());
  });

  it.each(rows)('%s: %s is the default', (option, value) => {
    const given = IN_WORDS.has(value)
      ? undefined
      : (new Function(`return (${codesIn(value)[0]});`)() as unknown);
    expect(resolved({ [option]: given })).toEqual(resolved({}));
  });

  it('are followed by every option that it shares with all pools', () => {
    const shared = OPTION_NAMES.filter(
      (name) => !own.includes(name) && !['min', 'meta', 'startup', 'dialTimeout'].includes(name),
    );
    const paragraph = /The rest is as in .*?\. /.exec(text)?.[0];
    expect(codesIn(paragraph).sort()).toEqual([...shared].sort());
  });

  it('have every option of a dial', () => {
    const options = ['SocketAcquireOptions', 'SocketDialOptions'].flatMap((name) =>
      fieldsOf('lib/net/socket-pool.ts', name),
    );
    // The second table of its section.
    const from = page.lines.findIndex((line) => line.startsWith('| `signal` |'));
    const table = page.lines.slice(from, page.lines.indexOf('', from));
    expect(table.map((row) => codesIn(row)[0])).toEqual(options);
  });

  it('have every network', () => {
    const list = /const NETWORKS = \[(.*?)\]/.exec(source('lib/net/address.ts'))?.[1] ?? '';
    expect(namesUnder('Dialling').filter((code) => code.startsWith("'"))).toEqual(list.split(', '));
  });

  it('have everything that can become of idle data', () => {
    const type = /export type IdleData = (.*);/.exec(source('lib/net/socket-watches.ts'))?.[1] ?? '';
    expect(namesUnder('Data that arrives while idle')).toEqual(type.split(' | '));
  });

  it('have every error with its code', () => {
    const classes = source('lib/net/net-errors.ts').matchAll(
      /export class (\w+) [^]*?override readonly code = '(\w+)'/g,
    );
    const errors = Array.from(classes, ([, name, code]) => [name, code]);
    expect(errors.length).toBeGreaterThan(5);
    const named = tableUnder(page, 'Errors').map(([name, code]) => [codesIn(name)[0], codesIn(code)[0]]);
    expect(named.sort()).toEqual(errors.sort());
  });

  it('translate the names of vconnpool into names that exist', () => {
    const known = [
      ...own,
      ...['signal', 'timeout', 'fresh', 'drain', 'network', 'address'],
      ...Object.keys({ ...core, ...net }),
      ...[net.SocketPool, net.PooledSocket].flatMap(({ prototype }) => Object.getOwnPropertyNames(prototype)),
    ];
    const named = tableUnder(page, 'The names of vconnpool').flatMap(([, here]) =>
      codesIn(here).flatMap((code) => code.replace('socket.', '').match(/\w+/g) ?? []),
    );
    expect(named.length).toBeGreaterThan(25);
    const variables = ['socket', 'true'];
    expect(named.filter((name) => ![...known, ...variables].includes(name))).toEqual([]);
  });
});
