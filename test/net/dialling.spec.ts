import { once } from 'node:events';
import { PooledSocket } from 'nestjs-conn-pool/net';
import { loopback } from './loopback.js';
import { countingConnections, echo } from './peers.js';
import { ask, rejection } from './talk.js';

describe('dial', () => {
  const { pool, peer } = loopback();

  it.each([
    ['tcp', '127.0.0.1'],
    ['tcp4', '127.0.0.1'],
    ['tcp', '::1'],
    ['tcp6', '::1'],
  ] as const)('[V1] connects by %s to %s, and lends the connection again', async (network, host) => {
    const { address, accepted } = await peer(countingConnections, { host });
    const sockets = pool();
    for (const line of ['a', 'b', 'c']) {
      await using socket = await sockets.dial(network, address);
      expect(socket).toBeInstanceOf(PooledSocket);
      expect(await ask(socket, line)).toBe(`1:${line}`);
    }
    expect(accepted).toHaveLength(1);
    expect(sockets.stats().totals).toMatchObject({ dialed: 1, acquired: 3, reused: 2 });
  });

  it('[V1] keeps the connections of each network and each address for itself', async () => {
    const [one, other] = [await peer(countingConnections), await peer(countingConnections)];
    const sockets = pool();
    const places = [
      ['tcp', one.address],
      ['tcp4', one.address],
      ['tcp', `localhost:${one.port}`],
      ['tcp', other.address],
    ] as const;
    for (const [network, address] of places) await (await sockets.dial(network, address)).close();
    expect([one.accepted.length, other.accepted.length]).toEqual([3, 1]);
    expect(places.map(([network, address]) => sockets.idleCount(network, address))).toEqual([1, 1, 1, 1]);
    await using again = await sockets.dial('tcp', other.address);
    expect([again.reused, again.remotePort]).toEqual([true, other.port]);
  });

  it('[V13] says whether the connection was there before, by a new object for each dial', async () => {
    const { address } = await peer();
    const sockets = pool();
    const first = await sockets.dial('tcp', address);
    await first.close();
    const second = await sockets.dial('tcp', address);
    expect([first.reused, second.reused]).toEqual([false, true]);
    expect(second).not.toBe(first);
    await second.close();
  });

  it('[V8] dials with fresh even when one is idle, and both are kept', async () => {
    const { address } = await peer(countingConnections);
    const sockets = pool();
    await (await sockets.dial('tcp', address)).close();
    const fresh = await sockets.dial('tcp', address, { fresh: true });
    expect([await ask(fresh, 'a'), fresh.reused]).toEqual(['2:a', false]);
    expect([sockets.size, sockets.idleCount('tcp', address)]).toEqual([2, 1]);
    await fresh.close();
    expect([sockets.size, sockets.idleCount('tcp', address)]).toEqual([2, 2]);
    expect(await sockets.closeIdle()).toBe(2);
    expect([sockets.size, sockets.idleCount('tcp', address)]).toEqual([0, 0]);
  });

  it.each([
    ['lifo', undefined, '3:x'],
    ['lifo', 'lifo', '3:x'],
    ['fifo', 'fifo', '1:x'],
  ] as const)('[V23] lends the idle ones %s with order: %s', async (_, order, answer) => {
    const { address } = await peer(countingConnections);
    const sockets = pool({ order, maxIdle: 3 });
    const all = [];
    for (const line of ['a', 'b', 'c']) {
      const socket = await sockets.dial('tcp', address);
      await ask(socket, line);
      all.push(socket);
    }
    for (const socket of all) await socket.close();
    await using socket = await sockets.dial('tcp', address);
    expect(await ask(socket, 'x')).toBe(answer);
  });

  it('[V20] counts what is lent, idle and being dialled, and for each address what is idle', async () => {
    const { address } = await peer();
    const sockets = pool();
    expect([sockets.size, sockets.idleCount('tcp', address)]).toEqual([0, 0]);
    const dialling = sockets.dial('tcp', address);
    await Promise.resolve();
    expect([sockets.size, sockets.stats().dialing, sockets.idleCount('tcp', address)]).toEqual([1, 1, 0]);
    const [one, other] = [await dialling, await sockets.dial('tcp', address)];
    expect([sockets.size, sockets.stats().leased, sockets.idleCount('tcp', address)]).toEqual([2, 2, 0]);
    await one.close();
    await other.close();
    expect([sockets.size, sockets.stats().idle, sockets.idleCount('tcp', address)]).toEqual([2, 2, 2]);
    await (await sockets.dial('tcp', address)).close();
    expect([sockets.size, sockets.idleCount('tcp', address)]).toEqual([2, 2]);
    await sockets.close();
    expect([sockets.size, sockets.idleCount('tcp', address)]).toEqual([0, 0]);
  });

  it('lends one connection to one borrower at a time', async () => {
    const { address, accepted } = await peer(countingConnections);
    const sockets = pool({ maxIdle: 20 });
    for (let round = 0; round < 3; round += 1) {
      const all = await Promise.all(Array.from({ length: 10 }, () => sockets.dial('tcp', address)));
      const answers = await Promise.all(all.map((socket, i) => ask(socket, `r${i}`)));
      expect(new Set(answers.map((answer) => answer.split(':')[0])).size).toBe(10);
      expect(answers.map((answer) => answer.split(':')[1])).toEqual(all.map((_, i) => `r${i}`));
      for (const socket of all) await socket.close();
    }
    expect(accepted).toHaveLength(10);
    expect(sockets.stats()).toMatchObject({ idle: 10, totals: { dialed: 10, reused: 20 } });
  });

  it('tells where the connection goes, also when it has been given back', async () => {
    const { address, port } = await peer();
    const sockets = pool();
    const socket = await sockets.dial('tcp', address);
    const where = () => ({
      remote: [socket.remoteAddress, socket.remotePort, socket.remoteFamily],
      local: [socket.localAddress, socket.address()],
      connecting: socket.connecting,
    });
    const { localPort } = socket;
    const expected = {
      remote: ['127.0.0.1', port, 'IPv4'],
      local: ['127.0.0.1', { address: '127.0.0.1', family: 'IPv4', port: localPort }],
      connecting: false,
    };
    expect(where()).toEqual(expected);
    await socket.close();
    expect(where()).toEqual(expected);
    expect(socket.localPort).toBe(localPort);
  });
});

describe('close', () => {
  const { pool, peer, dialled } = loopback();

  it('[V10] [V24] rejects the second time with ERR_CONN_CLOSED, and cannot touch the next borrower', async () => {
    const { address, accepted } = await peer(countingConnections);
    const sockets = pool();
    const stale = await sockets.dial('tcp', address);
    await stale.close();
    await using next = await sockets.dial('tcp', address);
    const error = await rejection(stale.close());
    expect(error).toMatchObject({
      name: 'ConnClosedError',
      code: 'ERR_CONN_CLOSED',
      network: 'tcp',
      address,
    });
    await expect(stale.close()).rejects.toThrow('is closed already');
    await stale[Symbol.asyncDispose]();
    stale.discard();
    stale.setTimeout(1);
    stale.setDeadline(Date.now());
    stale.destroy();
    const refused = await new Promise((resolve) => void stale.write('not mine\n', resolve));
    expect(refused).toMatchObject({ code: 'ERR_STREAM_DESTROYED' });
    expect([next.reused, await ask(next, 'mine')]).toEqual([true, '1:mine']);
    await next.close();
    expect([accepted.length, sockets.stats().idle]).toEqual([1, 1]);
    expect(dialled[0]?.timeout ?? 0).toBe(0);
  });

  it('[V10] is what await using does, once', async () => {
    const { address } = await peer();
    const sockets = pool();
    {
      await using socket = await sockets.dial('tcp', address);
      await socket.close();
    }
    expect(sockets.stats()).toMatchObject({ idle: 1, size: 1 });
    const block = async () => {
      await using socket = await sockets.dial('tcp', address);
      socket.discard();
      throw new Error('in the block');
    };
    await expect(block()).rejects.toThrow('in the block');
    expect(sockets.stats()).toMatchObject({ idle: 0, size: 0 });
  });

  it("ends with 'close', and nothing is heard afterwards", async () => {
    const { address, accepted } = await peer(echo);
    const sockets = pool();
    const socket = await sockets.dial('tcp', address);
    const heard: string[] = [];
    for (const event of ['data', 'end', 'error', 'timeout', 'close'])
      socket.on(event, () => heard.push(event));
    await ask(socket, 'a');
    const closed = once(socket, 'close');
    await socket.close();
    await closed;
    expect(heard).toEqual(['data', 'close']);
    await using next = await sockets.dial('tcp', address);
    await ask(next, 'b');
    accepted[0]?.destroy();
    await once(next.resume(), 'close');
    expect(heard).toEqual(['data', 'close']);
  });
});
