import { PoolExhaustedError } from 'nestjs-conn-pool/core';
import { follow, poolsUnderTest, rejection } from '../pools-under-test.js';

describe('borrowing', () => {
  const make = poolsUnderTest();

  it('with options takes an idle connection as well, and only one', async () => {
    const { pool, fill, connector } = make({ max: 2 });
    await fill(2);
    const lease = await pool.acquire({ timeout: '1s' });
    expect(lease.reused).toBe(true);
    expect(pool.stats()).toMatchObject({ idle: 1, leased: 1, waiting: 0, totals: { acquired: 3 } });
    expect(connector.dial.count).toBe(2);
  });

  it('gets a connection that was made in advance reused, and not at all where it must be fresh', async () => {
    const { pool, connector } = make({ max: 3 });
    await pool.warmUp(1);
    const fresh = await pool.acquire({ fresh: true });
    expect([fresh.reused, fresh.conn, connector.dial.count]).toEqual([false, connector.conns[1], 2]);
    const lease = await pool.acquire();
    expect([lease.reused, lease.conn, connector.dial.count]).toEqual([true, connector.conns[0], 2]);
  });

  it('tryAcquire overtakes not even the one who waits for something else', async () => {
    const { pool, fill, connector, clock } = make({ max: 2 });
    await fill(1);
    connector.dial.gate();
    void follow(pool.acquire({ fresh: true }));
    await clock.settle();
    expect(pool.stats()).toMatchObject({ idle: 1, waiting: 1 });
    expect(pool.tryAcquire()).toBe(undefined);
  });

  it('finds a connection dead of which nobody can say whether it lives, and tells why', async () => {
    const { pool, fill, connector, said } = make({ max: 1 }, { isAlive: true });
    await fill(1);
    const broken = new Error('of isAlive itself');
    connector.isAlive.next({ throw: broken });
    expect((await pool.acquire()).reused).toBe(false);
    expect(said('lost')).toMatchObject([{ cause: broken, leased: false }]);
    expect(pool.stats().totals).toMatchObject({ lost: 1, closed: { lost: 1 } });
  });

  it('overflows at max however short the line may be', async () => {
    const { pool, take } = make({ max: 2, exhausted: 'overflow', maxWaiting: 0 });
    await take(2);
    await pool.acquire();
    expect(pool.stats()).toMatchObject({ leased: 3, totals: { refused: 0 } });
  });

  it('is refused when all slots are taken, be it by connections that are still being closed', async () => {
    const { pool, take, connector, clock } = make({ max: 2, exhausted: 'fail' });
    const [lease] = await take(2);
    connector.close.gate();
    lease?.discard();
    await clock.settle();
    expect(pool.stats()).toMatchObject({ leased: 1, closing: 1 });
    expect(await rejection(pool.acquire())).toBeInstanceOf(PoolExhaustedError);
  });
});

describe('use()', () => {
  const make = poolsUnderTest();

  it('begins and ends in one step where a connection is ready and the work answers at once', async () => {
    const { pool, fill } = make();
    await fill(1);
    const during: number[] = [];
    const used = pool.use(() => {
      during.push(pool.stats().leased);
      return 'done';
    });
    expect([during, pool.stats().leased]).toEqual([[1], 0]);
    expect(await used).toBe('done');
  });

  it('does so time and again, and after work that threw', async () => {
    const { pool, fill } = make({ max: 1 }, { isFatal: () => false });
    await fill(1);
    for (let round = 0; round < 100; round++) {
      let began = false;
      const used = pool.use(() => {
        began = true;
        if (round < 50) throw new Error('of the work');
      });
      expect([round, began, pool.stats().leased]).toEqual([round, true, 0]);
      await Promise.allSettled([used]);
    }
  });

  it('heeds its options where a connection is ready, too', async () => {
    const { pool, fill } = make();
    await fill(1);
    expect(await pool.use((_conn, lease) => lease.reused, { fresh: true })).toBe(false);
    const reason = new Error('enough');
    expect(await rejection(pool.use(() => 1, { signal: AbortSignal.abort(reason) }))).toBe(reason);
  });

  it('takes an error for fatal that nobody can say anything about', async () => {
    const isFatal = () => {
      throw new Error('of isFatal itself');
    };
    const { pool, connector } = make({}, { isFatal });
    const error = new Error('of the work');
    expect(await rejection(pool.use(() => Promise.reject(error)))).toBe(error);
    expect(connector.closed).toHaveLength(1);
  });
});
