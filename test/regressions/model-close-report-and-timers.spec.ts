import type { PoolEvent } from 'nestjs-conn-pool/core';
import { follow, never, smallWorld } from './model-small-world.js';

describe('close()', () => {
  it('reports what it forced when connections close at once', async () => {
    const { pool, clock } = smallWorld();
    await Promise.all([pool.acquire(), pool.acquire()]);
    const closing = follow(pool.close({ drain: 0 }));
    await clock.settle();
    expect(closing.value).toMatchObject({ closed: 2, forced: 2 });
  });

  it('leaves no timer when a listener of a timeout closes the pool', async () => {
    const { pool, clock } = smallWorld({ dial: () => never() }, { max: 2 });
    const waiting = [follow(pool.acquire({ timeout: '9s' })), follow(pool.acquire({ timeout: '5s' }))];
    pool.events$.subscribe((event: PoolEvent) => {
      if (event.type === 'timeout') void pool.close({ drain: 0 });
    });
    await clock.advance('6s');
    expect(waiting.map(({ state }) => state)).toEqual(['rejected', 'rejected']);
    expect([pool.state, clock.pending]).toEqual(['closed', 0]);
  });
});
