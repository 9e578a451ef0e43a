import { once } from 'node:events';
import type { Duplex } from 'node:stream';
import { createInterface } from 'node:readline';
import { loopback } from './loopback.js';
import { countingConnections, type Script } from './peers.js';
import { ask, inTime } from './talk.js';
import { until } from './until.js';

describe.each(['dial', 'acquire'] as const)('by %s, one who has heard a part of an answer', (how) => {
  const { pool, peer } = loopback();

  /** Answers in two halves, the second when it is told to. */
  async function inHalves() {
    let goOn: () => void = () => undefined;
    const script: Script = (socket) =>
      void socket.on('data', (chunk) => {
        socket.write(`first half of ${chunk}`);
        goOn = () => void socket.write(`second half of ${chunk}`);
      });
    const remote = await peer(script);
    const sockets = pool();
    /** A connection, and what gives it back. */
    const borrow = async (): Promise<[Duplex, () => Promise<void>]> => {
      if (how === 'dial') {
        const socket = await sockets.dial('tcp', remote.address);
        return [socket, () => socket.close()];
      }
      const lease = await sockets.acquire('tcp', remote.address);
      return [lease.conn, async () => lease.release()];
    };
    return { remote, sockets, borrow, goOn: () => goOn() };
  }

  it.each(['data', 'readable'])(
    "[V11] and has given up the wait for the rest, by once('%s', { signal }), leaves it to nobody",
    async (event) => {
      const { remote, sockets, borrow } = await inHalves();
      const [socket, giveBack] = await borrow();
      socket.write('A');
      await once(socket, event);
      if (event === 'readable') socket.read();
      const rest = once(socket, event, { signal: AbortSignal.timeout(10) });
      await expect(rest).rejects.toThrow('aborted');
      await giveBack();
      await until(() => sockets.size === 0);
      await until(() => remote.open.length === 0);
    },
  );

  it('[V11] and waits for the rest, leaves it to nobody', async () => {
    const { sockets, borrow } = await inHalves();
    const [socket, giveBack] = await borrow();
    socket.write('A');
    await once(socket, 'data');
    socket.once('data', () => undefined);
    await giveBack();
    await until(() => sockets.size === 0);
  });

  it('[V11] and then the rest, gives back a connection that is fit', async () => {
    const { sockets, borrow, goOn } = await inHalves();
    for (let i = 0; i < 3; i += 1) {
      const [socket, giveBack] = await borrow();
      socket.write('A');
      await once(socket, 'data');
      const rest = once(socket, 'data', { signal: AbortSignal.timeout(5000) });
      goOn();
      expect(String((await rest)[0])).toBe('second half of A');
      await giveBack();
    }
    expect(sockets.stats()).toMatchObject({ idle: 1, totals: { dialed: 1 } });
  });

  it('[V11] and half a character, of which the rest has not come, leaves that to nobody', async () => {
    const remote = await peer(
      (socket) => void socket.on('data', () => socket.write(Buffer.from([0x61, 0xc3]))),
    );
    const sockets = pool();
    if (how === 'dial') {
      const socket = (await sockets.dial('tcp', remote.address)).setEncoding('utf8');
      socket.write('?');
      expect(await once(socket, 'data')).toEqual(['a']);
      await socket.close();
    } else {
      const lease = await sockets.acquire('tcp', remote.address);
      lease.conn.setEncoding('utf8').write('?');
      expect(await once(lease.conn, 'data')).toEqual(['a']);
      lease.release();
    }
    await until(() => sockets.size === 0);
  });

  /** Ways to wait for lines that are common, and leave nothing to wait for. */
  it.each<[string, (socket: Duplex) => Promise<void>]>([
    [
      'once for each line',
      async (socket) => {
        for (const line of ['a', 'b']) {
          socket.write(`${line}\n`);
          await once(socket, 'data');
        }
      },
    ],
    [
      'once where the answer has come already',
      async (socket) => {
        socket.pause();
        for (const line of ['a', 'b']) {
          socket.write(`${line}\n`);
          await until(() => socket.readableLength > 0);
          const answer = once(socket, 'data');
          socket.resume();
          await answer;
          socket.pause();
        }
      },
    ],
    [
      "on('data') throughout, before anything was written",
      async (socket) => {
        let got = 0;
        socket.on('data', () => (got += 1));
        for (let line = 1; line <= 2; line += 1) {
          socket.write(`${line}\n`);
          await until(() => got === line);
        }
      },
    ],
    [
      'listeners that come and go',
      async (socket) => {
        await ask(socket, 'a');
        await ask(socket, 'b');
      },
    ],
    [
      'for await, left when the answer is there',
      async (socket) => {
        for (const line of ['a', 'b']) {
          socket.write(`${line}\n`);
          for await (const chunk of socket.iterator({ destroyOnReturn: false })) {
            if (String(chunk).endsWith('\n')) break;
          }
        }
      },
    ],
    [
      'readline',
      async (socket) => {
        const reader = createInterface({ input: socket });
        for (const line of ['a', 'b']) {
          const answer = once(reader, 'line');
          socket.write(`${line}\n`);
          await answer;
        }
        reader.close();
      },
    ],
    ['a listener, and nothing asked', async (socket) => void socket.on('data', () => undefined)],
  ])('is not taken for one who waits by: %s', async (_, talk) => {
    const remote = await peer(countingConnections);
    const sockets = pool();
    for (let i = 0; i < 2; i += 1) {
      if (how === 'dial') {
        const socket = await sockets.dial('tcp', remote.address);
        await inTime(talk(socket));
        await socket.close();
      } else {
        const lease = await sockets.acquire('tcp', remote.address);
        await inTime(talk(lease.conn));
        lease.release();
      }
    }
    expect(sockets.stats()).toMatchObject({ idle: 1, totals: { dialed: 1, reused: 1 } });
  });
});

describe('one who has given up the wait for an answer', () => {
  const { pool, peer } = loopback();

  it('[V11] leaves it to nobody, though Node had taken what waited before him for more than it was', async () => {
    const remote = await peer(
      (socket) => void socket.on('data', () => setTimeout(() => socket.write('late'), 50).unref()),
    );
    const sockets = pool({ idleData: 'discard' });
    const first = await sockets.acquire('tcp', remote.address);
    first.conn.cork();
    // Of base64 in lines Node expects more bytes than there are.
    first.conn.write(`${'QUFB'.repeat(19)}\r\n`.repeat(50), 'base64');
    first.release();
    await until(() => sockets.stats().idle === 1);
    const second = await sockets.acquire('tcp', remote.address);
    expect(second.reused).toBe(true);
    second.conn.write('B?');
    await expect(once(second.conn, 'data', { signal: AbortSignal.timeout(5) })).rejects.toThrow('aborted');
    second.release();
    await until(() => sockets.size === 0);
  });
});

describe('one who listens and asks nothing', () => {
  const { pool, peer } = loopback();

  it.each(['dial', 'acquire'] as const)(
    '[V11] gives back a connection that is fit, whatever others have asked before him: by %s',
    async (how) => {
      const remote = await peer(countingConnections);
      const sockets = pool();
      const listen = async (): Promise<void> => {
        using lease = await sockets.acquire('tcp', remote.address);
        lease.conn.on('data', () => undefined);
      };
      await listen();
      for (let i = 0; i < 2; i += 1) {
        if (how === 'dial') {
          await using socket = await sockets.dial('tcp', remote.address);
          expect(await inTime(ask(socket, 'x'))).toBe('1:x');
        } else {
          using lease = await sockets.acquire('tcp', remote.address);
          expect(await inTime(ask(lease.conn, 'x'))).toBe('1:x');
        }
        await listen();
      }
      expect(sockets.stats()).toMatchObject({ idle: 1, totals: { dialed: 1 } });
    },
  );

  it('is held back by a stream that keeps no more than it must', async () => {
    const remote = await peer(countingConnections);
    await using socket = await pool().dial('tcp', remote.address);
    expect([socket.readableHighWaterMark, socket.allowHalfOpen]).toEqual([1, false]);
  });
});
