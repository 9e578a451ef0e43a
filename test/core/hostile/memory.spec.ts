import { Programs } from './program.js';

const KINDS = [
  'acquire and release',
  'acquire and release under a signal that lives long',
  'acquire and abort, a signal for each',
  'acquire and abort, one signal for a thousand',
] as const;

/** What a leak of one byte for each of the last 900,000 cycles would come to; the heap's own noise is a tenth of it. */
const LEAST_LEAK = 900_000;

describe('a million cycles leave the heap as it was', () => {
  const outcomes = new Map<string, { grown: number; waiting: number; ended: number }>();

  beforeAll(async () => {
    const programs = await Programs.compile();
    try {
      const printed = await programs.run(['--expose-gc'], 'memory');
      for (const line of printed.trim().split('\n')) {
        const { name, ...outcome } = JSON.parse(line) as {
          name: string;
          grown: number;
          waiting: number;
          ended: number;
        };
        outcomes.set(name, outcome);
      }
    } finally {
      await programs.remove();
    }
  }, 70_000);

  it.each(KINDS)('%s', (name) => {
    const outcome = outcomes.get(name);
    expect(outcome?.grown).toBeLessThan(LEAST_LEAK);
    expect(outcome?.waiting).toBe(0);
    expect(outcome?.ended).toBeGreaterThanOrEqual(1_000_000);
  });
});
