import { CallTimeoutError } from 'nestjs-conn-pool/core';
import { follow, poolsUnderTest, rejection } from './pools-under-test.js';

describe('a call of the connector that never answers', () => {
  const make = poolsUnderTest();

  describe('dial', () => {
    it('[B7] loses at dialTimeout: the slot is free, the signal aborted, the caller told', async () => {
      const { pool, connector, clock } = make({ max: 1, dialTimeout: '2s' });
      connector.dial.next('hang');
      const acquiring = rejection(pool.acquire());
      await clock.advance(1_999);
      expect(connector.dial.calls[0]?.context.signal.aborted).toBe(false);
      expect(pool.stats().dialing).toBe(1);
      await clock.advance(1);
      expect(await acquiring).toMatchObject({ code: 'ERR_DIAL', cause: expect.any(CallTimeoutError) });
      const { signal } = connector.dial.calls[0]?.context ?? {};
      expect(signal?.aborted).toBe(true);
      expect(pool.stats()).toMatchObject({ size: 0, dialing: 0, totals: { dialFailures: 1 } });
      const next = follow(pool.acquire());
      await clock.advance('1s');
      expect(next.now.state).toBe('resolved');
    });

    it('[B7] [B8] what it makes after that is closed, and lent to nobody', async () => {
      const { pool, connector, clock, said } = make({ max: 1, dialTimeout: '2s', dialAttempts: 2 });
      connector.dial.next('hang');
      const acquiring = follow(pool.acquire());
      await clock.advance('3s');
      expect(acquiring.now).toMatchObject({ state: 'resolved', value: { conn: connector.conns[0] } });
      connector.dial.calls[0]?.resolve(); // the late one
      await clock.settle();
      expect(connector.conns).toHaveLength(2);
      expect(connector.closed).toEqual([connector.conns[1]]);
      expect(pool.stats()).toMatchObject({ size: 1, leased: 1, closing: 0, totals: { dialed: 1 } });
      expect(said('dialed')).toHaveLength(1);
    });

    it('[B7] that obeys its signal is the same', async () => {
      const { pool, connector, clock } = make({ dialTimeout: '2s' });
      connector.dial.next('obey');
      const acquiring = rejection(pool.acquire());
      await clock.advance('2s');
      expect(await acquiring).toMatchObject({ code: 'ERR_DIAL', cause: { call: 'dial' } });
      expect(connector.dial.open).toEqual([]);
    });

    it('holds up nobody else: other places are dialled, and what comes back serves', async () => {
      const { pool, connector, clock } = make({ max: 3 });
      connector.dial.next('hang');
      const waiters = [1, 2, 3].map(() => follow(pool.use(async () => Promise.resolve())));
      await clock.settle();
      expect(waiters.map(({ now }) => now.state)).toEqual(['resolved', 'resolved', 'resolved']);
    });

    it('signals nothing any more once it has answered', async () => {
      const { pool, connector, clock } = make({ dialTimeout: '2s' });
      const lease = await pool.acquire();
      const signal = connector.dial.calls[0]?.context.signal;
      await clock.advance('1m');
      expect(signal?.aborted).toBe(false);
      lease.release();
      await pool.close({ drain: 0 });
      expect(signal?.aborted).toBe(false);
    });
  });

  describe('heartbeat', () => {
    it('[B42] after a dial loses at heartbeatTimeout: the connection is closed, the slot free', async () => {
      const { pool, connector, clock } = make(
        { max: 1, heartbeatTimeout: '1s', dialAttempts: 2 },
        { heartbeat: true },
      );
      connector.heartbeat.next('hang');
      const acquiring = follow(pool.acquire());
      await clock.advance('1s');
      expect(connector.closed).toEqual([connector.conns[0]]);
      await clock.advance('1s');
      expect(acquiring.now).toMatchObject({ state: 'resolved', value: { conn: connector.conns[1] } });
      expect(connector.heartbeat.calls[0]?.context.signal.aborted).toBe(true);
    });

    it('[B42] before a hand-out loses as well, and another serves', async () => {
      const { pool, connector, clock, fill } = make(
        { max: 2, heartbeatTimeout: '1s', idleTimeout: 0 },
        { heartbeat: true },
      );
      await fill(2);
      clock.stall('61s');
      connector.heartbeat.next('hang');
      const acquiring = follow(pool.acquire());
      await clock.advance('1s');
      await clock.settle();
      expect(acquiring.now.state).toBe('resolved');
      expect(pool.stats().totals.heartbeatFailures).toBe(1);
    });

    it('[B41] [B42] in the background loses, and the pool goes on', async () => {
      const { pool, connector, clock, fill } = make(
        { min: 1, heartbeatTimeout: '1s', idleTimeout: 0 },
        { heartbeat: true },
      );
      await pool.start();
      await fill(1);
      connector.heartbeat.next('hang');
      await clock.advance('1m');
      expect(pool.stats()).toMatchObject({ checking: 1 });
      await clock.advance('1s');
      await clock.advance('1s');
      expect(connector.closed).toEqual([connector.conns[0]]);
      expect(pool.stats()).toMatchObject({ checking: 0, idle: 1 });
    });

    it('is done with when it answers late: the answer changes nothing', async () => {
      const { pool, connector, clock, fill } = make({ heartbeatTimeout: '1s' }, { heartbeat: true });
      await fill(1);
      connector.heartbeat.next('hang', 'hang');
      void pool.heartbeat();
      await clock.advance('1s');
      const before = pool.stats();
      connector.heartbeat.calls[1]?.reject(new Error('late'));
      await clock.settle();
      expect(pool.stats()).toEqual(before);
      expect(connector.close.count).toBe(1);
    });
  });

  describe('reset', () => {
    it('[B30] loses at resetTimeout: the connection is closed, a waiter gets another', async () => {
      const { pool, connector, clock, take } = make({ max: 1, resetTimeout: '1s' }, { reset: true });
      const [lease] = await take(1);
      const waiter = follow(pool.acquire());
      connector.reset.next('hang');
      lease?.release();
      await clock.advance(999);
      expect(waiter.now.state).toBe('pending');
      await clock.advance(1);
      expect(waiter.now).toMatchObject({ state: 'resolved', value: { reused: false } });
      expect(connector.close.calls[0]?.context.reason).toBe('reset-failed');
      expect(connector.reset.calls[0]?.context.signal.aborted).toBe(true);
    });
  });

  describe('close', () => {
    it('[B57] keeps its slot until closeTimeout and no longer', async () => {
      const { pool, connector, clock, take, said } = make({ max: 1, closeTimeout: '1s' });
      const [lease] = await take(1);
      connector.close.next('hang');
      lease?.discard();
      const waiter = follow(pool.acquire());
      await clock.advance(999);
      expect([waiter.now.state, pool.stats().closing]).toEqual(['pending', 1]);
      await clock.advance(1);
      expect(waiter.now.state).toBe('resolved');
      expect(pool.stats()).toMatchObject({ closing: 0, totals: { closed: { discarded: 1 } } });
      expect(said('close-failed')).toMatchObject([{ id: lease?.id, reason: 'discarded' }]);
    });

    it('[B57] that answers late changes nothing more', async () => {
      const { pool, connector, clock, take } = make({ max: 1, closeTimeout: '1s' });
      const [lease] = await take(1);
      connector.close.next('hang');
      lease?.discard();
      await clock.advance('1s');
      const before = pool.stats();
      connector.close.calls[0]?.reject(new Error('late'));
      await clock.settle();
      expect(pool.stats()).toEqual(before);
    });

    it.each(['fail', 'throw'] as const)('[C9] may %s: the slot is free, and it is told', async (way) => {
      const { pool, connector, clock, take, said } = make({ max: 1 });
      const [lease] = await take(1);
      connector.close.next(way);
      lease?.discard();
      await clock.settle();
      expect(pool.stats()).toMatchObject({ size: 0, totals: { closed: { discarded: 1 } } });
      expect(said('close-failed')).toMatchObject([
        { reason: 'discarded', cause: { message: 'fake close 1 failed' } },
      ]);
      expect(said('close')).toHaveLength(1);
      expect(await pool.acquire()).toBeDefined();
    });
  });

  it('a close of what a dial has yielded too late may fail, and that is told', async () => {
    const { pool, connector, clock, said } = make({ max: 1, dialTimeout: 100 });
    const dial = connector.dial.gate();
    const acquire = follow(pool.acquire());
    await clock.advance(100);
    expect(acquire.now.state).toBe('rejected');
    connector.close.next('fail');
    dial.resolve();
    await clock.settle();
    expect(said('close')).toHaveLength(1);
    expect(said('close-failed')).toMatchObject([
      { reason: 'surplus', cause: { message: 'fake close 1 failed' } },
    ]);
  });

  it('all of them at once: every slot comes back', async () => {
    const { pool, connector, clock, fill, take } = make(
      {
        max: 4,
        idleTimeout: 0,
        resetTimeout: '1s',
        closeTimeout: '1s',
        heartbeatTimeout: '1s',
        dialTimeout: '1s',
      },
      { heartbeat: true, reset: true },
    );
    await fill(3);
    const [resetting, closing] = await take(2);
    for (const call of ['dial', 'heartbeat', 'reset', 'close'] as const) connector[call].always('hang');
    resetting?.release();
    closing?.discard();
    void pool.heartbeat();
    follow(pool.acquire({ fresh: true }));
    await clock.settle();
    expect(pool.stats()).toMatchObject({ checking: 2, closing: 1, dialing: 1, size: 4 });
    await clock.advance('3s');
    for (const call of ['dial', 'heartbeat', 'reset', 'close'] as const) connector[call].always('ok');
    await clock.advance('10s');
    expect(pool.stats()).toMatchObject({ checking: 0, closing: 0, dialing: 0 });
    expect((await take(4)).every(({ active }) => active)).toBe(true);
  });
});
