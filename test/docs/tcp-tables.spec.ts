import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as core from 'nestjs-conn-pool/core';
import * as net from 'nestjs-conn-pool/net';
import * as tcp from 'nestjs-conn-pool/tcp';
import { withTcpDefaults } from '../../lib/tcp/tcp-pool-options.js';
import { readPage, ROOT, tableUnder } from './pages.js';

const page = readPage('docs/tcp.md');
const source = (path: string): string => readFileSync(join(ROOT, path), 'utf8');
const codesIn = (cell = ''): string[] => Array.from(cell.matchAll(/`([^`]+)`/g), ([, code = '']) => code);

/** The fields of an interface, in the order of the source. */
function fieldsOf(path: string, name: string): string[] {
  const code = source(path);
  const from = code.indexOf(`export interface ${name} `);
  const body = code.slice(from, code.indexOf('\n}', from));
  return Array.from(body.matchAll(/^ {2}(\w+)\??: /gm), ([, field = '']) => field);
}

const methodsOf = (...classes: { prototype: object }[]): string[] =>
  classes.flatMap(({ prototype }) => Object.getOwnPropertyNames(prototype));

const valueOf = (cell: string): unknown => new Function(`return (${codesIn(cell)[0]});`)() as unknown;

/** It stands below a drawing, which is made of bars as well. */
const wireFormat = page.lines
  .filter((line) => /^\| `\d` \| `[0-9a-f]+` `/.test(line))
  .map((line) =>
    line
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim()),
  );

describe('the tables of docs/tcp.md', () => {
  it("have every option of the pool's own", () => {
    const named = tableUnder(page, 'Options').flatMap(([cell]) => codesIn(cell));
    expect(named.sort()).toEqual(fieldsOf('lib/tcp/tcp-pool-options.ts', 'TcpPoolOptions').sort());
  });

  it('have the real defaults of the pool', () => {
    const defaults = withTcpDefaults({}).given as Record<string, unknown>;
    const { max } = new tcp.TcpPool().stats();
    for (const [option = '', value = ''] of tableUnder(page, 'Options')) {
      const [name = ''] = codesIn(option);
      const real = name === 'max' ? max : defaults[name];
      expect([name, value === 'none' ? undefined : valueOf(value)]).toEqual([name, real]);
    }
  });

  it('have every option of the server, with its default', () => {
    const rows = tableUnder(page, 'The server');
    expect(rows.flatMap(([cell]) => codesIn(cell))).toEqual(
      fieldsOf('lib/tcp/tcp-server.ts', 'TcpServerOptions'),
    );
    const drain = rows.find(([cell]) => cell === '`drain`')?.[1] ?? '';
    expect([valueOf(drain), /const DRAIN = (.*);/.exec(source('lib/tcp/tcp-server.ts'))?.[1]]).toEqual([
      '10s',
      '10_000',
    ]);
  });

  it('have every option of packages', () => {
    // The second table of its section.
    const from = page.lines.findIndex((line) => line.startsWith('| `headerSize` | `2` |'));
    const table = page.lines.slice(from, page.lines.indexOf('', from));
    expect(table.map((row) => codesIn(row)[0])).toEqual(
      fieldsOf('lib/tcp/package-format.ts', 'PackageFormatOptions'),
    );
  });

  it.each(wireFormat)('a header of %s: "hello" is %s', async (size, bytes, longest = '') => {
    const headerSize = valueOf(size) as tcp.HeaderSize;
    const [data] = new tcp.PackageDecoder({ headerSize }).push(Buffer.from(codesIn(bytes).join(''), 'hex'));
    expect(String(data)).toBe('hello');
    const most = Number(longest.replaceAll(',', ''));
    expect(() => new tcp.PackageDecoder({ headerSize, maxDataSize: most })).not.toThrow();
    expect(() => new tcp.PackageDecoder({ headerSize, maxDataSize: most + 1 })).toThrow();
  });

  it('have every error with its code', () => {
    const classes = source('lib/tcp/tcp-errors.ts').matchAll(/^export class (\w+) extends \w+ {(.*?)^}/gms);
    const errors = Array.from(classes, ([, name, body = '']) => [
      name,
      /override readonly code = '(\w+)'/.exec(body)?.[1],
    ]);
    expect(errors.length).toBeGreaterThan(8);
    const named = tableUnder(page, 'Errors').map(([name, code = '']) => {
      const isOfCause = code.startsWith('that of its');
      const isInherited = name === '`InvalidTcpOptionsError`';
      return [codesIn(name)[0], isOfCause || isInherited ? undefined : codesIn(code)[0]];
    });
    expect(named.sort()).toEqual(errors.sort());
  });

  it('name every method of a connection', () => {
    const text = page.lines.join('\n');
    const public_ = methodsOf(tcp.TcpConn, tcp.PoolConn, tcp.TcpPool, tcp.TcpServer, tcp.PackageDecoder);
    const isInternal = (name: string): boolean =>
      new RegExp(`(private|protected|@internal)[^;]{0,300}\\b${name}(<|\\()`).test(
        ['tcp-conn', 'tcp-wire', 'pool-conn', 'tcp-pool', 'tcp-server', 'package-decoder']
          .map((each) => source(`lib/tcp/${each}.ts`))
          .join('\n'),
      );
    const missing = public_.filter(
      (name) => name !== 'constructor' && !text.includes(name) && !isInternal(name),
    );
    expect(missing).toEqual([]);
  });

  it('translate the names of gtcp into names that exist', () => {
    const known = [
      ...[
        'timeout',
        'tls',
        'retry',
        'resend',
        'count',
        'interval',
        'data',
        'headerSize',
        'maxDataSize',
        'maxBytes',
      ],
      ...[
        'idleTimeout',
        'drain',
        'order',
        'fifo',
        'handler',
        'address',
        'length',
        'delimiter',
        'socket',
        'pool',
        'new',
      ],
      ...['n', 'ENd', 'end', '0'],
      ...Object.keys({ ...core, ...net, ...tcp }),
      ...methodsOf(tcp.TcpConn, tcp.PoolConn, tcp.TcpPool, tcp.TcpServer),
      ...Object.getOwnPropertyNames(tcp.TcpConn),
    ];
    const named = tableUnder(page, 'The names of gtcp').flatMap(([, here, differs]) =>
      [...codesIn(here), ...codesIn(differs)].flatMap((code) => code.match(/\w+/g) ?? []),
    );
    expect(named.length).toBeGreaterThan(60);
    expect([...new Set(named)].filter((name) => !known.includes(name))).toEqual([]);
  });
});
