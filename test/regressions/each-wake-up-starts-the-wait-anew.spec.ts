// First seen in commons-pool POOL-418 and POOL-420 (each spurious wake-up began a full wait) and in the review of
// mysql2 PR #4498 (a waiter put back in the queue got its whole timeout again: 500 ms became 2 309).
import { follow, poolsUnderTest } from '../core/pools-under-test.js';

describe('[R25] [B17] a wait has one deadline, however often the line is looked at', () => {
  const make = poolsUnderTest();

  it('and finds nothing for it', async () => {
    const { pool, clock, take } = make({ max: 1 });
    await take(1);
    const began = clock.now();
    const ended = pool.acquire({ timeout: 500 }).catch(() => clock.now() - began);
    for (let round = 0; round < 20; round++) {
      const abort = new AbortController();
      follow(pool.acquire({ signal: abort.signal }));
      abort.abort();
      pool.resize({ max: 1 });
      pool.pause();
      pool.resume();
      await clock.advance(90);
    }
    expect(await ended).toBe(500);
  });

  it('and finds it a connection that turns out dead', async () => {
    const { pool, connector, clock, take } = make(
      { max: 1, dialAttempts: 100 },
      { reset: true, heartbeat: true },
    );
    const [lease] = await take(1);
    const began = clock.now();
    const ended = pool.acquire({ timeout: 500 }).catch(() => clock.now() - began);
    connector.reset.next({ after: 200, fail: new Error('dead') });
    connector.heartbeat.always({ after: 70, fail: new Error('dead') });
    lease?.release();
    await clock.advance('5s');
    expect(await ended).toBe(500);
    expect(connector.conns.length).toBeGreaterThan(1);
  });

  it('and the connections it was to get hang one after the other', async () => {
    const { pool, clock, connector, fill } = make(
      { max: 3, acquireTimeout: '1s', heartbeatTimeout: 400, idleTimeout: 0 },
      { heartbeat: true },
    );
    await fill(3);
    clock.stall('61s');
    connector.heartbeat.always('hang');
    const started = clock.now();
    const ended = pool.acquire().then(
      () => NaN,
      () => clock.now() - started,
    );
    await clock.advance('10s');
    expect(await ended).toBe(1_000);
    connector.heartbeat.always('ok');
  });
});
