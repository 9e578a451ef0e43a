import { once } from 'node:events';
import type { Socket } from 'node:net';
import { loopback } from './loopback.js';
import { countingConnections } from './peers.js';
import { ask, inTime } from './talk.js';

describe('a raw lease, however its borrowers read', () => {
  const { pool, peer } = loopback();

  it("lets borrowers read by 'readable' one after the other, in one turn", async () => {
    const remote = await peer(countingConnections);
    const sockets = pool();
    for (let i = 0; i < 20; i += 1) {
      const lease = await sockets.acquire('tcp', remote.address);
      const { conn } = lease;
      conn.write(`${i}\n`);
      await inTime(once(conn, 'readable'));
      expect([String(conn.read()), lease.reused]).toEqual([`1:${i}\n`, i > 0]);
      lease.release();
    }
  });

  it('serves borrowers of all habits one after the other, in one turn', async () => {
    const remote = await peer(countingConnections);
    const sockets = pool();
    const habits: ((conn: Socket) => Promise<string>)[] = [
      async (conn) => {
        await once(conn, 'readable');
        return String(conn.read());
      },
      async (conn) => String((await once(conn, 'data'))[0]),
      async (conn) => {
        for await (const chunk of conn.iterator({ destroyOnReturn: false })) return String(chunk);
        return '';
      },
      (conn) =>
        new Promise((resolve) => {
          const onReadable = (): void => {
            const chunk: unknown = conn.read();
            if (chunk === null) return;
            conn.off('readable', onReadable);
            resolve(String(chunk));
          };
          conn.on('readable', onReadable);
        }),
      // Read where Node has made it flow again, and nothing has flowed yet.
      (conn) =>
        new Promise((resolve) => {
          conn.once('readable', () => process.nextTick(() => resolve(String(conn.read()))));
        }),
      // Stops listening in the turn in which the next borrower begins to.
      (conn) =>
        new Promise((resolve) => {
          const onReadable = (): void => {
            const chunk: unknown = conn.read();
            if (chunk !== null)
              void Promise.resolve(String(chunk))
                .then(resolve)
                .then(() => conn.off('readable', onReadable));
          };
          conn.on('readable', onReadable);
        }),
      async (conn) => {
        conn.pause();
        setImmediate(() => conn.resume());
        return String((await once(conn, 'data'))[0]);
      },
    ];
    for (const one of habits) {
      for (const other of habits) {
        for (const habit of [one, other, one]) {
          const lease = await sockets.acquire('tcp', remote.address);
          lease.conn.write('x\n');
          expect(await inTime(habit(lease.conn))).toMatch(/^\d+:x\n$/);
          lease.release();
        }
        await using socket = await sockets.dial('tcp', remote.address);
        expect(await inTime(ask(socket, 'y'))).toMatch(/:y$/);
      }
    }
    expect(sockets.stats().totals.dialed).toBe(1);
  });
});
