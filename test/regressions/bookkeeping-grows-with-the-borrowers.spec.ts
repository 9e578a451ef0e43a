// First seen in HikariCP#1186: connections are borrowed by the threads of one group and given back by those of another,
// and the list of each thread that only ever gives back grows until memory is full. Async contexts are the threads
// here.
import { AsyncLocalStorage } from 'node:async_hooks';
import { garbageCollector } from '../core/garbage-collector.js';
import { poolsUnderTest } from '../core/pools-under-test.js';

describe('[R30] a pool remembers nothing of who borrowed and who gave back', () => {
  const make = poolsUnderTest();

  it('after a thousand who borrowed in one context, under a signal, and gave back in another', async () => {
    const { pool, clock, take } = make({ max: 1, leakThreshold: '1m' });
    const collect = garbageCollector();
    const storage = new AsyncLocalStorage<object>();
    let [lease] = await take(1);
    const refs: WeakRef<object>[] = [];
    const borrowNext = async (): Promise<void> => {
      const [borrower, returner, abort] = [{}, {}, new AbortController()];
      refs.push(new WeakRef(borrower), new WeakRef(returner), new WeakRef(abort.signal));
      const next = storage.run(borrower, () => pool.acquire({ signal: abort.signal }));
      storage.run(returner, () => lease?.release());
      lease = await next;
    };
    for (let round = 0; round < 1_000; round++) await borrowNext();
    await clock.settle();
    await collect();
    // The last borrower is remembered with its lease, and a WeakRef lives as long as the turn in which it was made.
    expect(refs.filter((ref) => ref.deref() !== undefined).length).toBeLessThan(15);
    expect(pool.inspect()).toHaveLength(1);
  });
});
