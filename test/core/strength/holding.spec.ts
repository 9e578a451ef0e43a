import { follow, poolsUnderTest } from '../pools-under-test.js';

/** `clock.refs` counts the timers that would hold a process open. */
describe('the process is held open', () => {
  const make = poolsUnderTest();

  it('while somebody waits in line, warms up or asks for a heartbeat, until the last of them has an answer', async () => {
    const { pool, clock, take, connector } = make({ max: 2 }, { heartbeat: true });
    await pool.start();
    const [lease] = await take(2);
    lease?.release();
    await clock.settle();
    expect([clock.pending, clock.refs]).toEqual([1, 0]);

    connector.heartbeat.gate();
    const heartbeat = follow(pool.heartbeat({ timeout: 300 }));
    expect(clock.refs).toBe(1);
    const waiter = follow(pool.acquire({ timeout: 100 }));
    const warm = follow(pool.warmUp(2));
    await clock.advance(99);
    expect([clock.refs, waiter.now.state, warm.now.state]).toEqual([1, 'pending', 'resolved']);
    await clock.advance(1);
    expect([clock.refs, waiter.now.state, heartbeat.now.state]).toEqual([1, 'rejected', 'pending']);
    await clock.advance(200);
    expect(heartbeat.now.state).toBe('resolved');
    expect(clock.pending).toBe(1);
    expect(clock.refs).toBe(0);
  });

  it('by a warm-up as well as by a waiter, each for itself', async () => {
    const { pool, clock, connector } = make({ max: 2, dialTimeout: '1m', acquireTimeout: 0 });
    const gate = connector.dial.gate();
    connector.dial.gate();
    const abort = new AbortController();
    void follow(pool.acquire({ signal: abort.signal }));
    void follow(pool.warmUp(2));
    await clock.settle();
    expect(clock.refs).toBe(1);
    abort.abort();
    await clock.settle();
    expect(clock.refs).toBe(1);
    gate.resolve();
    await clock.settle();
    expect(clock.refs).toBe(1);
    await clock.advance('1m');
    expect(clock.refs).toBe(0);
  });

  it('no longer than that, however many have waited and however they ended', async () => {
    const { pool, clock, take } = make({ max: 1, acquireTimeout: 1_000 });
    await pool.start();
    for (let round = 0; round < 3; round++) {
      const [lease] = await take(1);
      const waiters = [1, 2, 3].map(() => pool.acquire().then((got) => got.release()));
      const late = follow(pool.acquire({ timeout: 10 }));
      await clock.advance(10);
      expect(late.now.state).toBe('rejected');
      expect(clock.refs).toBe(1);
      lease?.release();
      await Promise.all([...waiters, clock.settle()]);
      expect(clock.refs).toBe(0);
      expect(clock.pending).toBe(1);
    }
  });

  it('while the pool drains', async () => {
    const { pool, clock, take } = make({ max: 1 });
    const [lease] = await take(1);
    expect(clock.refs).toBe(0);
    void pool.close({ drain: '1m' });
    expect(clock.refs).toBe(1);
    lease?.release();
    await clock.settle();
    expect([pool.state, clock.refs, clock.pending]).toEqual(['closed', 0, 0]);
  });
});
