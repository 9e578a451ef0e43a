import type { Fence } from './pages.js';

/** Everything a snippet must print, in order: what its comments beside or beneath `console.log(…)` say. */
export function promisedOutput({ page, line, lines }: Fence): string[] {
  const promised: string[] = [];
  lines.forEach((text, index) => {
    if (!text.includes('console.log(')) return;
    const beside = /console\.log\(.*\);\s+\/\/ (.*)$/.exec(text)?.[1];
    const said = beside === undefined ? commentsFrom(lines, index + 1) : [beside];
    if (said.length === 0) throw new Error(`${page}:${line + index}: nothing says what this prints`);
    promised.push(...said);
  });
  return promised;
}

function commentsFrom(lines: readonly string[], from: number): string[] {
  const comments: string[] = [];
  for (const line of lines.slice(from)) {
    const comment = /^\s*\/\/ (.*)$/.exec(line)?.[1];
    if (comment !== undefined) comments.push(comment);
    else if (comments.length > 0 || !/^\s*}\)?;?$/.test(line)) break;
  }
  return comments;
}

/** The lines that differ from what was promised, where `…` stands for anything. */
export function brokenPromises(promised: readonly string[], printed: readonly string[]): string[] {
  const broken: string[] = [];
  for (let index = 0; index < Math.max(promised.length, printed.length); index++) {
    const promise = promised[index];
    const line = printed[index];
    if (promise !== undefined && line !== undefined && matches(promise, line)) continue;
    broken.push(`promised: ${promise ?? 'nothing'}; printed: ${line ?? 'nothing'}`);
  }
  return broken;
}

function matches(promise: string, line: string): boolean {
  const parts = promise.split('…').map((part) => part.replace(/[$()*+.?[\\\]^{|}]/g, '\\$&'));
  return new RegExp(`^${parts.join('.*')}$`).test(line);
}

/** A test of `node:test` prints a report, not what it says in comments. */
export function isTest({ lines }: Fence): boolean {
  return lines.some((line) => line.endsWith("from 'node:test';"));
}

/** What went wrong in the report of a test. */
export function failedTests(report: string): string[] {
  const counts = Array.from(
    report.matchAll(/^# (pass|fail|cancelled|skipped|todo) (\d+)$/gm),
    ([, what, count]) => ({
      what,
      count: Number(count),
    }),
  );
  const wrong = counts.filter(({ what, count }) => (what === 'pass' ? count === 0 : count > 0));
  return counts.length === 0 ? ['no report'] : wrong.map(({ what, count }) => `${what} ${count}`);
}

/** Where a snippet is written to: under its own name, or one that says where it stands. */
export function fileName({ page, line, file }: Fence): string {
  return file ?? `${page.replace('docs/', '').replace('.md', '')}.${line}.ts`;
}
