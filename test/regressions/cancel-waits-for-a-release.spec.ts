// First seen in puddle#17: all connections are lent, a caller's context ends, and its Acquire returns only when
// somebody releases a connection.
import { follow, poolsUnderTest } from '../core/pools-under-test.js';

describe('[R22] a caller who gives up while nothing is ever released', () => {
  const make = poolsUnderTest();

  it('by its signal is told in the same tick', async () => {
    const { pool, take } = make({ max: 1, acquireTimeout: 0 });
    await take(1);
    const abort = new AbortController();
    const caller = follow(pool.acquire({ signal: abort.signal }));
    abort.abort(new Error('enough'));
    for (let microtask = 0; microtask < 3; microtask++) await undefined;
    expect(caller.now).toMatchObject({ state: 'rejected', error: { message: 'enough' } });
    expect(pool.stats()).toMatchObject({ waiting: 0, leased: 1 });
  });

  it('by its timeout is told when it is over', async () => {
    const { pool, clock, take } = make({ max: 1 });
    await take(1);
    const caller = follow(pool.acquire({ timeout: '2s' }));
    await clock.advance('2s');
    expect(caller.now).toMatchObject({ state: 'rejected', error: { code: 'ERR_ACQUIRE_TIMEOUT' } });
    expect(pool.stats()).toMatchObject({ waiting: 0, leased: 1 });
  });
});
