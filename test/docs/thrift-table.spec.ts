import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { readPage, ROOT, tableUnder } from './pages.js';

describe('the table of docs/thrift.md', () => {
  it('has every option', () => {
    // As text: what it belongs to imports the thrift package, which not every test environment can load.
    const source = readFileSync(join(ROOT, 'lib/thrift/thrift-options.ts'), 'utf8');
    const from = source.indexOf('export interface ThriftConnectorOptions<');
    const body = source.slice(from, source.indexOf('\n}', from));
    const options = Array.from(body.matchAll(/^ {2}(\w+)\??: /gm), ([, option = '']) => option);
    const named = tableUnder(readPage('docs/thrift.md'), 'Options').map(([name = '']) =>
      name.replaceAll('`', ''),
    );
    expect(named.sort()).toEqual(options.sort());
  });
});
