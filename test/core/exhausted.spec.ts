import { PoolExhaustedError } from 'nestjs-conn-pool/core';
import { follow, poolsUnderTest, rejection } from './pools-under-test.js';

describe('exhausted', () => {
  const make = poolsUnderTest();

  describe("'wait'", () => {
    it('[C2] dials no more than max, and lets the rest wait', async () => {
      const { pool, connector, take, clock } = make({ max: 3 });
      await take(3);
      const fourth = follow(pool.acquire({ timeout: '1s' }));
      await clock.advance('1s');
      expect(fourth.now).toMatchObject({
        state: 'rejected',
        error: { code: 'ERR_ACQUIRE_TIMEOUT', phase: 'wait' },
      });
      expect(connector.dial.count).toBe(3);
      expect(connector.peak).toBe(3);
    });

    it('counts connections being dialled, checked and reset', async () => {
      const { pool, connector, clock } = make({ max: 2 }, { heartbeat: true, reset: true });
      const lease = await pool.acquire();
      const resetting = connector.reset.gate();
      const dialing = connector.dial.gate();
      lease.release();
      follow(pool.acquire());
      const last = follow(pool.acquire());
      await clock.settle();
      expect(pool.stats()).toMatchObject({ checking: 1, dialing: 1, size: 2, waiting: 2 });
      expect(last.now.state).toBe('pending');
      expect(connector.dial.count).toBe(2);
      resetting.resolve();
      dialing.resolve();
      await clock.settle();
      expect(last.now.state).toBe('resolved');
      expect(connector.peak).toBe(2);
    });
  });

  describe("'overflow'", () => {
    it('[C2] dials beyond max and trims at release: five of two, then 4, 3, 2, 2, 2; the first kept is lent next', async () => {
      const { pool, connector, take, clock } = make({ max: 2, exhausted: 'overflow', order: 'fifo' });
      const leases = await take(5);
      expect(pool.stats()).toMatchObject({ size: 5, leased: 5, waiting: 0 });
      const sizes: number[] = [];
      for (const lease of leases) {
        lease.release();
        await clock.settle();
        sizes.push(pool.stats().size);
      }
      expect(sizes).toEqual([4, 3, 2, 2, 2]);
      expect(connector.closed).toEqual(connector.conns.slice(0, 3));
      expect(connector.close.calls.map(({ context }) => context.reason)).toEqual([
        'surplus',
        'surplus',
        'surplus',
      ]);
      expect((await pool.acquire()).conn).toBe(connector.conns[3]);
    });

    it('[C2] opens one for each of ten when none comes back', async () => {
      const { pool } = make({ max: 1, exhausted: 'overflow' });
      for (let open = 1; open <= 10; open++) {
        await pool.acquire();
        expect(pool.stats().size).toBe(open);
      }
    });

    it('[C2] keeps two when two more are returned than max', async () => {
      const { pool, take, clock } = make({ max: 2, exhausted: 'overflow' });
      await take(2);
      const extra = await take(2);
      for (const lease of extra) lease.release();
      await clock.settle();
      expect(pool.stats()).toMatchObject({ size: 2, leased: 2, idle: 0 });
    });

    it('prefers an idle one to a dial', async () => {
      const { pool, connector, take } = make({ max: 1, exhausted: 'overflow' });
      for (let round = 0; round < 10; round++) {
        const [lease] = await take(1);
        lease?.release();
      }
      expect(connector.dial.count).toBe(1);
      expect(pool.stats()).toMatchObject({ size: 1, idle: 1 });
    });

    it('dials beyond max in as many steps as dialConcurrency allows', async () => {
      const { pool, connector, clock } = make({ max: 1, exhausted: 'overflow', dialConcurrency: 2 });
      connector.dial.always('hang');
      for (let i = 0; i < 6; i++) follow(pool.acquire());
      await clock.settle();
      expect(connector.dial.open).toHaveLength(2);
      connector.dial.open[0]?.resolve();
      await clock.settle();
      expect(connector.dial.open).toHaveLength(2);
      expect(pool.stats()).toMatchObject({ leased: 1, dialing: 2, waiting: 5 });
    });

    it('lends to the next what comes back while it dials', async () => {
      const { pool, connector, take, clock } = make({ max: 1, exhausted: 'overflow' });
      const [lease] = await take(1);
      const slow = connector.dial.gate();
      const waiter = follow(pool.acquire());
      await clock.settle();
      lease?.release();
      await clock.settle();
      expect(waiter.now.state).toBe('resolved');
      slow.resolve();
      await clock.settle();
      expect(pool.stats().leased).toBe(1);
      expect(pool.stats().size).toBeLessThanOrEqual(1);
    });
  });

  describe("'fail'", () => {
    it('refuses at once at max', async () => {
      const { pool, take, said } = make({ max: 2, exhausted: 'fail' });
      const [lease] = await take(2);
      const error = await rejection(pool.acquire());
      expect(error).toBeInstanceOf(PoolExhaustedError);
      expect(error).toMatchObject({
        code: 'ERR_POOL_EXHAUSTED',
        maxWaiting: 0,
        stats: { leased: 2, waiting: 0 },
      });
      expect(pool.stats().totals.refused).toBe(1);
      expect(said('exhausted')).toHaveLength(1);
      lease?.release();
      expect((await pool.acquire()).reused).toBe(true);
    });

    it('dials while there is room', async () => {
      const { pool, connector, take } = make({ max: 3, exhausted: 'fail' });
      await take(3);
      expect(connector.dial.count).toBe(3);
      expect(pool.stats().totals.refused).toBe(0);
    });

    it('refuses nobody while there is room, whatever dialConcurrency', async () => {
      const { pool, take } = make({ max: 6, exhausted: 'fail', dialConcurrency: 1 });
      await take(6);
      expect(pool.stats()).toMatchObject({ leased: 6, totals: { refused: 0 } });
      await rejection(pool.acquire());
    });
  });
});

describe('overflow with a bounded line', () => {
  const make = poolsUnderTest();

  it('refuses what comes when the server is down and the line is long', async () => {
    const { pool, connector } = make({ max: 2, exhausted: 'overflow', maxWaiting: 3 });
    connector.dial.always('hang');
    const waiting = Array.from({ length: 5 }, () => follow(pool.acquire()));
    await expect(pool.acquire()).rejects.toMatchObject({ code: 'ERR_POOL_EXHAUSTED' });
    expect(pool.stats().waiting).toBe(waiting.length);
  });
});
