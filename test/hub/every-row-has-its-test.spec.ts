import { testNames } from '../test-names.js';

const names = testNames(new URL('./', import.meta.url));

describe('the rows of what a hub must do', () => {
  it.each(Array.from({ length: 11 }, (_, i) => `W${i + 1}`))('%s has a test', (row) => {
    expect(names.some((name) => name.includes(`[${row}]`))).toBe(true);
  });
});
