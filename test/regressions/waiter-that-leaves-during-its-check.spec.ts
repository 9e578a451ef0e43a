// First seen in tarn PR #68 and node-mssql#1322: the waiter is rejected while its connection is being validated; the
// connection turns out sound, and belongs to nobody.
import { follow, poolsUnderTest, rejection } from '../core/pools-under-test.js';

describe('[B19] a waiter that leaves while its connection is being checked', () => {
  const make = poolsUnderTest();

  it('by its signal: the connection stays', async () => {
    const { pool, connector, clock, fill } = make({ idleTimeout: 0 }, { heartbeat: true });
    await fill(1);
    clock.stall('61s');
    const checking = connector.heartbeat.gate();
    const abort = new AbortController();
    const acquiring = rejection(pool.acquire({ signal: abort.signal }));
    await clock.settle();
    abort.abort(new Error('user left'));
    await acquiring;
    checking.resolve();
    await clock.settle();
    expect(pool.stats()).toMatchObject({ idle: 1, size: 1, checking: 0 });
    expect(connector.close.count).toBe(0);
  });

  it('by its timeout: the connection goes to the next', async () => {
    const { pool, connector, clock, fill } = make({ max: 1, idleTimeout: 0 }, { heartbeat: true });
    await fill(1);
    clock.stall('61s');
    const checking = connector.heartbeat.gate();
    const first = follow(pool.acquire({ timeout: 100 }));
    const second = follow(pool.acquire());
    await clock.advance(100);
    checking.resolve();
    await clock.settle();
    expect(first.now).toMatchObject({ error: { code: 'ERR_ACQUIRE_TIMEOUT', phase: 'check' } });
    expect(second.now).toMatchObject({ state: 'resolved', value: { conn: connector.conns[0] } });
  });
});
