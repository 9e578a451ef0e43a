import { once } from 'node:events';
import type { Socket } from 'node:net';
import type { SocketPool } from 'nestjs-conn-pool/net';
import { loopback } from './loopback.js';
import { answering, type Script } from './peers.js';
import { ask, inTime } from './talk.js';

/** Numbers that look random and are the same each time. */
function dice(seed: number): (sides: number) => number {
  let state = seed;
  return (sides) => {
    state = (state * 1_103_515_245 + 12_345) % 2_147_483_648;
    return Math.floor((state / 2_147_483_648) * sides);
  };
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

describe('many borrowers of few connections, some of them careless, and a peer that is no better', () => {
  const { pool, peer } = loopback();

  it.each([1, 2, 3, 4])('never read an answer to somebody else (schedule %i)', async (seed) => {
    const roll = dice(seed);
    const sulking = new WeakSet<Socket>();
    /**
     * Answers each line, at once or late; now and then hangs up, breaks off, or says something unasked and no more: who
     * takes that for an answer must not be told another.
     */
    const moody: Script = answering((line, socket) => {
      if (sulking.has(socket)) return undefined;
      switch (roll(12)) {
        case 0:
          setTimeout(() => socket.destroyed || socket.write(`${line}\n`), 5 + roll(20));
          return undefined;
        case 1:
          sulking.add(socket);
          setTimeout(() => socket.destroyed || socket.write('unasked\n'), roll(10));
          return line;
        case 2:
          setTimeout(() => socket.destroy(), roll(10));
          return line;
        case 3:
          socket.resetAndDestroy();
          return undefined;
        default:
          return line;
      }
    });
    const remote = await peer(moody);
    const sockets = pool({
      max: 6,
      maxIdle: 6,
      exhausted: 'wait',
      replay: true,
      dialBackoff: { initial: 1, max: 2 },
    });
    const wrongs: string[] = [];
    let answered = 0;

    const hear = (mine: string, text: string): void => {
      for (const line of text.split('\n').filter((each) => each !== '')) {
        if (line !== mine && line !== 'unasked') wrongs.push(`${mine} was told ${line}`);
        if (line === mine) answered += 1;
      }
    };

    const borrow = async (name: string): Promise<void> => {
      const socket = await sockets.dial('tcp', remote.address);
      socket.on('error', () => undefined);
      const onData = (chunk: unknown): void => hear(name, String(chunk));
      switch (roll(8)) {
        case 0:
          // Gives up before the answer has come.
          socket.on('data', onData).write(`${name}\n`);
          await pause(roll(4));
          socket.off('data', onData);
          break;
        case 1:
          socket.on('data', onData).write(`${name}\n`);
          socket.destroy();
          break;
        case 2:
          socket.write(`${name}\n`);
          await Promise.race([once(socket, 'readable').catch(() => undefined), pause(5)]);
          break;
        case 3:
          socket.discard();
          hear(name, await Promise.race([ask(socket, name).catch(() => ''), pause(40).then(() => '')]));
          break;
        default:
          hear(name, await Promise.race([ask(socket, name).catch(() => ''), pause(40).then(() => '')]));
          socket.removeAllListeners('data');
      }
      await socket.close();
      if (!socket.destroyed) wrongs.push(`${name} was not closed`);
    };

    const borrowRaw = async (name: string): Promise<void> => {
      const lease = await sockets.acquire('tcp', remote.address);
      const { conn }: { conn: Socket } = lease;
      conn.on('error', () => undefined);
      const onData = (chunk: unknown): void => hear(name, String(chunk));
      conn.on('data', onData).write(`${name}\n`);
      const before = answered;
      const patience = performance.now() + roll(20);
      while (answered === before && performance.now() < patience) await pause(1);
      if (roll(2) === 0) conn.off('data', onData);
      if (roll(6) === 0) lease.discard();
      else lease.release();
    };

    const everybody = Array.from({ length: 40 }, async (_, borrower) => {
      for (let turn = 0; turn < 12; turn += 1) {
        const name = `${borrower}.${turn}`;
        await (roll(3) === 0 ? borrowRaw(name) : borrow(name));
      }
    });
    await inTime(Promise.all(everybody), 20_000);
    expect(wrongs).toEqual([]);
    expect(answered).toBeGreaterThan(100);
    expect(sockets.stats().totals.reused).toBeGreaterThan(50);
    await settled(sockets);
    expect(sockets.stats()).toMatchObject({ leased: 0, waiting: 0 });
  });

  async function settled(sockets: SocketPool): Promise<void> {
    while (sockets.stats().leased + sockets.stats().checking > 0) await pause(2);
  }
});
