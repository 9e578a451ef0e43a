import { OPTION_NAMES, resolveOptions } from '../../lib/core/options.js';
import { type ConnPoolOptions, ConnPool } from 'nestjs-conn-pool/core';
import { readPage, tableUnder } from './pages.js';

/** Defaults that are no values. */
const IN_WORDS = new Map<string, unknown>([
  ['as `max`', undefined],
  ['none', undefined],
  ["the system's", undefined],
  ['off', Infinity],
]);

describe('the table of options', () => {
  const rows = tableUnder(readPage('README.md'), 'Options').map(([option = '', text = '']) => ({
    option: option.replaceAll('`', ''),
    text,
  }));
  const defaults = resolveOptions({}) as unknown as Record<string, unknown>;

  it('has every option', () =>
    expect(rows.map(({ option }) => option).sort()).toEqual([...OPTION_NAMES].sort()));

  it.each(rows.map(({ option, text }) => [option, text] as const))(
    '%s: %s is the default',
    (option, text) => {
      const given = { [option]: valueOf(text) } as ConnPoolOptions;
      expect((resolveOptions(given) as unknown as Record<string, unknown>)[option]).toEqual(defaults[option]);
      if (text.startsWith('`')) expect(defaults[option]).toBeDefined();
    },
  );

  it('says what a pool does: maxIdle follows max', () => {
    const pool = new ConnPool({ dial: () => ({}), close: () => undefined }, { max: 7 });
    expect(pool.stats().maxIdle).toBe(7);
  });

  it('has a paragraph in docs/options.md for each', () => {
    const { lines } = readPage('docs/options.md');
    const headings = lines.filter((line) => line.startsWith('#')).join('\n');
    expect(OPTION_NAMES.filter((name) => !headings.includes(`\`${name}\``))).toEqual([]);
  });
});

/** The value that a cell shows as code. */
function valueOf(text: string): unknown {
  if (IN_WORDS.has(text)) return IN_WORDS.get(text);
  const code = /^`(.*)`$/.exec(text)?.[1];
  if (code === undefined) throw new Error(`"${text}" is neither code nor a known word`);
  return new Function(`return (${code});`)() as unknown;
}
