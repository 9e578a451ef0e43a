import { Programs } from './program.js';

/** In kilobytes; Node's default is 984. */
const STACK = 200;

/** How many promises each chain makes and sees settled, and how many leases it gets. */
const CHAINS: Record<string, { settled: number; acquired: number }> = {
  'release in a then': { settled: 100_000, acquired: 100_001 },
  'acquire in a then, and its release in it': { settled: 100_000, acquired: 100_000 },
  'use() within use(), its lease given back': { settled: 100_000, acquired: 100_000 },
  'connections that serve once, dialled and closed at once': { settled: 10_000, acquired: 10_000 },
  'dials that fail at once': { settled: 50_000, acquired: 0 },
  'dials that fail at once, and each waiter comes back': { settled: 50 * 1000 - 49, acquired: 50 },
  'dial-failed listeners that acquire': { settled: 10_500, acquired: 0 },
  'checks that fail at once': { settled: 1, acquired: 10_000 },
  'checks that are due and fail at once, for those who wait': { settled: 10_000, acquired: 19_999 },
  'resets that fail at once, dials that answer at once': { settled: 10_000, acquired: 10_000 },
  'connections found dead one after the other': { settled: 0, acquired: 10_000 },
  'close() with a long line': { settled: 50_001, acquired: 1 },
  'one signal for a long line': { settled: 50_000, acquired: 1 },
  'a signal for each in a long line, each aborted by the one before': { settled: 50_000, acquired: 1 },
  'a long line that times out, whose listeners come back': { settled: 19_999, acquired: 1 },
  'a priority for each in line': { settled: 10_000, acquired: 10_001 },
  'closeIdle() from within close()': { settled: 10_001, acquired: 10_000 },
  'closeIdle() from within the end of the watch': { settled: 10_001, acquired: 10_000 },
  'evictAll() from within the close event': { settled: 0, acquired: 10_000 },
  'resize() from within close()': { settled: 0, acquired: 10_000 },
  'close() from within the abort listener of each lease': { settled: 10_001, acquired: 10_000 },
  'a close that kills the next connection': { settled: 0, acquired: 10_000 },
  'a close event that discards the next lease': { settled: 0, acquired: 10_000 },
  'a heartbeat that fails and asks for another': { settled: 1001, acquired: 1000 },
};

describe('a chain of synchronous steps does not deepen the stack', () => {
  const outcomes = new Map<string, unknown>();

  beforeAll(async () => {
    const programs = await Programs.compile();
    try {
      const printed = await programs.run([`--stack-size=${STACK}`], 'depth');
      for (const line of printed.trim().split('\n')) {
        const { name, ...outcome } = JSON.parse(line) as { name: string };
        outcomes.set(name, outcome);
      }
    } finally {
      await programs.remove();
    }
  }, 70_000);

  it('and every chain is run', () => {
    expect([...outcomes.keys()]).toEqual(Object.keys(CHAINS));
  });

  it.each(Object.entries(CHAINS))('%s', (name, { settled, acquired }) => {
    expect(outcomes.get(name)).toEqual({
      stuck: 0,
      left: 0,
      state: 'closed',
      settled,
      acquired,
      unhandled: [],
    });
  });
});
