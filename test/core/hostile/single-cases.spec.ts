import { ConnPool, type ConnPoolOptions, type Connector } from 'nestjs-conn-pool/core';
import { FakeClock } from 'nestjs-conn-pool/testing';
import { follow, poolsUnderTest, rejection } from '../pools-under-test.js';

describe('what a user passes in cannot break the pool', () => {
  const make = poolsUnderTest();
  const boom = () => {
    throw new Error('boom');
  };

  it('isFatal that throws: the error of the work is told, the connection is not kept', async () => {
    const { pool, clock } = make({}, { isFatal: boom });
    const error = new Error('work');
    expect(await rejection(pool.use(() => Promise.reject(error)))).toBe(error);
    await clock.settle();
    expect(pool.stats().size).toBe(0);
  });

  it('isPermanent that throws: the error is not permanent', async () => {
    const { pool, clock, connector } = make({ dialAttempts: 2 }, { isPermanent: boom });
    connector.dial.next('fail');
    const acquiring = follow(pool.acquire());
    await clock.advance('1s');
    expect(acquiring.now.state).toBe('resolved');
  });

  it('a watch whose stop throws, or that is no function', async () => {
    const clock = new FakeClock();
    for (const stop of [boom, 7, null, Promise.resolve(1)]) {
      const closed: object[] = [];
      const pool = new ConnPool<object>(
        {
          dial: async () => ({}),
          close: (conn) => void closed.push(conn),
          watch: () => stop as unknown as () => void,
        },
        { clock },
      );
      (await pool.acquire()).discard();
      (await pool.acquire()).detach();
      (await pool.acquire()).release();
      await pool.close({ drain: 0 });
      expect(closed).toHaveLength(2);
      expect(pool.stats()).toMatchObject({ size: 0, totals: { detached: 1 } });
    }
  });

  it('isAlive that answers with a promise or nothing at all is no reason to lose a connection, nor a rejection unhandled', async () => {
    const { clock } = make();
    const pool = new ConnPool<object>(
      { dial: async () => ({}), close: () => undefined, isAlive: () => undefined as unknown as boolean },
      { clock },
    );
    (await pool.acquire()).release();
    const lease = await pool.acquire();
    expect(lease.active).toBe(true);
    lease.release();
    await pool.close();
  });

  it('thenables that are not promises: answers twice, throws in then, answers at once', async () => {
    const { clock } = make();
    let turn = 0;
    const thenables = [
      { then: (done: (conn: object) => void) => (done({ n: 1 }), done({ n: 2 })) },
      { then: (_done: unknown, failed: (error: unknown) => void) => (failed('no'), failed('no again')) },
      { then: boom },
    ];
    const pool = new ConnPool<object>(
      { dial: () => thenables[turn++] as unknown as Promise<object>, close: () => undefined },
      { clock, max: 1 },
    );
    (await pool.acquire()).discard();
    await clock.settle();
    expect(await rejection(pool.acquire())).toMatchObject({ code: 'ERR_DIAL', cause: 'no' });
    const third = follow(pool.acquire());
    await clock.advance('10s');
    expect(third.now).toMatchObject({ error: { code: 'ERR_DIAL', cause: { message: 'boom' } } });
    expect(pool.stats()).toMatchObject({ size: 0, waiting: 0 });
    await pool.close();
  });

  it('lost that is called twice, late, and for one that is gone', async () => {
    const { clock } = make();
    const losts: ((cause?: unknown) => void)[] = [];
    let closes = 0;
    const pool = new ConnPool<object>(
      { dial: async () => ({}), close: () => void closes++, watch: (_conn, lost) => void losts.push(lost) },
      { clock },
    );
    const lease = await pool.acquire();
    losts[0]?.('a');
    losts[0]?.('b');
    lease.release();
    losts[0]?.('c');
    await clock.settle();
    losts[0]?.('d');
    const detached = await pool.acquire();
    detached.detach();
    losts[1]?.('e');
    await clock.settle();
    expect(pool.stats()).toMatchObject({ size: 0, totals: { lost: 1, detached: 1 } });
    expect(closes).toBe(1);
    await pool.close();
  });

  it('a connection that is frozen, a bigint or a symbol', async () => {
    const { clock } = make();
    const closed: unknown[] = [];
    let turn = 0;
    const pool = new ConnPool<unknown>(
      { dial: () => [Object.freeze({}), 7n, Symbol('s')][turn++], close: (conn) => void closed.push(conn) },
      { clock },
    );
    for (let i = 0; i < 3; i++) (await pool.acquire()).discard();
    await clock.settle();
    expect(closed).toHaveLength(3);
    await pool.close();
  });

  it('the same object twice: both are connections of their own', async () => {
    const { clock } = make();
    const same = {};
    let closes = 0;
    const pool = new ConnPool<object>({ dial: async () => same, close: () => void closes++ }, { clock });
    const [one, two] = [await pool.acquire(), await pool.acquire()];
    expect(one.id).not.toBe(two.id);
    one.discard();
    await clock.settle();
    expect(two.active).toBe(true);
    expect(two.conn).toBe(same);
    two.release();
    expect(pool.stats()).toMatchObject({ idle: 1, size: 1 });
    await pool.close();
    expect(closes).toBe(2);
  });

  it('options that change after the pool was made', async () => {
    const { clock } = make();
    const options: ConnPoolOptions = { max: 1, clock };
    const connector: Connector<object> = { dial: async () => ({}), close: () => undefined };
    const pool = new ConnPool(connector, options);
    options.max = 100;
    await pool.acquire();
    const second = follow(pool.acquire());
    await clock.settle();
    expect(second.now.state).toBe('pending');
    await pool.close({ drain: 0 });
  });
});
