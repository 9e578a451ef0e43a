import { jest } from '@jest/globals';
import { follow, poolsUnderTest, rejection } from '../pools-under-test.js';

describe('heartbeat()', () => {
  const make = poolsUnderTest();

  it('waits for as long as it takes with a timeout of 0', async () => {
    const { pool, clock, fill, connector } = make({ heartbeatTimeout: '1h' }, { heartbeat: true });
    await fill(1);
    const gate = connector.heartbeat.gate();
    const asked = follow(pool.heartbeat({ timeout: 0 }));
    await clock.advance('59m');
    expect(asked.now.state).toBe('pending');
    gate.resolve();
    await clock.settle();
    expect(asked.now).toMatchObject({ state: 'resolved', value: { checked: 1, healthy: 1, failed: 0 } });
  });

  it('says of an answer that is late that it is late', async () => {
    const { pool, clock, fill, connector } = make({ name: 'thrift' }, { heartbeat: true });
    await fill(1);
    connector.heartbeat.gate();
    const asked = follow(pool.heartbeat({ timeout: 70 }));
    await clock.advance(70);
    expect(asked.now).toMatchObject({
      state: 'resolved',
      value: {
        ...{ checked: 1, healthy: 0, failed: 1, latencyMs: 70 },
        cause: { message: 'Pool "thrift": heartbeat gave no answer within 70 ms.' },
      },
    });
  });

  it('is refused with the reason of a signal that has aborted, and asks nobody', async () => {
    const { pool, fill, connector } = make({}, { heartbeat: true });
    await fill(1);
    const reason = new Error('enough');
    const asked = connector.heartbeat.count;
    expect(await rejection(pool.heartbeat({ signal: AbortSignal.abort(reason) }))).toBe(reason);
    expect(connector.heartbeat.count).toBe(asked);
  });
});

describe('two heartbeats at once', () => {
  const make = poolsUnderTest();

  it('share one check of each connection, and both report on it', async () => {
    const { pool, fill, connector, clock } = make({}, { heartbeat: true });
    await fill(1);
    const before = connector.heartbeat.count;
    const gate = connector.heartbeat.gate();
    const both = [follow(pool.heartbeat()), follow(pool.heartbeat())];
    gate.resolve();
    await clock.settle();
    const report = { checked: 1, healthy: 1, failed: 0, latencyMs: 0 };
    expect(both.map(({ now }) => now)).toEqual([
      { state: 'resolved', value: report },
      { state: 'resolved', value: report },
    ]);
    expect(connector.heartbeat.count - before).toBe(1);
  });
});

describe('a check that fails', () => {
  const make = poolsUnderTest();

  it('has the other idle ones checked at once, though they are not due yet', async () => {
    const { pool, fill, connector, clock } = make(
      { max: 3, heartbeatInterval: 100, idleTimeout: 0 },
      { heartbeat: true },
    );
    await pool.start();
    await fill(1);
    await clock.advance(50);
    const leases = [await pool.acquire(), await pool.acquire(), await pool.acquire()];
    for (const lease of leases.reverse()) lease.release();
    await clock.advance(50);
    (await pool.acquire()).release();
    const before = connector.heartbeat.count;
    connector.heartbeat.next('fail');
    await clock.advance(50);
    expect(connector.heartbeat.count - before).toBe(3);
    expect(pool.stats()).toMatchObject({ idle: 2, totals: { heartbeatFailures: 1 } });
  });

  it('is none for one that is lent while the others are asked', async () => {
    const { pool, fill, connector, clock } = make({ max: 3 }, { heartbeat: true });
    await fill(3);
    const before = connector.heartbeat.count;
    let taken: ReturnType<typeof pool.tryAcquire>;
    connector.heartbeat.tap(() => (taken ??= pool.tryAcquire()));
    const asked = follow(pool.heartbeat({ timeout: 100 }));
    await clock.advance(100);
    expect(asked.now.state).toBe('resolved');
    expect([connector.heartbeat.count - before, taken?.active]).toEqual([2, true]);
    expect(pool.stats()).toMatchObject({ idle: 2, leased: 1, checking: 0 });
  });
});

describe('heartbeat({ dialIfNone })', () => {
  const make = poolsUnderTest();
  const dialIfNone = true;

  it('with a connection being made reports on that one', async () => {
    const { pool, clock, connector } = make();
    const gate = connector.dial.gate();
    void follow(pool.acquire());
    await clock.settle();
    const asked = follow(pool.heartbeat({ dialIfNone }));
    await clock.advance(30);
    expect([asked.now.state, connector.dial.count]).toEqual(['pending', 1]);
    gate.resolve();
    await clock.settle();
    expect(asked.now).toMatchObject({
      state: 'resolved',
      value: { checked: 1, healthy: 1, failed: 0, latencyMs: 30 },
    });
    expect(connector.dial.count).toBe(1);
  });

  it('reports a failure when the pool is closed by force before the dial has ended', async () => {
    const { pool, clock, connector } = make();
    connector.dial.gate();
    const asked = follow(pool.heartbeat({ dialIfNone }));
    await clock.settle();
    void pool.close({ drain: 0 });
    await clock.settle();
    expect(asked.now).toMatchObject({
      state: 'resolved',
      value: { checked: 1, healthy: 0, failed: 1, cause: { code: 'ERR_POOL_CLOSED' } },
    });
  });

  it('while dials must wait tells why, and from the end of the back-off on dials', async () => {
    const dice = jest.spyOn(Math, 'random').mockReturnValue(1);
    const { pool, clock, connector } = make({ dialBackoff: { initial: 100, max: 100 } });
    const refused = new Error('refused');
    connector.dial.next({ fail: refused });
    await rejection(pool.acquire());
    await clock.advance(99);
    const early = follow(pool.heartbeat({ dialIfNone }));
    await clock.settle();
    expect(early.now).toEqual({
      state: 'resolved',
      value: { checked: 1, healthy: 0, failed: 1, latencyMs: 0, cause: refused },
    });
    expect(connector.dial.count).toBe(1);
    clock.stall(1);
    const due = follow(pool.heartbeat({ dialIfNone }));
    await clock.settle();
    dice.mockRestore();
    expect(due.now).toMatchObject({ state: 'resolved', value: { checked: 1, healthy: 1 } });
    expect(pool.stats().idle).toBe(1);
  });

  it('dials nothing where there is one to ask, and asks none that is lent', async () => {
    const { pool, clock, fill, take, connector } = make({ max: 3 });
    await fill(1);
    const idle = follow(pool.heartbeat({ dialIfNone }));
    await clock.settle();
    expect(idle.now).toMatchObject({ state: 'resolved', value: { checked: 1, healthy: 1 } });
    expect(connector.dial.count).toBe(1);
    await take(1);
    const gate = connector.dial.gate();
    void follow(pool.acquire());
    const dialing = follow(pool.heartbeat({ dialIfNone }));
    gate.resolve();
    await clock.settle();
    expect(dialing.now).toMatchObject({ state: 'resolved', value: { checked: 1, healthy: 1 } });
  });

  it.each(['paused', 'full'])('dials nothing on a pool that is %s', async (how) => {
    const { pool, clock, connector, take } = make({ max: 1 });
    if (how === 'full') await take(1);
    else pool.pause();
    const dials = connector.dial.count;
    const asked = follow(pool.heartbeat({ dialIfNone }));
    await clock.settle();
    expect(asked.now).toEqual({
      state: 'resolved',
      value: { checked: 0, healthy: 0, failed: 0, latencyMs: 0 },
    });
    expect(connector.dial.count).toBe(dials);
  });
});
