import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { type Page, pages, readPage, ROOT } from './pages.js';

const LINK = /\[[^\]]*\]\(([^)\s]+)\)/g;

describe('the links of the pages', () => {
  it.each(pages().map((page) => [page.path, page] as const))('%s leads nowhere wrong', (_path, page) => {
    expect(linksOf(page).filter((link) => !resolves(page, link))).toEqual([]);
  });

  it('reach every page of docs/ from the README', () => {
    const reached = linksOf(readPage('README.md'));
    const missing = pages().filter(({ path }) => path !== 'README.md' && !reached.includes(path));
    expect(missing.map(({ path }) => path)).toEqual([]);
  });
});

function linksOf({ lines, fences }: Page): string[] {
  const code = new Set(fences.flatMap((fence) => fence.lines.map((_line, index) => fence.line + index)));
  const text = lines.filter((_line, index) => !code.has(index + 1)).join('\n');
  return Array.from(text.matchAll(LINK), ([, link = '']) => link);
}

function resolves(page: Page, link: string): boolean {
  if (/^https?:/.test(link)) return true;
  const [path = '', anchor] = link.split('#');
  const target = path === '' ? page.path : join(dirname(page.path), path);
  if (!existsSync(join(ROOT, target))) return false;
  return anchor === undefined || anchorsOf(readPage(target)).includes(anchor);
}

/** As GitHub makes them of headings. */
function anchorsOf({ lines }: Page): string[] {
  const headings = lines.filter((line) => /^#+ /.test(line)).map((line) => line.replace(/^#+ /, ''));
  return headings.map((text) =>
    text
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\s_-]/gu, '')
      .replaceAll(' ', '-'),
  );
}
