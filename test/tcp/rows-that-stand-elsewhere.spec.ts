import { once } from 'node:events';
import { ConnPool, PoolClosedError } from 'nestjs-conn-pool/core';
import { SocketPool } from 'nestjs-conn-pool/net';
import { FakeClock } from 'nestjs-conn-pool/testing';
import { UdpPeer } from '../net/peers.js';
import { inTime, rejection } from '../net/talk.js';

interface Thing {
  readonly number: number;
}

/** The predecessor's pool of objects is a ConnPool here. */
describe('a pool of objects', () => {
  const things = (options: object): { pool: ConnPool<Thing>; ended: number[] } => {
    let made = 0;
    const ended: number[] = [];
    const connector = {
      dial: (): Thing => ({ number: (made += 1) }),
      close: ({ number }: Thing) => void ended.push(number),
    };
    return { pool: new ConnPool<Thing>(connector, { order: 'fifo', maxLifetime: 0, ...options }), ended };
  };

  const fill = async (pool: ConnPool<Thing>, count: number): Promise<void> => {
    const leases = [];
    for (let made = 0; made < count; made += 1) leases.push(await pool.acquire());
    for (const lease of leases) lease.release();
  };

  it('[G18] gives them first in, first out, and makes one when there is none', async () => {
    const { pool } = things({ idleTimeout: 0 });
    await fill(pool, 2);
    const leases = [await pool.acquire(), await pool.acquire(), await pool.acquire()];
    expect(leases.map(({ conn }) => conn.number)).toEqual([1, 2, 3]);
    for (const lease of leases) lease.release();
    await pool.close();
  });

  it('[G18] ends what has been idle for its time to live, in order', async () => {
    const clock = new FakeClock();
    const { pool, ended } = things({ clock, idleTimeout: '2s' });
    await fill(pool, 2);
    await clock.advance(3000);
    expect([ended, pool.stats().idle]).toEqual([[1, 2], 0]);
    await pool.close();
  });

  it('[G18] clears, closes, and gives nothing afterwards', async () => {
    const { pool, ended } = things({});
    await fill(pool, 2);
    await pool.closeIdle();
    expect(ended).toEqual([1, 2]);
    const lease = await pool.acquire();
    await fill(pool, 1);
    const closing = pool.close();
    lease.release();
    await closing;
    expect(ended.sort()).toEqual([1, 2, 3, 4]);
    expect(await rejection(pool.acquire())).toBeInstanceOf(PoolClosedError);
  });
});

/** The predecessor's UDP is a SocketPool here. */
describe('datagrams', () => {
  it('[G19] come whole, however long', async () => {
    const peer = await UdpPeer.start();
    const pool = new SocketPool();
    const socket = await pool.dial('udp', peer.address);
    for (const length of [1, 1024, 1025, 9000]) {
      socket.write(Buffer.alloc(length, 'x'));
      const [datagram] = (await inTime(once(socket, 'data'))) as [Buffer];
      expect(datagram.length).toBe(length);
    }
    await socket.close();
    await pool.close();
    await peer.close();
  });
});
