import { follow, never, smallWorld } from './model-small-world.js';

describe('an abort listener that comes back into the pool', () => {
  it('a heartbeat that times out and whose listener reports the loss: one close', async () => {
    let lose: ((cause?: unknown) => void) | undefined;
    let beats = 0;
    const { pool, clock, conns } = smallWorld(
      {
        watch: (_conn, lost) => void (lose = lost),
        heartbeat: (_conn, { signal }) => {
          if ((beats += 1) === 1) return undefined;
          signal.addEventListener('abort', () => lose?.(new Error('destroyed')));
          return never();
        },
      },
      { heartbeatTimeout: '5s' },
    );
    (await pool.acquire()).release();
    const report = pool.heartbeat();
    await clock.advance('5s');
    await report;
    await clock.advance('1m');
    expect(conns[0]?.closes).toBe(1);
    expect(pool.stats()).toMatchObject({ size: 0, closing: 0 });
    await pool.close();
  });

  it('a reset that times out and whose listener reports the loss: one close', async () => {
    let lose: ((cause?: unknown) => void) | undefined;
    const { pool, clock, conns } = smallWorld({
      watch: (_conn, lost) => void (lose = lost),
      reset: (_conn, { signal }) => {
        signal.addEventListener('abort', () => lose?.(new Error('destroyed')));
        return never();
      },
      close: (conn) => {
        conn.closes += 1;
        return Promise.resolve();
      },
    });
    (await pool.acquire()).release();
    await clock.advance('1m');
    expect(conns[0]?.closes).toBe(1);
    expect(pool.stats()).toMatchObject({ size: 0, closing: 0 });
    await pool.close();
  });

  it('a lease taken by force whose listener closes the pool again: one close', async () => {
    const { pool, clock, conns } = smallWorld({
      close: async (conn) => void (conn.closes += 1),
    });
    const lease = await pool.acquire();
    lease.signal.addEventListener('abort', () => void pool.close({ drain: 0 }));
    const closing = follow(pool.close({ drain: 0 }));
    await clock.advance('1m');
    expect(conns[0]?.closes).toBe(1);
    expect(closing.state).toBe('resolved');
  });

  it('a dial given up by force whose listener closes the pool again', async () => {
    const { pool, clock } = smallWorld({
      dial: ({ signal }) => {
        signal.addEventListener('abort', () => void pool.close({ drain: 0 }));
        return never();
      },
    });
    const acquiring = follow(pool.acquire());
    const closing = follow(pool.close({ drain: '1s' }));
    await clock.advance('1m');
    expect([acquiring.state, closing.state]).toEqual(['rejected', 'resolved']);
  });
});
