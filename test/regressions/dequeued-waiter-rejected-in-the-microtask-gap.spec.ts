// First seen in cockatiel 3.2.1, bulkhead(1, 1): A runs, B is queued. A ends; B is taken off the queue and starts a
// microtask later. In that gap C and D arrive: C runs, D is queued, and B, finding both places taken, is rejected.
import { poolsUnderTest } from '../core/pools-under-test.js';

describe('[R23] one place, one may wait: A has it, B waits, A ends, C and D arrive', () => {
  const make = poolsUnderTest();

  it.each([0, 1, 2, 3, 4, 5, 6, 7])('%i microtasks later: B is next, then C', async (gap) => {
    const { pool, clock, take } = make({ max: 1, maxWaiting: 1 });
    const [a] = await take(1);
    const ran: string[] = [];
    const refused: string[] = [];
    const arrive = (name: string) =>
      void pool.use(() => void ran.push(name)).catch(() => void refused.push(name));
    arrive('B');
    a?.release();
    for (let passed = 0; passed < gap; passed++) await undefined;
    arrive('C');
    arrive('D');
    await clock.settle();
    expect(ran.slice(0, 2)).toEqual(['B', 'C']);
    expect([...ran, ...refused]).toEqual(['B', 'C', 'D']);
  });
});
