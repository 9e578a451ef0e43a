// First seen in node-mongodb-native PR #2388 (NODE-2413): who cancels stays in the queue until a connection is free;
// while none is, memory fills with them.
import { garbageCollector } from '../core/garbage-collector.js';
import { follow, poolsUnderTest } from '../core/pools-under-test.js';

describe('[B14] waiters that gave up while no connection came', () => {
  const make = poolsUnderTest();

  it('are forgotten: nothing of them stays in memory', async () => {
    const { pool, take } = make({ max: 1, acquireTimeout: 0 });
    await take(1);
    const collect = garbageCollector();
    const gone = await (async () => {
      const refs: WeakRef<object>[] = [];
      for (let i = 0; i < 100; i++) {
        const abort = new AbortController();
        const waiting = pool.acquire({ signal: abort.signal });
        refs.push(new WeakRef(waiting), new WeakRef(abort.signal));
        abort.abort();
        await waiting.catch(() => undefined);
      }
      return refs;
    })();
    await collect();
    expect(gone.filter((ref) => ref.deref() !== undefined).length).toBeLessThan(5);
  });

  it('leave nothing behind after many: no listener, no timer, no place in the line', async () => {
    const { pool, clock, take } = make({ max: 1 });
    await take(1);
    const keep = new AbortController();
    follow(pool.acquire({ signal: keep.signal }));
    for (let i = 0; i < 20_000; i++) {
      const abort = new AbortController();
      const waiting = pool.acquire({ signal: abort.signal });
      abort.abort(i);
      await waiting.catch(() => undefined);
    }
    expect(pool.stats()).toMatchObject({ waiting: 1, totals: { aborted: 20_000 } });
    await clock.settle();
    expect(clock.pending).toBeLessThan(5);
  });
});
