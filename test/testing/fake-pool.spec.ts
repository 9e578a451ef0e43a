import { ConnPool, LeaseEndedError, PoolClosedError, PoolExhaustedError } from 'nestjs-conn-pool/core';
import { fakePool } from 'nestjs-conn-pool/testing';

const client = { echo: async (text: string) => text };

describe('fakePool', () => {
  it('is a ConnPool of what it is given', async () => {
    const pool: ConnPool<typeof client> = fakePool(client);
    expect(pool).toBeInstanceOf(ConnPool);
    expect(await pool.use((conn) => conn.echo('hi'))).toBe('hi');
    const lease = await pool.acquire();
    expect(lease.conn).toBe(client);
    lease.release();
    expect(() => lease.conn).toThrow(LeaseEndedError);
  });

  it('lends one object to everybody', async () => {
    const pool = fakePool(client);
    const [one, two] = await Promise.all([pool.acquire(), pool.acquire()]);
    expect([one.conn, two.conn]).toEqual([client, client]);
    expect(pool.stats().leased).toBe(2);
  });

  it('lends each of an array to one borrower at a time', async () => {
    const pool = fakePool(['a', 'b'], { exhausted: 'fail' });
    const leases = await Promise.all([pool.acquire(), pool.acquire()]);
    expect(leases.map(({ conn }) => conn).sort()).toEqual(['a', 'b']);
    await expect(pool.acquire()).rejects.toThrow(PoolExhaustedError);
    const first = leases[0]?.conn;
    leases[0]?.discard();
    expect((await pool.acquire()).conn).toBe(first);
  });

  it('lends at once after a turn', async () => {
    const pool = fakePool(client);
    await Promise.resolve();
    await new Promise((resolve) => setImmediate(resolve));
    expect(pool.tryAcquire()?.conn).toBe(client);
  });

  it('takes options, and closes', async () => {
    const pool = fakePool(client, { name: 'thrift', max: 1, exhausted: 'fail' });
    expect(pool.name).toBe('thrift');
    using _lease = await pool.acquire();
    await expect(pool.acquire()).rejects.toThrow(PoolExhaustedError);
    await pool.close({ drain: 0 });
    await expect(pool.acquire()).rejects.toThrow(PoolClosedError);
  });

  it('cannot lend nothing', () => {
    expect(() => fakePool([])).toThrow(RangeError);
  });
});
