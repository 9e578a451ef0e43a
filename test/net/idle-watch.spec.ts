import { jest } from '@jest/globals';
import type { Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { type LostEvent, type PoolEvent } from 'nestjs-conn-pool/core';
import type { IdleData, SocketPool } from 'nestjs-conn-pool/net';
import { loopback } from './loopback.js';
import { countingConnections, type Peer } from './peers.js';
import { ask, readAll, readLine } from './talk.js';
import { until } from './until.js';

/** The process stays up for it. */
function isHeldBy(socket: Socket): boolean {
  return (socket as unknown as { _handle: { hasRef(): boolean } })._handle.hasRef();
}

describe('a connection that nobody has', () => {
  const { pool, peer, dialled } = loopback();

  /** A pool with one idle connection to a peer, the peer's end of it, and what became of it. */
  async function resting(idleData?: IdleData) {
    const remote = await peer(countingConnections);
    const sockets = pool({ idleData });
    const lost: LostEvent[] = [];
    sockets.events$.subscribe((event: PoolEvent) => event.type === 'lost' && lost.push(event));
    const socket = await sockets.dial('tcp', remote.address);
    await ask(socket, 'a');
    await socket.close();
    expect(sockets.stats().idle).toBe(1);
    return { remote, sockets, lost, theirs: remote.accepted[0] as Socket, ours: dialled[0] as Socket };
  }

  async function expectNew(sockets: SocketPool, remote: Peer) {
    expect(sockets.idleCount('tcp', remote.address)).toBe(0);
    await using socket = await sockets.dial('tcp', remote.address);
    expect([await ask(socket, 'b'), socket.reused]).toEqual(['2:b', false]);
  }

  it('[V16] is closed as soon as its peer hangs up', async () => {
    const { remote, sockets, lost, theirs } = await resting();
    theirs.end();
    await until(() => sockets.size === 0);
    expect(lost).toMatchObject([{ leased: false }]);
    await expectNew(sockets, remote);
  });

  it('[V16] is closed as soon as its peer resets it', async () => {
    const { remote, sockets, lost, theirs } = await resting();
    theirs.resetAndDestroy();
    await until(() => sockets.size === 0);
    expect(lost).toMatchObject([{ leased: false, cause: { code: 'ECONNRESET' } }]);
    await expectNew(sockets, remote);
  });

  it.each([undefined, 'destroy'] as const)(
    '[V16] is closed at its first byte with idleData: %s',
    async (how) => {
      const { remote, sockets, lost, theirs } = await resting(how);
      theirs.write('!');
      await until(() => sockets.size === 0);
      await until(() => theirs.destroyed);
      expect(String(lost[0]?.cause)).toContain('data arrived while the connection was idle');
      await expectNew(sockets, remote);
    },
  );

  it.each(['destroy', 'discard', 'keep'] as const)(
    '[V16] is closed when bytes come and then the end, with idleData: %s',
    async (how) => {
      const { remote, sockets, theirs } = await resting(how);
      theirs.end('good bye\n');
      await until(() => sockets.size === 0);
      await expectNew(sockets, remote);
    },
  );

  it("[V16] is not lent in the turn in which the end comes behind bytes, with idleData: 'keep'", async () => {
    const { remote, sockets, theirs, ours } = await resting('keep');
    theirs.end('good bye\n');
    // The end comes right behind; nothing public tells of it.
    const { _readableState: state } = ours as unknown as { _readableState: { ended: boolean } };
    await until(() => ours.readableLength === 9 || ours.destroyed);
    await until(() => state.ended);
    await using socket = await sockets.dial('tcp', remote.address);
    expect([await ask(socket, 'b'), socket.reused, sockets.size]).toEqual(['2:b', false, 1]);
  });

  it("[V16] drops what comes with idleData: 'discard', however much, and is lent on", async () => {
    const { remote, sockets, lost, theirs } = await resting('discard');
    const [before, noise] = [theirs.bytesWritten, Buffer.alloc(1_000_000, '!')];
    theirs.write(noise);
    await until(() => (dialled[0] as Socket).bytesRead === before + noise.length);
    for (const line of ['b', 'c']) {
      await using socket = await sockets.dial('tcp', remote.address);
      expect([await ask(socket, line), socket.reused]).toEqual([`1:${line}`, true]);
    }
    expect(lost).toEqual([]);
  });

  it("[V16] keeps what comes with idleData: 'keep', for whoever is next", async () => {
    const { remote, sockets, theirs, ours } = await resting('keep');
    theirs.write('news\n');
    await until(() => ours.readableLength === 5);
    expect(sockets.idleCount('tcp', remote.address)).toBe(1);
    const socket = await sockets.dial('tcp', remote.address);
    expect([await readLine(socket), socket.reused]).toEqual(['news', true]);
    expect(await ask(socket, 'b')).toBe('1:b');
    await socket.close();
    theirs.write('more\n');
    await until(() => ours.readableLength === 5);
    const lease = await sockets.acquire('tcp', remote.address);
    expect(await readLine(lease.conn)).toBe('more');
    lease.release();
    expect(sockets.stats().totals).toMatchObject({ dialed: 1, reused: 2, lost: 0 });
  });

  it("[V16] holds no more with idleData: 'keep' than a socket does", async () => {
    const { sockets, remote, theirs, ours } = await resting('keep');
    theirs.write(Buffer.alloc(10_000_000, '!'));
    await until(() => ours.readableLength >= ours.readableHighWaterMark);
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(ours.readableLength).toBeLessThan(ours.readableHighWaterMark + 100_000);
    const socket = await sockets.dial('tcp', remote.address);
    theirs.end();
    expect((await readAll(socket)).length).toBe(10_000_000);
  });

  it('[V16] is watched as well after it was lent as a raw socket', async () => {
    for (const how of ['write', 'end', 'resetAndDestroy'] as const) {
      const { remote, sockets, theirs } = await resting();
      const lease = await sockets.acquire('tcp', remote.address);
      expect(await ask(lease.conn, 'b')).toBe('1:b');
      lease.release();
      await until(() => sockets.stats().idle === 1);
      if (how === 'write') theirs.write('!');
      else theirs[how]();
      await until(() => sockets.size === 0);
    }
  });

  it('is not lent when it died in this very turn of the event loop', async () => {
    const { remote, sockets, ours } = await resting();
    ours.destroy();
    await using socket = await sockets.dial('tcp', remote.address);
    expect([await ask(socket, 'b'), socket.reused]).toEqual(['2:b', false]);
  });

  it('does not hold the process open, but one that somebody has does', async () => {
    const { remote, sockets, ours } = await resting();
    const holding = (): number =>
      process.getActiveResourcesInfo().filter((kind) => kind === 'TCPSocketWrap').length;
    await until(() => !isHeldBy(ours));
    const others = holding();
    const socket = await sockets.dial('tcp', remote.address);
    expect(holding()).toBe(others + 1);
    socket.unref();
    expect(holding()).toBe(others);
    await socket.close();
    const lease = await sockets.acquire('tcp', remote.address);
    expect(holding()).toBe(others + 1);
    lease.release();
    await until(() => holding() === others);
    const taken = sockets.get({ network: 'tcp', address: remote.address });
    expect(holding()).toBe(others + 1);
    taken.destroy();
  });

  it.each(
    (['dial', 'acquire', 'get'] as const).flatMap((next) =>
      (['dial', 'acquire'] as const).map((before) => [next, before] as const),
    ),
  )(
    'holds the process open for whoever has it next at once, by %s(), after an unref() of one who had it by %s()',
    async (next, before) => {
      const { remote, sockets, ours } = await resting();
      if (before === 'dial') await (await sockets.dial('tcp', remote.address)).unref().close();
      else {
        const lease = await sockets.acquire('tcp', remote.address);
        lease.conn.unref();
        lease.release();
      }
      if (next === 'get') sockets.get({ network: 'tcp', address: remote.address });
      else await sockets[next]('tcp', remote.address);
      expect(isHeldBy(ours)).toBe(true);
      // Longer than one that nobody has would hold it.
      await delay(60);
      expect(isHeldBy(ours)).toBe(true);
      ours.destroy();
    },
  );

  it('holds the process open while it is dialled and closed over and over, and not for long after', async () => {
    const { remote, sockets, ours } = await resting();
    for (let turn = 0; turn < 30; turn += 1) {
      const socket = await sockets.dial('tcp', remote.address);
      expect([await ask(socket, 'b'), isHeldBy(ours)]).toEqual([expect.stringMatching(/:b$/), true]);
      await socket.close();
      await delay(2);
    }
    await until(() => !isHeldBy(ours));
  });

  it('lets the process go also when it was given back while the timers were not real', async () => {
    const { remote, sockets, ours } = await resting();
    await until(() => !isHeldBy(ours));
    jest.useFakeTimers();
    const socket = await sockets.dial('tcp', remote.address);
    await socket.close();
    jest.useRealTimers();
    await until(() => !isHeldBy(ours));
  });

  it('is left as its heartbeat wants it, also just after it was given back', async () => {
    const remote = await peer(countingConnections);
    const held: boolean[] = [];
    const sockets = pool({
      heartbeat: async (socket) => {
        held.push(isHeldBy(socket as Socket));
        (socket as Socket).ref();
        await delay(60);
        held.push(isHeldBy(socket as Socket));
      },
    });
    const socket = await sockets.dial('tcp', remote.address);
    held.length = 0;
    await socket.close();
    expect(await sockets.heartbeat()).toMatchObject({ healthy: 1 });
    expect(held).toEqual([false, true]);
  });
});
