import { testNames } from '../test-names.js';

const names = testNames(new URL('./', import.meta.url));

describe('the rows of what a socket pool must do', () => {
  it.each(Array.from({ length: 24 }, (_, i) => `V${i + 1}`))('%s has a test', (row) => {
    expect(names.some((name) => name.includes(`[${row}]`))).toBe(true);
  });
});
