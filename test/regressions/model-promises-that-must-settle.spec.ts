import { follow, never, smallWorld } from './model-small-world.js';

describe('promises that must settle', () => {
  it('heartbeat({ dialIfNone }) when the pool is closed by force', async () => {
    const { pool, clock } = smallWorld({ dial: () => never() });
    const report = follow(pool.heartbeat({ dialIfNone: true }));
    await clock.settle();
    const closing = follow(pool.close({ drain: 0 }));
    await clock.advance('1h');
    expect([closing.state, report.state]).toEqual(['resolved', 'resolved']);
  });

  it('warmUp(count) when max shrinks below count', async () => {
    const { pool, clock, later, make } = smallWorld({ dial: () => later(10, make) }, { max: 5 });
    const warming = follow(pool.warmUp(5));
    pool.resize({ max: 2 });
    await clock.advance('1h');
    expect(warming).toEqual({ state: 'resolved', value: 2 });
    await pool.close();
  });

  it('closeIdle() whose close tries to borrow one of them', async () => {
    let taken: { detach(): unknown } | undefined;
    const { pool, clock } = smallWorld({
      close: (conn) => {
        conn.closes += 1;
        taken ??= pool.tryAcquire();
      },
    });
    const leases = await Promise.all([pool.acquire(), pool.acquire()]);
    leases.forEach((lease) => lease.release());
    const closing = follow(pool.closeIdle());
    await clock.settle();
    taken?.detach();
    await clock.advance('1h');
    expect([taken, closing]).toEqual([undefined, { state: 'resolved', value: 2 }]);
    await pool.close();
  });

  it('an acquire whose signal aborts while the pool asks isAlive', async () => {
    const controller = new AbortController();
    const { pool, clock } = smallWorld(
      {
        isAlive: () => {
          controller.abort(new Error('mine'));
          return false;
        },
        dial: () => (made++ === 0 ? Promise.resolve({ serial: 1, closes: 0 }) : never()),
      },
      { max: 1, acquireTimeout: 0 },
    );
    let made = 0;
    await pool.warmUp(1);
    const acquiring = follow(pool.acquire({ signal: controller.signal }));
    await clock.advance('5s');
    expect(acquiring.state).toBe('rejected');
    await pool.close({ drain: 0 });
  });
});
