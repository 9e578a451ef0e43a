import { once } from 'node:events';
import { DatagramSocket } from 'nestjs-conn-pool/net';
import { loopback } from './loopback.js';
import { refusing } from './peers.js';
import { inTime } from './talk.js';
import { until } from './until.js';

describe('UDP', () => {
  const { pool, udpPeer } = loopback();

  it.each([
    ['udp', '127.0.0.1'],
    ['udp4', '127.0.0.1'],
    ['udp', '::1'],
    ['udp6', '::1'],
  ] as const)('[V1] [V17] connects by %s to %s, and lends the socket again', async (network, host) => {
    const { address, port, received } = await udpPeer(undefined, { host });
    const sockets = pool();
    for (const text of ['a', 'b']) {
      const socket = await sockets.dial(network, address);
      socket.write(text);
      expect(String((await once(socket, 'data'))[0])).toBe(text);
      expect([socket.remoteAddress, socket.remotePort, socket.reused]).toEqual([host, port, text === 'b']);
      expect(socket.localPort).toBe(received.at(-1)?.from.port);
      await socket.close();
    }
    expect(new Set(received.map(({ from }) => from.port)).size).toBe(1);
    expect([sockets.size, sockets.idleCount(network, address)]).toEqual([1, 1]);
  });

  it.each(['udp', 'udp4'] as const)('[V1] [V17] connects by %s to a host name', async (network) => {
    const { port } = await udpPeer();
    const sockets = pool();
    const socket = await sockets.dial(network, `localhost:${port}`);
    socket.write('a');
    expect(String((await once(socket, 'data'))[0])).toBe('a');
    await socket.close();
  });

  it('[V17] is fit for one who only listens, after one who sent several in a turn', async () => {
    const { address } = await udpPeer(() => undefined);
    const sockets = pool();
    const lease = await sockets.acquire('udp', address);
    lease.conn.write('aa');
    lease.conn.write('bbb');
    lease.release();
    await until(() => sockets.stats().idle === 1);
    const next = await sockets.acquire('udp', address);
    next.conn.on('data', () => undefined);
    next.release();
    expect([next.reused, sockets.stats().idle]).toEqual([true, 1]);
  });

  it('[V17] gives with each read one datagram, whole: none is cut, none is joined', async () => {
    const sizes = [1, 60_000, 0, 1500, 9000, 2];
    const peer = await udpPeer((_, send) => {
      for (const size of sizes) send(Buffer.alloc(size, size % 251));
    });
    const sockets = pool();
    const socket = await sockets.dial('udp', peer.address);
    socket.write('go');
    const got: Buffer[] = [];
    for await (const datagram of socket.iterator({ destroyOnReturn: false })) {
      got.push(datagram as Buffer);
      if (got.length === sizes.length) break;
    }
    expect(got.map(({ length }) => length)).toEqual(sizes);
    for (const datagram of got) expect(datagram.every((byte) => byte === datagram.length % 251)).toBe(true);
    await socket.close();
    expect(sockets.stats().idle).toBe(1);
  });

  it('[V17] sends with each write one datagram, also while it is corked, also an empty one', async () => {
    const peer = await udpPeer(() => undefined);
    const sockets = pool();
    const socket = await sockets.dial('udp', peer.address);
    socket.cork();
    for (const text of ['a', 'bb', '', 'ccc']) socket.write(text);
    socket.uncork();
    socket.write(Buffer.alloc(60_000));
    await until(() => peer.received.length === 5);
    expect(peer.received.map(({ datagram }) => datagram.length)).toEqual([1, 2, 0, 3, 60_000]);
    await socket.close();
  });

  it('[V17] waits for what was written before it is given back', async () => {
    const peer = await udpPeer(() => undefined);
    const sockets = pool();
    for (let i = 0; i < 20; i += 1) {
      await using socket = await sockets.dial('udp', peer.address);
      for (const text of ['a', 'b', 'c']) socket.write(text);
    }
    await until(() => peer.received.length === 60);
    expect(sockets.stats().totals).toMatchObject({ dialed: 1, reused: 19 });
  });

  it('[V17] closes a socket to which a datagram comes while nobody has it', async () => {
    const peer = await udpPeer();
    const sockets = pool();
    const socket = await sockets.dial('udp', peer.address);
    const { localPort = 0 } = socket;
    await socket.close();
    peer.send('unasked', localPort);
    await until(() => sockets.size === 0);
    await using next = await sockets.dial('udp', peer.address);
    next.write('asked');
    expect([String((await once(next, 'data'))[0]), next.reused]).toEqual(['asked', false]);
  });

  it.each([
    ['discard', ['asked']],
    ['keep', ['unasked', 'asked']],
  ] as const)('[V17] gives the next borrower, with idleData: %s, %o', async (idleData, expected) => {
    const peer = await udpPeer();
    const sockets = pool({ idleData });
    const socket = await sockets.dial('udp', peer.address);
    const { localPort = 0 } = socket;
    await socket.close();
    peer.send('unasked', localPort);
    // What goes by another socket afterwards and comes back has come later.
    const other = await sockets.dial('udp', peer.address, { fresh: true });
    other.write('after');
    await once(other, 'data');
    other.destroy();
    const next = await sockets.dial('udp', peer.address);
    expect([next.reused, next.localPort]).toEqual([true, localPort]);
    const heard: string[] = [];
    next.on('data', (datagram) => heard.push(String(datagram)));
    next.write('asked');
    await until(() => heard.length === expected.length);
    expect(heard).toEqual(expected);
    await next.close();
  });

  it('[V11] [V17] closes a socket whose user waits for an answer: it may come yet', async () => {
    const peer = await udpPeer(() => undefined);
    const sockets = pool();
    const socket = await sockets.dial('udp', peer.address);
    const { localPort = 0 } = socket;
    const answer = once(socket, 'data', { signal: AbortSignal.timeout(20) });
    socket.write('question');
    await expect(answer).rejects.toThrow();
    await socket.close();
    const next = await sockets.dial('udp', peer.address);
    const heard: string[] = [];
    next.on('data', (datagram) => heard.push(String(datagram)));
    peer.send('late answer', localPort);
    next.write('another question');
    await until(() => peer.received.length === 2);
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(heard).toEqual([]);
    await next.close();
  });

  it('[V11] [V17] closes a raw socket whose borrower waits for an answer', async () => {
    const peer = await udpPeer(() => undefined);
    const sockets = pool();
    const lease = await sockets.acquire('udp', peer.address);
    lease.conn.on('data', () => undefined).write('question');
    lease.release();
    expect(sockets.size).toBe(0);
    const silent = await sockets.acquire('udp', peer.address);
    silent.conn.write('told, not asked');
    silent.release();
    await until(() => sockets.stats().idle === 1);
  });

  it('[V11] [V17] closes a socket that holds a datagram nobody has read', async () => {
    const peer = await udpPeer();
    const sockets = pool();
    const socket = await sockets.dial('udp', peer.address);
    socket.write('a');
    await until(() => peer.received.length === 1);
    await once(socket, 'readable');
    await socket.close();
    expect(sockets.size).toBe(0);
  });

  it('[V17] tells a refusal by ICMP as an error', async () => {
    const gone = await udpPeer();
    const { address } = gone;
    await gone.close();
    const sockets = pool();
    const socket = await sockets.dial('udp', address);
    const failed = once(socket, 'error');
    socket.write('a');
    const [error] = await inTime(failed);
    expect(error).toMatchObject({ code: 'ECONNREFUSED' });
    expect([socket.destroyed, sockets.size]).toEqual([true, 0]);
  });

  it('[V9] [V17] tells a refusal of a reused socket as well: there is no stale connection to replace', async () => {
    const peer = await udpPeer();
    const { address } = peer;
    const sockets = pool({ replay: true });
    await (await sockets.dial('udp', address)).close();
    await peer.close();
    const socket = await sockets.dial('udp', address);
    expect(socket.reused).toBe(true);
    const failed = once(socket, 'error');
    socket.write('a');
    expect((await inTime(failed))[0]).toMatchObject({ code: 'ECONNREFUSED' });
    expect(sockets.stats().totals.dialed).toBe(1);
  });

  it('keeps of a flood that nobody reads no more than it has room for', async () => {
    const peer = await udpPeer((datagram, send) => {
      for (let i = 0; i < 50; i += 1) send(datagram);
    });
    const sockets = pool();
    const lease = await sockets.acquire('udp', peer.address);
    const { conn } = lease;
    conn.pause();
    // In small portions: the kernel has room for few.
    for (let round = 0; round < 40; round += 1) {
      conn.write('more');
      await until(() => peer.received.length === round + 1);
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
    expect(conn.readableLength).toBe(1024);
    lease.discard();
  });

  it('[V17] closes a socket whose refusal comes while nobody has it, and one that is lent does not hear of it', async () => {
    const gone = await udpPeer();
    const { address } = gone;
    await gone.close();
    const sockets = pool();
    const socket = await sockets.dial('udp', address);
    socket.write('a');
    await socket.close();
    await until(() => sockets.size === 0);
    await using next = await sockets.dial('udp', address);
    expect(next.reused).toBe(false);
  });

  it('lends the socket itself under a lease: a DatagramSocket, a datagram for each read', async () => {
    const peer = await udpPeer();
    const sockets = pool();
    for (const reused of [false, true]) {
      const lease = await sockets.acquire('udp', peer.address);
      const { conn } = lease;
      expect(conn).toBeInstanceOf(DatagramSocket);
      conn.write('a');
      conn.write('bb');
      const got: string[] = [];
      conn.on('data', (datagram) => got.push(String(datagram)));
      await until(() => got.length === 2);
      expect([got, lease.reused]).toEqual([['a', 'bb'], reused]);
      lease.release();
      await until(() => sockets.stats().idle === 1);
    }
  });

  it('[V14] gives the socket away with raw(), and no datagram is lost', async () => {
    const peer = await udpPeer((_, send) => ['a', 'bb', 'ccc'].forEach(send));
    const sockets = pool();
    const socket = await sockets.dial('udp', peer.address);
    socket.write('go');
    await once(socket, 'readable');
    const raw = socket.raw();
    expect(sockets.size).toBe(0);
    const got: string[] = [];
    raw.on('data', (datagram) => got.push(String(datagram)));
    await until(() => got.length === 3);
    expect(got).toEqual(['a', 'bb', 'ccc']);
    raw.destroy();
  });

  it("tells by 'timeout' that nothing was sent and nothing came for so long", async () => {
    const peer = await udpPeer();
    const sockets = pool();
    const socket = await sockets.dial('udp', peer.address);
    let heard = 0;
    expect(socket.setTimeout(60, () => (heard += 1)).timeout).toBe(60);
    for (let i = 0; i < 4; i += 1) {
      await new Promise((resolve) => setTimeout(resolve, 20));
      socket.write('a');
      await once(socket, 'data');
    }
    expect(heard).toBe(0);
    await inTime(once(socket, 'timeout'));
    expect([heard, socket.destroyed]).toEqual([1, false]);
    await socket.close();
    const next = await sockets.dial('udp', peer.address);
    next.on('timeout', () => (heard += 100)).setTimeout(10);
    next.setTimeout(0);
    await new Promise((resolve) => setTimeout(resolve, 30));
    expect([heard, next.reused]).toEqual([1, true]);
    // The harness finds the timer if it is still there.
    next.setTimeout(3_600_000);
    await next.close();
  });

  it('counts what has come and what was sent, and knows its own address', async () => {
    const peer = await udpPeer((_, send) => send('seven!!'));
    const socket = await pool().dial('udp', peer.address);
    socket.write('abc');
    await once(socket, 'data');
    expect([socket.bytesRead, socket.bytesWritten]).toEqual([7, 3]);
    expect(socket.address()).toEqual({
      address: '127.0.0.1',
      family: 'IPv4',
      port: peer.received[0]?.from.port,
    });
    expect(socket.localFamily).toBe('IPv4');
    await socket.close();
  });

  it('[V19] is adopted by put, as a DatagramSocket', async () => {
    const peer = await udpPeer();
    const sockets = pool();
    const lease = await sockets.acquire('udp', peer.address);
    const socket = lease.detach();
    sockets.put(socket, { network: 'udp', address: peer.address });
    await using again = await sockets.dial('udp', peer.address);
    again.write('a');
    expect([String((await once(again, 'data'))[0]), again.reused]).toEqual(['a', true]);
  });

  it('does not hold the process open while nobody has it', async () => {
    const peer = await udpPeer();
    const sockets = pool();
    const holding = (): number =>
      process.getActiveResourcesInfo().filter((kind) => kind === 'UDPWrap').length;
    const others = holding();
    const socket = await sockets.dial('udp', peer.address);
    expect(holding()).toBe(others + 1);
    await socket.close();
    await until(() => holding() === others);
  });

  it.each(['udp', 'udp4', 'udp6'] as const)(
    'by %s fails like any dial when the host is not known, and leaves no socket',
    async (network) => {
      const sockets = pool();
      await expect(sockets.dial(network, 'no-such-host.invalid:7')).rejects.toMatchObject({
        code: 'ERR_DIAL',
        cause: { code: expect.stringMatching(/ENOTFOUND|EAI_AGAIN/) },
      });
      expect(sockets.size).toBe(0);
      await refusing();
    },
  );
});
