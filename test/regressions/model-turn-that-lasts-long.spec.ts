import { type Conn, follow, smallWorld } from './model-small-world.js';

describe('a turn that lasts long', () => {
  it('an acquire late in it has its whole timeout', async () => {
    const { pool, clock, later, make } = smallWorld({ dial: () => later(100, make) });
    pool.tryAcquire();
    clock.stall('10s');
    const acquiring = follow(pool.acquire({ timeout: '5s' }));
    await clock.advance('1s');
    expect(acquiring.state).toBe('resolved');
    await pool.close({ drain: 0 });
  });

  it.each(['dial', 'reset'] as const)('a %s late in it has its whole timeout', async (call) => {
    const { pool, clock, later, make, conns } = smallWorld({
      dial: () => (call === 'dial' ? later(100, make) : Promise.resolve(make())),
      ...(call === 'reset' && { reset: () => later(100, () => undefined) }),
    });
    if (call === 'dial') {
      // With an earlier appointment standing nothing reads the clock again.
      void pool.acquire({ timeout: '1s' }).catch(() => undefined);
      clock.stall('12s');
      const acquiring = follow(pool.acquire({ timeout: '1m' }));
      await clock.advance('1s');
      expect([acquiring.state, pool.stats().totals.dialFailures]).toEqual(['resolved', 0]);
    } else {
      await pool.use((_conn, lease) => {
        pool.tryAcquire();
        clock.stall('12s');
        lease.release();
      });
      await clock.advance('1s');
      expect([pool.stats().idle, conns[0]?.closes]).toEqual([1, 0]);
    }
    void pool.close({ drain: 0 });
    await clock.advance('1m');
  });
});

describe('deadlines', () => {
  it('an acquire from within a timeout listener has a deadline', async () => {
    const { pool, clock } = smallWorld({}, { max: 1, acquireTimeout: '1s' });
    pool.pause();
    let second: { state: string } | undefined;
    pool.events$.subscribe((event) => {
      if (event.type === 'timeout') second ??= follow(pool.acquire({ timeout: '2s' }));
    });
    const first = follow(pool.acquire());
    await clock.advance('1h');
    expect([first.state, second?.state]).toEqual(['rejected', 'rejected']);
    await pool.close({ drain: 0 });
  });
});

describe('a failure that is told late', () => {
  it('and a success after it: nothing keeps the next dial back', async () => {
    const dials: { well: (conn: Conn) => void; badly: (error: Error) => void }[] = [];
    const dial = (): Promise<Conn> =>
      new Promise<Conn>((well, badly) => {
        dials.push({ well, badly });
      });
    const { pool, clock, make } = smallWorld({ dial }, { max: 3, dialConcurrency: 2, dialAttempts: 1 });
    pool.events$.subscribe((event) => {
      if (event.type === 'dial-failed') clock.stall(8);
    });
    const acquiring = [1, 2, 3].map(() => follow(pool.acquire({ timeout: '1s' })));
    await clock.settle();
    dials[0]?.badly(new Error('refused'));
    dials[1]?.well(make());
    await clock.settle();
    expect(acquiring.map(({ state }) => state)).toEqual(['resolved', 'pending', 'pending']);
    expect(dials).toHaveLength(4);
    void pool.close({ drain: 0 });
    await clock.advance('1m');
  });
});
