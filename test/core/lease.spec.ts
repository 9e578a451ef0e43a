import { LeaseEndedError, PoolClosedError } from 'nestjs-conn-pool/core';
import { follow, poolsUnderTest } from './pools-under-test.js';

describe('a lease', () => {
  const make = poolsUnderTest();

  it('[C12] carries meta and the name of the pool to every call of the connector', async () => {
    const meta = { user: 'me' };
    const { pool, connector, clock } = make({ meta, name: 'thrift' }, { heartbeat: true, reset: true });
    const lease = await pool.acquire();
    lease.release();
    await clock.settle();
    await pool.closeIdle();
    for (const call of ['dial', 'heartbeat', 'reset', 'close'] as const) {
      expect(connector[call].calls[0]?.context.meta).toBe(meta);
      expect(connector[call].calls[0]?.context.pool).toBe('thrift');
    }
    for (const call of ['dial', 'heartbeat', 'reset'] as const)
      expect(connector[call].calls[0]?.context.signal).toBeInstanceOf(AbortSignal);
    expect(connector.dial.calls[0]?.context.attempt).toBe(1);
  });

  it('holds the connection, its id and whether it was used before', async () => {
    const { pool, connector } = make();
    const first = await pool.acquire();
    const other = await pool.acquire();
    expect(first.conn).toBe(connector.conns[0]);
    expect([first.reused, first.active]).toEqual([false, true]);
    expect(other.id).not.toBe(first.id);
    first.release();
    const again = await pool.acquire();
    expect([again.id, again.reused, again.conn]).toEqual([first.id, true, connector.conns[0]]);
  });

  it('gives the connection back on release, once', async () => {
    const { pool, connector } = make({ max: 1 });
    const lease = await pool.acquire();
    lease.release();
    expect(pool.stats()).toMatchObject({ idle: 1, leased: 0 });
    expect(lease.active).toBe(false);
    lease.release();
    lease.discard();
    expect(pool.stats()).toMatchObject({ idle: 1, leased: 0, closing: 0 });
    expect(connector.close.count).toBe(0);
  });

  it('lends nothing any more once it has ended', async () => {
    const { pool } = make();
    const ends = ['release', 'discard', 'detach'] as const;
    for (const end of ends) {
      const lease = await pool.acquire();
      lease[end]();
      expect(() => lease.conn).toThrow(LeaseEndedError);
      expect(() => lease.detach()).toThrow(LeaseEndedError);
      try {
        void lease.conn;
      } catch (error) {
        expect(error).toMatchObject({ code: 'ERR_LEASE_ENDED', pool: 'default', id: lease.id });
      }
    }
  });

  it('closes the connection on discard, tells why, and frees the slot', async () => {
    const { pool, connector, clock, said } = make({ max: 1 });
    const lease = await pool.acquire();
    const reason = new Error('half a frame');
    lease.discard(reason);
    lease.discard();
    lease.release();
    await clock.settle();
    expect(connector.close.calls.map(({ context }) => context.reason)).toEqual(['discarded']);
    expect(said('close')).toMatchObject([{ id: lease.id, reason: 'discarded', cause: reason }]);
    expect(pool.stats()).toMatchObject({ size: 0, totals: { closed: { discarded: 1 } } });
    expect((await pool.acquire()).reused).toBe(false);
  });

  it('[C8] gives a place to a waiter when it is discarded', async () => {
    const { pool, clock, take } = make({ max: 1 });
    const [lease] = await take(1);
    const waiter = follow(pool.acquire());
    lease?.discard();
    await clock.settle();
    expect(waiter.now).toMatchObject({ state: 'resolved', value: { reused: false } });
  });

  it('hands over what nobody watches, too: nothing goes wrong with it', async () => {
    const { pool, said } = make();
    (await pool.acquire()).detach();
    expect([pool.stats().totals.detached, said('close-failed')]).toEqual([1, []]);
  });

  it('hands the connection over on detach: its slot is free at once and the pool never touches it again', async () => {
    const { pool, connector, clock } = make({ max: 1, maxLifetime: '1m' }, { watch: true, heartbeat: true });
    await pool.start();
    const lease = await pool.acquire();
    const waiter = follow(pool.acquire());
    const conn = lease.detach();
    expect(conn).toBe(connector.conns[0]);
    expect(conn.watched).toBe(false);
    expect([lease.active, pool.stats().totals.detached]).toEqual([false, 1]);
    await clock.settle();
    expect(waiter.now).toMatchObject({ state: 'resolved', value: { conn: connector.conns[1] } });
    lease.release();
    lease.discard();
    await clock.advance('2m');
    conn.die();
    await pool.close({ drain: 0 });
    expect(connector.closed).not.toContain(conn);
    expect(connector.heartbeat.calls.filter((call) => call.conn === conn)).toHaveLength(1);
    expect(pool.stats().totals.lost).toBe(0);
  });

  describe('that is stale', () => {
    it('[B27] [X1] [C8] cannot touch the next borrower', async () => {
      const { pool, connector } = make({ max: 1 });
      const stale = await pool.acquire();
      stale.release();
      const next = await pool.acquire();
      expect(next.conn).toBe(connector.conns[0]);
      stale.release();
      stale.discard();
      stale[Symbol.dispose]();
      await stale[Symbol.asyncDispose]();
      expect(() => stale.detach()).toThrow(LeaseEndedError);
      expect(() => stale.conn).toThrow(LeaseEndedError);
      expect(stale.active).toBe(false);
      expect(next.active).toBe(true);
      expect(next.signal.aborted).toBe(false);
      expect(pool.stats()).toMatchObject({ leased: 1, idle: 0, size: 1 });
      expect(pool.tryAcquire()).toBe(undefined);
    });

    it('does not hear of the loss of the connection any more', async () => {
      const { pool, connector } = make({ max: 1 }, { watch: true });
      const stale = await pool.acquire();
      const signal = stale.signal;
      stale.release();
      const next = await pool.acquire();
      connector.conns[0]?.die(new Error('cable'));
      expect(signal.aborted).toBe(false);
      expect(next.signal.aborted).toBe(true);
      next.release();
    });
  });

  describe('signal', () => {
    it('aborts with the cause when the connection is lost', async () => {
      const { pool, connector } = make({}, { watch: true });
      const lease = await pool.acquire();
      const cause = new Error('cable');
      let aborted = 0;
      lease.signal.addEventListener('abort', () => aborted++);
      connector.conns[0]?.die(cause);
      expect(aborted).toBe(1);
      expect(lease.signal).toBe(lease.signal);
      const { reason } = lease.signal as { reason: unknown };
      expect(reason === cause || (reason as Error).cause === cause).toBe(true);
    });

    it('is aborted already when it is first read after the loss', async () => {
      const { pool, connector } = make({}, { watch: true });
      const lease = await pool.acquire();
      connector.conns[0]?.die();
      expect(lease.signal.aborted).toBe(true);
    });

    it('aborts when the connection is taken back by force', async () => {
      const { pool } = make();
      const [read, unread] = [await pool.acquire(), await pool.acquire()];
      const signal = read.signal;
      await pool.close({ drain: 0 });
      expect([signal.aborted, unread.signal.aborted]).toEqual([true, true]);
      expect(signal.reason).toBeInstanceOf(Error);
    });

    it('does not abort when the borrower ends the lease', async () => {
      const { pool } = make();
      for (const end of ['release', 'discard', 'detach'] as const) {
        const lease = await pool.acquire();
        const { signal } = lease;
        lease[end]();
        expect(signal.aborted).toBe(false);
      }
    });
  });

  describe('of a lost connection', () => {
    it('frees the slot for the next, and its release is harmless', async () => {
      const { pool, connector, clock, said } = make({ max: 1 }, { watch: true });
      const lease = await pool.acquire();
      const cause = new Error('cable');
      connector.conns[0]?.die(cause);
      connector.conns[0]?.die(cause);
      expect(said('lost')).toEqual([
        { type: 'lost', pool: 'default', id: lease.id, cause, leased: true, ageMs: 0 },
      ]);
      lease.release();
      await clock.settle();
      expect(connector.close.calls.map(({ context }) => context.reason)).toEqual(['lost']);
      expect(pool.stats()).toMatchObject({ size: 0, totals: { lost: 1, closed: { lost: 1, discarded: 0 } } });
      expect((await pool.acquire()).reused).toBe(false);
    });

    it('ends in a replacement for whoever waits, once it is given back', async () => {
      const { pool, connector, clock, take } = make({ max: 1 }, { watch: true });
      const [lease] = await take(1);
      const waiter = follow(pool.acquire());
      connector.conns[0]?.die();
      lease?.release();
      await clock.settle();
      expect(waiter.now).toMatchObject({ state: 'resolved', value: { conn: connector.conns[1] } });
    });
  });

  describe('under using', () => {
    it('is released at the end of the block', async () => {
      const { pool } = make();
      {
        using lease = await pool.acquire();
        expect(pool.stats().leased).toBe(1);
        void lease.conn;
      }
      expect(pool.stats()).toMatchObject({ leased: 0, idle: 1 });
    });

    it('is released when the block throws, and when it was released before', async () => {
      const { pool } = make();
      const block = async () => {
        using lease = await pool.acquire();
        void lease.conn;
        throw new Error('in the block');
      };
      await expect(block()).rejects.toThrow('in the block');
      {
        await using lease = await pool.acquire();
        lease.release();
      }
      expect(pool.stats()).toMatchObject({ leased: 0, idle: 1 });
    });

    it('await using releases as well, and the pool itself can be used so', async () => {
      const { pool } = make();
      {
        await using closing = pool;
        await using lease = await closing.acquire();
        expect(lease.active).toBe(true);
      }
      expect(pool.state).toBe('closed');
      await expect(pool.acquire()).rejects.toThrow(PoolClosedError);
    });
  });
});
