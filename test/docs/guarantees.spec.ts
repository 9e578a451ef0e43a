import { INVARIANTS } from '../model/invariants.js';
import { readPage } from './pages.js';

const ROW = /^\| ([SLM]\d+) +\| (.*?) +\| (.*?) +\|$/;

describe('docs/guarantees.md', () => {
  const rows = readPage('docs/guarantees.md').lines.flatMap((line) => {
    const [, id, sentence, files = ''] = ROW.exec(line) ?? [];
    return id === undefined
      ? []
      : [{ id, sentence, files: Array.from(files.matchAll(/`([^`]+)`/g), ([, file]) => file) }];
  });

  it('is the table of invariants: each with its sentence and the files that hold it', () => {
    const expected = INVARIANTS.map(({ id, sentence, check, tests }) => ({
      id,
      sentence,
      files: [...new Set([...(check === undefined ? [] : [check]), ...tests.map(({ file }) => file)])],
    }));
    expect(rows).toEqual(expected);
  });
});
