import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The checkout. */
export const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** A block of code in a page. */
export interface Fence {
  /** Of the page, from the checkout on. */
  readonly page: string;
  /** Of the first line of code, from 1. */
  readonly line: number;
  readonly language: string;
  readonly lines: readonly string[];
  /** What `<!-- file: name -->` above it calls it: other snippets can import it. */
  readonly file: string | undefined;
}

/** A page for users. */
export interface Page {
  /** From the checkout on. */
  readonly path: string;
  readonly lines: readonly string[];
  readonly fences: readonly Fence[];
}

/** README.md and all of docs/. */
export function pages(): Page[] {
  const docs = readdirSync(join(ROOT, 'docs')).filter((name) => name.endsWith('.md'));
  return ['README.md', ...docs.sort().map((name) => `docs/${name}`)].map(readPage);
}

export function readPage(path: string): Page {
  const lines = readFileSync(join(ROOT, path), 'utf8').split('\n');
  return { path, lines, fences: fencesOf(path, lines) };
}

function fencesOf(page: string, lines: readonly string[]): Fence[] {
  const fences: Fence[] = [];
  let open: { from: number; language: string } | undefined;
  lines.forEach((line, index) => {
    const mark = /^\s*```(.*)$/.exec(line);
    if (mark === null) return;
    if (open === undefined) {
      open = { from: index + 1, language: mark[1] ?? '' };
      return;
    }
    const { from, language } = open;
    open = undefined;
    const code = lines.slice(from, index);
    fences.push({ page, line: from + 1, language, lines: code, file: fileAbove(lines, from - 1) });
  });
  if (open !== undefined) throw new Error(`${page}:${open.from}: this fence is never closed`);
  return fences;
}

function fileAbove(lines: readonly string[], fence: number): string | undefined {
  const above = lines.slice(0, fence).findLast((line) => line.trim() !== '');
  return /^<!-- file: (\S+) -->$/.exec(above ?? '')?.[1];
}

/**
 * The cells of the rows of the table beneath a heading.
 *
 * @param skip - how many rows to leave out; default 2, its head and the line beneath that
 */
export function tableUnder(page: Page, heading: string, skip = 2): string[][] {
  const start = page.lines.findIndex((line) => /^#+ /.test(line) && line.replace(/^#+ /, '') === heading);
  if (start < 0) throw new Error(`${page.path} has no heading "${heading}"`);
  const from = page.lines.findIndex((line, index) => index > start && line.startsWith('|'));
  const rows: string[][] = [];
  for (const line of page.lines.slice(from)) {
    if (!line.startsWith('|')) break;
    rows.push(cellsOf(line));
  }
  return rows.slice(skip);
}

function cellsOf(row: string): string[] {
  // A pipe within code is written `\|`.
  const cells = row.split(/(?<!\\)\|/).slice(1, -1);
  return cells.map((cell) => cell.trim().replaceAll('\\|', '|'));
}
