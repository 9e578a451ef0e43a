import { once } from 'node:events';
import net from 'node:net';
import { PoolClosedError, PoolExhaustedError } from 'nestjs-conn-pool/core';
import type { SocketPool } from 'nestjs-conn-pool/net';
import { listenersOf } from './census.js';
import { loopback } from './loopback.js';
import { countingConnections, type Peer } from './peers.js';
import { ask, inTime, thrown } from './talk.js';
import { until } from './until.js';

async function connectTo({ port }: Peer): Promise<net.Socket> {
  const socket = net.connect({ port, host: '127.0.0.1', noDelay: true });
  await once(socket, 'connect');
  return socket;
}

describe('get', () => {
  const { pool, peer, dialled } = loopback();

  async function withOneIdle(): Promise<{ remote: Peer; sockets: SocketPool }> {
    const remote = await peer(countingConnections);
    const sockets = pool({ name: 'devices' });
    const socket = await sockets.dial('tcp', remote.address);
    await ask(socket, 'a');
    await socket.close();
    return { remote, sockets };
  }

  it("[V18] takes an idle connection out for good: it is not counted, and is the caller's to close", async () => {
    const { remote, sockets } = await withOneIdle();
    const socket = sockets.get({ network: 'tcp', address: remote.address });
    expect(socket).toBe(dialled[0]);
    expect([sockets.size, sockets.idleCount('tcp', remote.address)]).toEqual([0, 0]);
    await sockets.close();
    expect(await ask(socket, 'b')).toBe('1:b');
    socket.destroy();
    await until(() => remote.open.length === 0);
  });

  it('[V18] leaves no listener of the pool, and reads as any socket does', async () => {
    const { remote, sockets } = await withOneIdle();
    const plain = await connectTo(remote);
    const socket = sockets.get({ network: 'tcp', address: remote.address });
    await new Promise((resolve) => setImmediate(resolve));
    expect(listenersOf(socket)).toEqual(listenersOf(plain));
    expect(socket.readableFlowing).toBe(plain.readableFlowing);
    remote.accepted[0]?.write('unasked\n');
    expect(String((await inTime(once(socket, 'data')))[0])).toBe('unasked\n');
    remote.accepted[0]?.end();
    await inTime(once(socket, 'close'));
    plain.destroy();
  });

  it('[V18] [V24] never dials: without an idle one it throws', async () => {
    const { remote, sockets } = await withOneIdle();
    await using held = await sockets.dial('tcp', remote.address);
    const error = thrown(() => sockets.get({ network: 'tcp', address: remote.address }));
    expect(error).toMatchObject({
      name: 'ConnNotAvailableError',
      code: 'ERR_CONN_NOT_AVAILABLE',
      pool: 'devices',
      network: 'tcp',
      address: remote.address,
    });
    expect(error.message).toContain('use dial()');
    expect(thrown(() => sockets.get({ network: 'tcp4', address: remote.address }))).toMatchObject({
      code: 'ERR_CONN_NOT_AVAILABLE',
    });
    expect(held.reused).toBe(true);
    expect(remote.accepted).toHaveLength(1);
  });

  it('[V18] throws on a closed pool', async () => {
    const { remote, sockets } = await withOneIdle();
    await sockets.close();
    expect(() => sockets.get({ network: 'tcp', address: remote.address })).toThrow(PoolClosedError);
  });
});

describe('add and put', () => {
  const { pool, peer } = loopback();

  it('[V19] adopt a foreign socket as an idle connection to where it goes', async () => {
    const remote = await peer(countingConnections);
    const sockets = pool();
    sockets.add(await connectTo(remote));
    expect([sockets.size, sockets.idleCount('tcp', remote.address)]).toEqual([1, 1]);
    const socket = await sockets.dial('tcp', remote.address);
    expect([await ask(socket, 'a'), socket.reused]).toEqual(['1:a', true]);
    await socket.close();
    expect(sockets.stats()).toMatchObject({ idle: 1, totals: { acquired: 1, reused: 1 } });
    await sockets.closeIdle();
    await until(() => remote.open.length === 0);
  });

  it('[V19] adopt one under any address: an accepted one under its local address', async () => {
    const sockets = pool();
    const remote = await peer();
    const client = await connectTo(remote);
    const accepted = await remote.connection(1);
    accepted.removeAllListeners('data');
    sockets.put(accepted, { network: 'tcp', address: `127.0.0.1:${accepted.localPort}` });
    expect(sockets.idleCount('tcp', remote.address)).toBe(1);
    const socket = await sockets.dial('tcp', remote.address);
    expect([socket.reused, socket.remotePort]).toEqual([true, client.localPort]);
    client.setEncoding('latin1');
    socket.write('from the accepting side');
    expect((await once(client, 'data'))[0]).toBe('from the accepting side');
    await socket.close();
    client.destroy();
    await until(() => sockets.size === 0);
  });

  it('[V19] adopt what is then watched like any other: it goes at its first byte or its end', async () => {
    const remote = await peer(() => undefined);
    const sockets = pool();
    for (const death of ['write', 'end', 'resetAndDestroy'] as const) {
      sockets.add(await connectTo(remote));
      const theirs = await remote.connection(remote.accepted.length || 1);
      expect(sockets.size).toBe(1);
      if (death === 'write') theirs.write('!');
      else theirs[death]();
      await until(() => sockets.size === 0);
      await until(() => theirs.destroyed || theirs.readableEnded || theirs.resume().readableEnded);
    }
  });

  it('[V19] give a pooled socket of this pool back, as close() does, whatever the address', async () => {
    const [remote, other] = [await peer(), await peer()];
    const sockets = pool({ max: 2 });
    const added = await sockets.dial('tcp', remote.address);
    sockets.add(added);
    await until(() => sockets.stats().idle === 1);
    expect([sockets.size, sockets.idleCount('tcp', remote.address), added.destroyed]).toEqual([1, 1, true]);
    const [one, two] = [await sockets.dial('tcp', remote.address), await sockets.dial('tcp', other.address)];
    sockets.put(one, { network: 'tcp', address: other.address });
    await until(() => sockets.idleCount('tcp', remote.address) === 1);
    expect([sockets.size, sockets.idleCount('tcp', other.address)]).toEqual([2, 0]);
    await two.close();
  });

  it('[V19] refuse a pooled socket that is closed', async () => {
    const remote = await peer();
    const sockets = pool();
    const socket = await sockets.dial('tcp', remote.address);
    await socket.close();
    expect(thrown(() => sockets.add(socket))).toMatchObject({ code: 'ERR_CONN_CLOSED' });
    expect(sockets.size).toBe(1);
  });

  it('[V19] [V24] refuse one beyond maxIdle, which stays open and the callers', async () => {
    const remote = await peer(countingConnections);
    const sockets = pool({ name: 'devices', maxIdle: 1 });
    sockets.add(await connectTo(remote));
    const second = await connectTo(remote);
    const error = thrown(() => sockets.add(second));
    expect(error).toMatchObject({
      code: 'ERR_POOL_FULL',
      pool: 'devices',
      network: 'tcp',
      address: remote.address,
    });
    expect(error.message).toMatch(/maxIdle: 1.*yours still/);
    expect(await ask(second, 'a')).toBe('2:a');
    expect(listenersOf(second)).toEqual(listenersOf(await plain(remote)));
    second.destroy();
    const none = pool({ maxIdle: 0 });
    const third = await connectTo(remote);
    expect(thrown(() => none.add(third))).toMatchObject({ code: 'ERR_POOL_FULL' });
    third.destroy();
  });

  it('[V19] refuse one at max and on a closed pool, and leave it open', async () => {
    const remote = await peer(countingConnections);
    const sockets = pool({ max: 1 });
    const held = await sockets.dial('tcp', remote.address);
    const socket = await connectTo(remote);
    expect(() => sockets.add(socket)).toThrow(PoolExhaustedError);
    await held.close();
    await sockets.close();
    expect(() => sockets.add(socket)).toThrow(PoolClosedError);
    expect(await ask(socket, 'a')).toBe('2:a');
    socket.destroy();
  });

  it('[V19] refuse a dead socket, an ended one, and one that is in the pool already', async () => {
    const remote = await peer();
    const sockets = pool();
    const socket = await connectTo(remote);
    const address = { network: 'tcp', address: remote.address } as const;
    sockets.put(socket, address);
    expect(thrown(() => sockets.put(socket, address))).toMatchObject({ code: 'ERR_CONN_CLOSED' });
    const lease = await sockets.acquire('tcp', remote.address);
    expect(thrown(() => sockets.put(lease.conn, address))).toMatchObject({ code: 'ERR_CONN_CLOSED' });
    lease.discard();
    expect(thrown(() => sockets.put(socket, address))).toMatchObject({ code: 'ERR_CONN_CLOSED' });
    const ended = await connectTo(remote);
    ended.end();
    expect(thrown(() => sockets.put(ended, address))).toMatchObject({ code: 'ERR_CONN_CLOSED' });
    await once(ended.resume(), 'close');
    expect(sockets.size).toBe(0);
  });

  it('[V19] refuse a socket that is not connected', async () => {
    const sockets = pool({ name: 'devices' });
    const socket = new net.Socket();
    const error = thrown(() => sockets.add(socket));
    expect(error).toMatchObject({ code: 'ERR_INVALID_ADDRESS', pool: 'devices' });
    expect(error.message).not.toContain('undefined');
    socket.destroy();
    const remote = await peer();
    const connecting = net.connect(remote.port, '127.0.0.1');
    expect(() => sockets.put(connecting, { network: 'tcp', address: remote.address })).toThrow();
    connecting.destroy();
    expect(sockets.size).toBe(0);
  });

  it('[V19] refuse one that holds what nobody has read, and one whose encoding is set; both stay open', async () => {
    const remote = await peer((socket) => void socket.write('hello\n'));
    const sockets = pool({ dialBackoff: { initial: '20s', max: '20s' } });
    const address = { network: 'tcp', address: remote.address } as const;
    const unread = await connectTo(remote);
    await once(unread, 'readable');
    expect(() => sockets.put(unread, address)).toThrow();
    const text = await connectTo(remote);
    text.setEncoding('latin1');
    expect(() => sockets.put(text, address)).toThrow();
    expect([unread.destroyed, text.destroyed, sockets.size]).toEqual([false, false, 0]);
    expect(String(unread.read())).toBe('hello\n');
    unread.destroy();
    text.destroy();
    // It is no failed dial: the next does not have to wait.
    const socket = await inTime(sockets.dial('tcp', remote.address));
    socket.destroy();
  });

  it('[V18] [V19] are the way back for what get took out', async () => {
    const remote = await peer(countingConnections);
    const sockets = pool();
    await (await sockets.dial('tcp', remote.address)).close();
    for (const line of ['a', 'b', 'c']) {
      const socket = sockets.get({ network: 'tcp', address: remote.address });
      expect(await ask(socket, line)).toBe(`1:${line}`);
      sockets.add(socket);
      expect(sockets.size).toBe(1);
    }
  });

  async function plain(remote: Peer): Promise<net.Socket> {
    const socket = await connectTo(remote);
    await ask(socket, 'x');
    socket.destroy();
    return socket;
  }
});
