import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Fence, pages, ROOT } from './pages.js';

/** What npm does by itself; `start` and `test` are scripts all the same. */
const NPM = ['ci', 'cit', 'pack'];
const LANGUAGES = ['ts', 'bash', 'dotenv', 'text', 'yaml'];

const { scripts } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
  scripts: Record<string, string>;
};
const fences = pages().flatMap((page) => page.fences);

describe('the commands in the pages', () => {
  it('exist', () => {
    const shell = fences.filter(({ language }) => language === 'bash');
    expect(shell.length).toBeGreaterThan(0);
    expect(shell.flatMap(commandsOf).filter(({ command }) => !exists(command))).toEqual([]);
  });

  it('are in no language that nothing checks', () => {
    const others = fences.filter(({ language }) => !LANGUAGES.includes(language));
    expect(others.map(({ page, line, language }) => `${page}:${line} ${language}`)).toEqual([]);
  });
});

function commandsOf({ page, line, lines }: Fence): { place: string; command: string }[] {
  return lines.flatMap((text, index) =>
    text
      .replace(/\s# .*$/, '')
      .split('&&')
      .map((command) => ({ place: `${page}:${line + index}`, command: command.trim() }))
      .filter(({ command }) => command !== ''),
  );
}

function exists(command: string): boolean {
  const [program, first = '', second = ''] = command.split(/\s+/).filter((word) => !/^[A-Z_]+=/.test(word));
  if (program === 'curl') return true;
  if (program === 'npx') return existsSync(join(ROOT, 'node_modules/.bin', first));
  if (program !== 'npm') return false;
  if (first === 'run') return second in scripts;
  return NPM.includes(first) || first in scripts;
}
