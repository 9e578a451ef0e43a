import { type Lease, PoolClosedError } from 'nestjs-conn-pool/core';
import { follow, poolsUnderTest, rejection } from './pools-under-test.js';

describe('use', () => {
  const make = poolsUnderTest();

  it('[X4] lends for the time of the work and gives its result', async () => {
    const { pool, connector } = make();
    const result = await pool.use(async (conn, lease) => {
      expect(conn).toBe(connector.conns[0]);
      expect(lease.conn).toBe(conn);
      expect(pool.stats().leased).toBe(1);
      await Promise.resolve();
      return 'done';
    });
    expect(result).toBe('done');
    expect(pool.stats()).toMatchObject({ leased: 0, idle: 1, totals: { acquired: 1 } });
  });

  it('[B29] takes work that is not async, and its throw', async () => {
    const { pool, connector, clock } = make({ max: 1 });
    expect(await pool.use(() => 7)).toBe(7);
    expect(await pool.use(() => undefined)).toBe(undefined);
    const error = new Error('sync');
    expect(
      await rejection(
        pool.use(() => {
          throw error;
        }),
      ),
    ).toBe(error);
    await clock.settle();
    expect(pool.stats()).toMatchObject({ leased: 0, size: 0 });
    expect(connector.close.calls[0]?.context.reason).toBe('discarded');
  });

  it('takes a thenable for a promise', async () => {
    const { pool } = make();
    const thenable = { then: (resolve: (value: number) => void) => resolve(7) };
    expect(await pool.use(() => thenable as unknown as Promise<number>)).toBe(7);
    expect(pool.stats().idle).toBe(1);
  });

  it('[X4] discards when the work fails, whatever with, and rejects with that', async () => {
    const { pool, connector, clock, said } = make();
    for (const error of [new Error('no'), 'text', undefined, null]) {
      expect(await rejection(pool.use(() => Promise.reject(error)))).toBe(error);
      await clock.settle();
    }
    expect(connector.close.count).toBe(4);
    expect(said('close').map(({ cause }) => cause)).toEqual([expect.any(Error), 'text', undefined, null]);
    expect(pool.stats().size).toBe(0);
  });

  it('asks isFatal whether the error makes the connection unfit', async () => {
    class AppError extends Error {}
    const asked: unknown[] = [];
    const isFatal = (error: unknown) => {
      asked.push(error);
      return !(error instanceof AppError);
    };
    const { pool, connector, clock } = make({}, { isFatal });
    const app = new AppError('not found');
    expect(await rejection(pool.use(() => Promise.reject(app)))).toBe(app);
    expect(asked).toEqual([app]);
    expect(pool.stats()).toMatchObject({ idle: 1, size: 1 });
    await rejection(pool.use(() => Promise.reject(new Error('broken pipe'))));
    await clock.settle();
    expect(pool.stats().size).toBe(0);
    expect(connector.dial.count).toBe(1);
  });

  it('does not ask isFatal about a failure to acquire', async () => {
    const isFatal = () => {
      throw new Error('asked');
    };
    const { pool, connector } = make({}, { isFatal });
    connector.dial.next('fail');
    expect(await rejection(pool.use(() => 1))).toMatchObject({ code: 'ERR_DIAL' });
  });

  it('leaves alone what the work has done with the lease itself', async () => {
    const { pool, connector, clock } = make();
    await pool.use((_conn, lease) => lease.discard('mine'));
    await clock.settle();
    expect(connector.close.count).toBe(1);
    const detached = await pool.use((_conn, lease) => lease.detach());
    expect(detached.closed).toBe(false);
    await pool.use((_conn, lease) => lease.release());
    expect(pool.stats()).toMatchObject({ idle: 1, leased: 0 });
    const error = new Error('after');
    expect(
      await rejection(
        pool.use((_conn, lease) => {
          lease.release();
          throw error;
        }),
      ),
    ).toBe(error);
    expect(pool.stats()).toMatchObject({ idle: 1, leased: 0 });
  });

  it('takes the options of acquire, and does not begin when it cannot lend', async () => {
    const { pool, clock, take } = make({ max: 1 });
    await take(1);
    let begun = 0;
    const waiter = follow(pool.use(() => begun++, { timeout: 100 }));
    await clock.advance(100);
    expect(waiter.now).toMatchObject({ error: { code: 'ERR_ACQUIRE_TIMEOUT' } });
    const reason = new Error('gone');
    expect(await rejection(pool.use(() => begun++, { signal: AbortSignal.abort(reason) }))).toBe(reason);
    await pool.close({ drain: 0 });
    expect(await rejection(pool.use(() => begun++))).toBeInstanceOf(PoolClosedError);
    expect(begun).toBe(0);
  });

  it('can be nested', async () => {
    const { pool } = make({ max: 3 });
    const depths = await pool.use(() => pool.use(() => pool.use(() => pool.stats().leased)));
    expect(depths).toBe(3);
    expect(pool.stats()).toMatchObject({ leased: 0, idle: 3 });
  });

  it('goes as deep within itself as before, however works have ended, and no deeper', async () => {
    const { pool, clock } = make({ max: 1 }, { isFatal: () => false });
    /** How many begin within the call of the first. */
    const depth = (): number => {
      let begun = 0;
      const work = (_conn: unknown, lease: Lease<unknown>): void => {
        lease.release();
        begun += 1;
        if (begun < 50) void pool.use(work);
      };
      void pool.use(work);
      return begun;
    };
    await pool.use(() => undefined);
    const before = depth();
    expect(before).toBeGreaterThan(10);
    expect(before).toBeLessThan(50);
    const error = new Error('no');
    for (const work of [
      (): number => 1,
      async (): Promise<number> => 1,
      (): never => {
        throw error;
      },
      async (): Promise<never> => Promise.reject(error),
    ]) {
      await clock.settle();
      for (let time = 0; time < 3; time += 1) await pool.use(work).catch(() => undefined);
      expect(depth()).toBe(before);
    }
    await clock.settle();
  });
});
