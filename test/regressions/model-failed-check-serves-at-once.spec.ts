import { follow, never, smallWorld } from './model-small-world.js';

/** The line had counted on the connection that was being checked, and nobody told it that this one will not come. */
describe('a waiter whose connection fails its check, while there is room for another', () => {
  it.each([
    ['by an error', () => Promise.reject(new Error('dead'))],
    ['by its silence', () => never()],
  ])('%s: another is dialled at once, although the close hangs', async (_how, fails) => {
    let beats = 0;
    const { pool, clock } = smallWorld(
      { close: () => never(), heartbeat: () => ((beats += 1) === 2 ? fails() : undefined) },
      { max: 2, idleTimeout: 0, heartbeatTimeout: '1s', closeTimeout: '1m' },
    );
    (await pool.acquire()).release();
    await clock.advance('61s');
    const acquiring = follow(pool.acquire());
    await clock.advance('1s');
    expect([acquiring.state, pool.stats().closing]).toEqual(['resolved', 1]);
    void pool.close({ drain: 0 });
    await clock.advance('2m');
  });

  it('of a reset', async () => {
    const { pool, clock } = smallWorld(
      { close: () => never(), reset: () => never() },
      { max: 2, resetTimeout: '1s', closeTimeout: '1m' },
    );
    (await pool.acquire()).release();
    const acquiring = follow(pool.acquire());
    await clock.advance('1s');
    expect([acquiring.state, pool.stats().closing]).toEqual(['resolved', 1]);
    void pool.close({ drain: 0 });
    await clock.advance('2m');
  });

  it('of a connection that dies while it is checked', async () => {
    let lose: ((cause?: unknown) => void) | undefined;
    let beats = 0;
    const { pool, clock } = smallWorld(
      {
        close: () => never(),
        heartbeat: () => ((beats += 1) === 2 ? never() : undefined),
        watch: (_conn, lost) => void (lose = lost),
      },
      { max: 2, idleTimeout: 0, closeTimeout: '1m' },
    );
    (await pool.acquire()).release();
    await clock.advance('61s');
    const acquiring = follow(pool.acquire());
    await clock.settle();
    lose?.(new Error('gone'));
    await clock.settle();
    expect([acquiring.state, pool.stats().closing]).toEqual(['resolved', 1]);
    void pool.close({ drain: 0 });
    await clock.advance('2m');
  });
});
