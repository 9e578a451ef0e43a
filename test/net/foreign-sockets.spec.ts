import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import net, { type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loopback } from './loopback.js';
import { countingConnections, type Peer, silent } from './peers.js';
import { ask, inTime, thrown } from './talk.js';
import { until } from './until.js';

const deafEar = (): void => undefined;

async function connectTo({ port }: Peer): Promise<Socket> {
  const socket = net.connect({ port, host: '127.0.0.1', noDelay: true });
  await once(socket, 'connect');
  return socket;
}

describe('a socket with a past', () => {
  const { pool, peer } = loopback();

  it('[V19] that its owner has paused is read like any other: by its borrowers, and while it is idle', async () => {
    const remote = await peer(countingConnections);
    const sockets = pool();
    for (const number of [1, 2]) {
      const socket = await connectTo(remote);
      sockets.add(socket.pause());
      const lent = await sockets.dial('tcp', remote.address);
      expect([await inTime(ask(lent, 'a')), lent.reused]).toEqual([`${number}:a`, true]);
      await lent.close();
      sockets.add(sockets.get({ network: 'tcp', address: remote.address }).pause());
      (await remote.connection(number)).write('unasked');
      await until(() => sockets.size === 0);
    }
  });

  it('[V19] that its owner has paused is read by who borrows it raw', async () => {
    const remote = await peer(countingConnections);
    const sockets = pool();
    sockets.add((await connectTo(remote)).pause());
    using lease = await sockets.acquire('tcp', remote.address);
    expect([await inTime(ask(lease.conn, 'a')), lease.reused]).toEqual(['1:a', true]);
  });

  it.each<[string, (socket: Socket) => void, (socket: Socket) => void, RegExp]>([
    ['data', (one) => one.on('data', deafEar), (one) => one.off('data', deafEar), /'data'/],
    ['readable', (one) => one.on('readable', deafEar), (one) => one.off('readable', deafEar), /'readable'/],
    ['cork', (one) => one.cork(), (one) => one.uncork(), /corked/],
  ])(
    '[V19] that its owner still listens to or holds back is refused, and stays open: %s',
    async (_what, hold, letGo, message) => {
      const remote = await peer(countingConnections);
      const sockets = pool({ name: 'devices' });
      const socket = await connectTo(remote);
      hold(socket);
      const error = thrown(() => sockets.add(socket));
      expect(error).toMatchObject({ code: 'ERR_INVALID_OPTIONS', problems: [{ path: 'socket' }] });
      expect(error.message).toMatch(/^Pool "devices"/);
      expect(error.message).toMatch(message);
      expect([sockets.size, socket.destroyed]).toEqual([0, false]);
      letGo(socket);
      sockets.add(socket);
      await using lent = await sockets.dial('tcp', remote.address);
      expect([await ask(lent, 'a'), lent.reused]).toEqual(['1:a', true]);
    },
  );
});

describe('the kind of a socket', () => {
  const { pool, peer, udpPeer, closeLater } = loopback();

  it('[V17] [V19] of datagrams is told by add, and refused where bytes are dialled', async () => {
    const remote = await udpPeer();
    const sockets = pool();
    const raw = (await sockets.dial('udp', remote.address)).raw();
    sockets.add(raw);
    expect(['udp', 'tcp'].map((network) => sockets.idleCount(network as 'udp', remote.address))).toEqual([
      1, 0,
    ]);
    const again = sockets.get({ network: 'udp', address: remote.address });
    for (const network of ['tcp', 'tls', 'unix'] as const) {
      expect(thrown(() => sockets.put(again, { network, address: remote.address }))).toMatchObject({
        code: 'ERR_INVALID_OPTIONS',
        problems: [{ path: 'socket' }],
      });
    }
    again.destroy();
  });

  it('[V17] [V19] of bytes is refused where datagrams are dialled', async () => {
    const remote = await peer(silent);
    const sockets = pool();
    const socket = await connectTo(remote);
    const error = thrown(() => sockets.put(socket, { network: 'udp', address: remote.address }));
    expect(error).toMatchObject({ code: 'ERR_INVALID_OPTIONS' });
    expect(error.message).toContain('datagrams');
    socket.destroy();
  });

  it('[V19] [V24] that goes to no host and port is told of put by add', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'foreign-'));
    closeLater(() => rm(folder, { recursive: true }));
    const remote = await peer(silent, { path: join(folder, 'a.sock') });
    const sockets = pool({ name: 'devices' });
    const socket = net.connect(remote.address);
    await once(socket, 'connect');
    const error = thrown(() => sockets.add(socket));
    expect(error).toMatchObject({ code: 'ERR_INVALID_ADDRESS', pool: 'devices' });
    expect(error.message).toMatch(/cannot take in .*put\(/);
    sockets.put(socket, { network: 'unix', address: remote.address });
    expect(sockets.idleCount('unix', remote.address)).toBe(1);
  });
});

describe('what add cannot take', () => {
  const { pool, peer } = loopback();

  it('[V19] [V24] is refused as closed when it is dead, though it does not tell any more where it went', async () => {
    const remote = await peer(silent);
    const sockets = pool({ name: 'devices' });
    const socket = await connectTo(remote);
    socket.destroy();
    await once(socket, 'close');
    const error = thrown(() => sockets.add(socket));
    expect(error).toMatchObject({ name: 'ConnClosedError', code: 'ERR_CONN_CLOSED', pool: 'devices' });
    expect(error.message).toMatch(/^add\(\): .*closed/);
  });

  it('[V19] is a pooled socket of another pool, which stays lent', async () => {
    const remote = await peer(countingConnections);
    const [sockets, other] = [pool({ name: 'devices' }), pool()];
    const foreign = await other.dial('tcp', remote.address);
    for (const close of [() => undefined, () => sockets.close()]) {
      await close();
      const error = thrown(() => sockets.add(foreign));
      expect(error).toMatchObject({ code: 'ERR_INVALID_OPTIONS', pool: 'devices' });
      expect(error.message).toContain('raw()');
    }
    expect([await ask(foreign, 'a'), sockets.size, other.stats().leased]).toEqual(['1:a', 0, 1]);
    await foreign.close();
    expect(other.stats().idle).toBe(1);
  });

  it('[V19] is what another pool has lent', async () => {
    const remote = await peer(countingConnections);
    const [sockets, other] = [pool(), pool()];
    using lease = await other.acquire('tcp', remote.address);
    expect(thrown(() => sockets.add(lease.conn))).toMatchObject({ code: 'ERR_INVALID_OPTIONS' });
    expect(await ask(lease.conn, 'a')).toBe('1:a');
  });
});
