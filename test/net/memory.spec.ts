import type { Socket } from 'node:net';
import { garbageCollector } from '../core/garbage-collector.js';
import { loopback } from './loopback.js';
import { countingConnections, echo } from './peers.js';
import { ask, inTime } from './talk.js';
import { until } from './until.js';

const MEBIBYTE = 1024 * 1024;

const collectGarbage = garbageCollector();

/** Bytes outside the heap that something still holds. */
async function heldBytes(): Promise<number> {
  await collectGarbage();
  return process.memoryUsage().arrayBuffers;
}

describe('a connection that is lent for long', () => {
  const { pool, peer } = loopback();

  it.each([undefined, 'latin1', 'utf8', 'hex'] as const)(
    'keeps nothing of what its user has read, with setEncoding(%s)',
    async (encoding) => {
      const remote = await peer(
        (socket) => void socket.on('data', () => socket.write(Buffer.alloc(8 * MEBIBYTE, 'x'))),
      );
      const sockets = pool();
      const socket = await sockets.dial('tcp', remote.address);
      if (encoding !== undefined) socket.setEncoding(encoding);
      let got = 0;
      socket.on('data', (chunk: Buffer | string) => (got += chunk.length));
      const receive = async (times: number): Promise<void> => {
        const size = 8 * MEBIBYTE * (encoding === 'hex' ? 2 : 1);
        for (let i = 0; i < times; i += 1) {
          got = 0;
          socket.write('more');
          await inTime(
            until(() => got === size),
            15_000,
          );
        }
      };
      await receive(1);
      const before = await heldBytes();
      await receive(4);
      expect((await heldBytes()) - before).toBeLessThan(8 * MEBIBYTE);
      await socket.close();
    },
  );

  it.each(['release', 'discard', 'detach'] as const)(
    'keeps nothing of what its borrower has put on the socket, once it is over by %s()',
    async (way) => {
      const remote = await peer(echo);
      const sockets = pool();
      const lease = await sockets.acquire('tcp', remote.address);
      const { conn } = lease;
      const gone = ((): WeakRef<object> => {
        const listener = (): void => undefined;
        conn.on('data', listener);
        return new WeakRef(listener);
      })();
      lease[way]();
      conn.removeAllListeners('data');
      await collectGarbage();
      expect([lease.active, gone.deref()]).toEqual([false, undefined]);
      conn.destroy();
    },
  );

  it('keeps no listener that its borrower has taken off again: raw lease', async () => {
    const remote = await peer(echo);
    const sockets = pool();
    const lease = await sockets.acquire('tcp', remote.address);
    const gone: WeakRef<object>[] = [];
    for (let i = 0; i < 20; i += 1) {
      const listener = (): void => void i;
      gone.push(new WeakRef(listener));
      lease.conn.on('data', listener);
      await ask(lease.conn, 'a');
      lease.conn.off('data', listener);
    }
    await collectGarbage();
    // The machine may still have the last few in its hands.
    expect(gone.filter((listener) => listener.deref() !== undefined).length).toBeLessThan(10);
    lease.release();
  });
});

describe('a connection that is lent often', () => {
  const { pool, peer, dialled } = loopback();

  it('has no more listeners after a thousand loans than after the first', async () => {
    const remote = await peer(countingConnections);
    const sockets = pool();
    for (let loan = 0; loan < 1000; loan += 1) {
      if (loan % 2 === 0) {
        const socket = await sockets.dial('tcp', remote.address);
        socket.setTimeout(60_000).setNoDelay(true);
        if (loan % 100 === 0) expect(await ask(socket, 'a')).toBe('1:a');
        await socket.close();
      } else {
        const { conn, release } = ((lease) => ({ conn: lease.conn, release: () => lease.release() }))(
          await sockets.acquire('tcp', remote.address),
        );
        conn.once('error', () => undefined).on('mine', () => undefined);
        release();
      }
    }
    // The harness compares the listeners of what is idle with those of one that was lent once.
    expect([dialled.length, sockets.stats().idle, remote.accepted.length]).toEqual([1, 1, 1]);
    expect((dialled[0] as Socket).listenerCount('mine')).toBe(0);
  });
});
