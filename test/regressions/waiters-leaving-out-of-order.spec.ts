// First seen in node-redis#3397 (PR #3401, its second defect): waiters whose timeouts come out of order are unlinked by
// a stale `previous`, and the queue falls apart.
import { poolsUnderTest } from '../core/pools-under-test.js';

describe('[B16] the line', () => {
  const make = poolsUnderTest();

  it('stays whole when waiters leave it in any order', async () => {
    const { pool, take, clock } = make({ max: 1 });
    let seed = 7;
    const dice = (sides: number) => (seed = (seed * 48_271) % 2_147_483_647) % sides;
    for (let round = 0; round < 20; round++) {
      const lease = (await take(1))[0];
      const waiters = Array.from({ length: 40 }, (_, i) => ({
        i,
        abort: new AbortController(),
        priority: dice(3),
      }));
      const served: number[] = [];
      for (const { i, abort, priority } of waiters)
        pool.acquire({ signal: abort.signal, priority }).then(
          (got) => {
            served.push(i);
            got.release();
          },
          () => undefined,
        );
      const staying = [...waiters];
      for (let leaving = 0; leaving < 30; leaving++)
        staying.splice(dice(staying.length), 1)[0]?.abort.abort();
      expect(pool.stats().waiting).toBe(10);
      lease?.release();
      await clock.settle();
      const expected = [...staying].sort((a, b) => b.priority - a.priority || a.i - b.i).map(({ i }) => i);
      expect(served).toEqual(expected);
    }
  });
});
