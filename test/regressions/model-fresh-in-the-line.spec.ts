import { follow, never, smallWorld } from './model-small-world.js';

describe('the line', () => {
  it('a due idle connection is checked for a waiter while a dial is made for a fresh one', async () => {
    let dials = 0;
    const { pool, clock, make } = smallWorld(
      { dial: async () => ((dials += 1) === 1 ? make() : never()), heartbeat: async () => undefined },
      { max: 2, idleTimeout: 0, acquireTimeout: '5s' },
    );
    (await pool.acquire()).release();
    await clock.advance('61s');
    const fresh = follow(pool.acquire({ fresh: true }));
    const regular = follow(pool.acquire());
    await clock.advance('1s');
    expect(regular.state).toBe('resolved');
    await clock.advance('10s');
    expect(fresh.state).toBe('rejected');
    await pool.close({ drain: 0 });
    await clock.advance('1m');
  });

  it('overflow: a fresh acquire is dialled for although a check is running', async () => {
    let beats = 0;
    let dials = 0;
    const { pool, clock, make } = smallWorld(
      {
        dial: async () => ((dials += 1), make()),
        heartbeat: () => ((beats += 1) === 2 ? never() : undefined),
      },
      { max: 1, exhausted: 'overflow' },
    );
    (await pool.acquire()).release();
    void pool.heartbeat();
    const fresh = follow(pool.acquire({ fresh: true }));
    await clock.advance('1s');
    expect([dials, fresh.state]).toEqual([2, 'resolved']);
    await pool.close({ drain: 0 });
    await clock.advance('1m');
  });

  it('nothing is dialled for a fresh acquire when making room has closed the pool', async () => {
    let dials = 0;
    const { pool, clock, make } = smallWorld({ dial: async () => ((dials += 1), make()) }, { max: 1 });
    (await pool.acquire()).release();
    pool.events$.subscribe((event) => {
      if (event.type === 'close') void pool.close({ drain: 0 });
    });
    const fresh = follow(pool.acquire({ fresh: true }));
    await clock.settle();
    expect([dials, fresh.state, pool.state, pool.stats().size]).toEqual([1, 'rejected', 'closed', 0]);
  });

  it('a fresh acquire at the head is not overtaken for ever', async () => {
    const { pool, clock } = smallWorld({}, { max: 1, acquireTimeout: 0 });
    let lease = await pool.acquire();
    const fresh = follow(pool.acquire({ fresh: true }));
    for (let round = 0; round < 50; round += 1) {
      const next = pool.acquire();
      next.catch(() => undefined);
      lease.release();
      await clock.settle();
      if (fresh.state === 'resolved') break;
      lease = await next;
    }
    expect(fresh.state).toBe('resolved');
    void pool.close({ drain: 0 });
    await clock.advance('1m');
  });
});
