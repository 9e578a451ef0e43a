import { type SocketPool } from 'nestjs-conn-pool/net';
import { loopback } from './loopback.js';
import { countingConnections, echo, Peer, refusing } from './peers.js';
import { ask, rejection, thrown } from './talk.js';

type Network = Parameters<SocketPool['dial']>[0];

describe('an address', () => {
  const { pool, peer, dialled } = loopback();

  it.each([
    ['tcp', ''],
    ['tcp', 'localhost'],
    ['tcp', ':80'],
    ['tcp', 'localhost:'],
    ['tcp', 'localhost:http'],
    ['tcp', 'localhost:80x'],
    ['tcp', 'localhost:-1'],
    ['tcp', 'localhost: 80'],
    ['tcp', 'local host:80'],
    ['tcp', 'localhost:80\n'],
    ['tcp', 'http://localhost:80'],
    ['tcp', 'local/host:80'],
    ['tcp', 'root@localhost:80'],
    ['tcp', 'local\0host:80'],
    ['tcp', 'fe80::1%lo:80'],
    ['tcp', '127.0.0.1%lo:80'],
    ['tcp', 'local..host:80'],
    ['tcp', '.localhost:80'],
    ['tcp', '..:80'],
    ['tcp', '"localhost":80'],
    ['tcp', 'localhost:080'],
    ['tcp', 'localhost:+80'],
    ['tcp', 'localhost:1e3'],
    ['tcp', 'localhost:0x50'],
    ['tcp', '::1:80'],
    ['tcp', '[::1]'],
    ['tcp', '[::1:80'],
    ['tcp', '::1]:80'],
    ['tcp', '[]:80'],
    ['tcp', '[localhost]:80'],
    ['tcp', '[127.0.0.1]:80'],
    ['tls', 'localhost'],
    ['udp', 'localhost'],
    ['unix', ''],
    ['unix', `/${'x'.repeat(107)}`],
    ['tcp', undefined],
    ['tcp', 80],
    ['unix', null],
  ] as [Network, string][])(
    '[V24] of %s that is malformed, %j, is refused before any socket exists',
    async (network, address) => {
      const sockets = pool({ name: 'devices' });
      for (const call of [
        sockets.dial(network, address),
        sockets.acquire(network, address),
        Promise.resolve().then(() => sockets.get({ network, address })),
      ]) {
        const error = await rejection(call as Promise<unknown>);
        expect(error).toMatchObject({
          name: 'InvalidAddressError',
          code: 'ERR_INVALID_ADDRESS',
          pool: 'devices',
          network,
          address: String(address),
        });
        expect(error.message).toMatch(/^Pool "devices" cannot .*allowed: /);
        expect(error.message).toContain(network);
      }
      expect(sockets.idleCount(network, address)).toBe(0);
      expect([dialled.length, sockets.stats().totals.dialFailures]).toEqual([0, 0]);
    },
  );

  it.each(['localhost:0', 'localhost:65536', '127.0.0.1:99999999999', '[::1]:70000'])(
    '[V24] with a port out of range, %s, is refused before any socket exists',
    async (address) => {
      const error = await rejection(pool().dial('tcp', address));
      expect(error).toMatchObject({ code: 'ERR_INVALID_ADDRESS' });
      expect(error.message).toContain('a port from 1 to 65535');
      expect(dialled).toHaveLength(0);
    },
  );

  it.each([
    ['tcp4', '[::1]:80', 'IPv4'],
    ['udp4', '[::1]:80', 'IPv4'],
    ['tcp6', '127.0.0.1:80', 'IPv6'],
    ['udp6', '127.0.0.1:80', 'IPv6'],
  ] as const)('[V1] of %s cannot be %s', async (network, address, version) => {
    const error = await rejection(pool().dial(network, address));
    expect(error).toMatchObject({ code: 'ERR_INVALID_ADDRESS', network, address });
    expect(error.message).toContain(version);
  });

  it.each(['ip', 'TCP', 'tcp5', 'unixgram', '', 'toString', undefined, 4])(
    '[V1] [V24] of an unsupported network, %j, is refused before any socket exists',
    async (network) => {
      const sockets = pool({ name: 'devices' });
      const given = network as Network;
      for (const call of [sockets.dial(given, 'localhost:80'), sockets.acquire(given, 'localhost:80')]) {
        const error = await rejection(call as Promise<unknown>);
        expect(error).toMatchObject({
          name: 'UnsupportedNetworkError',
          code: 'ERR_UNSUPPORTED_NETWORK',
          pool: 'devices',
          network: String(network),
          address: 'localhost:80',
        });
        expect(error.message).toContain('tcp, tcp4, tcp6, tls, udp, udp4, udp6, unix');
      }
      expect(sockets.idleCount(given, 'localhost:80')).toBe(0);
      expect(dialled).toHaveLength(0);
    },
  );

  it.each(['my_device-7', 'plant.example.', 'b\u00fccher.example', '\u2615.example', '127.1', 'A1'])(
    'may have any host name that there can be: %s',
    async (host) => {
      const remote = await peer(countingConnections);
      const sockets = pool({ host: () => remote.address });
      await using socket = await sockets.dial('tcp', `${host}:80`);
      expect(await ask(socket, 'a')).toBe('1:a');
    },
  );

  it('may have a zone, if it is one of IPv6', async () => {
    const remote = await peer(countingConnections, { host: '::1' });
    await using socket = await pool().dial('tcp6', `[::1%lo]:${remote.port}`);
    expect(await ask(socket, 'a')).toBe('1:a');
  });

  it('is checked when it is put, too', async () => {
    const remote = await peer();
    const sockets = pool();
    const socket = (await sockets.dial('tcp', remote.address)).raw();
    expect(thrown(() => sockets.put(socket, { network: 'tcp', address: 'nowhere' }))).toMatchObject({
      code: 'ERR_INVALID_ADDRESS',
    });
    expect(
      thrown(() => sockets.put(socket, { network: 'ip' as never, address: remote.address })),
    ).toMatchObject({
      code: 'ERR_UNSUPPORTED_NETWORK',
    });
    expect(socket.destroyed).toBe(false);
    socket.destroy();
  });

  it.each([
    ['127.0.0.1', 'tcp'],
    ['127.0.0.1', 'tcp4'],
    ['::1', 'tcp'],
    ['::1', 'tcp6'],
  ] as const)('by name reaches a host that listens on %s only, by %s', async (host, network) => {
    const hosts = await addressesOfLocalhost();
    if (!hosts.includes(host)) {
      console.warn(`skipped: localhost has no address ${host} here`);
      return;
    }
    const remote = await peer(countingConnections, { host });
    const sockets = pool();
    await using socket = await sockets.dial(network, `localhost:${remote.port}`);
    expect([await ask(socket, 'a'), socket.remoteAddress]).toEqual(['1:a', host]);
  });

  it('[V24] that nobody listens at gives an error with the network, the address, the pool and what to do', async () => {
    const address = await refusing();
    const { port } = new URL(`tcp://${address}`);
    const sockets = pool({ name: 'devices' });
    for (const [network, at] of [
      ['tcp', address],
      ['tcp4', `localhost:${port}`],
      ['tcp', `localhost:${port}`],
    ] as const) {
      const error = await rejection(sockets.dial(network, at));
      expect(error).toMatchObject({ code: 'ERR_DIAL', pool: 'devices', attempts: 1, permanent: false });
      expect(error.message).toContain(`${network} ${at}`);
      expect(error.message).toMatch(/"devices".*ECONNREFUSED.*Check that the server is up/);
    }
    expect(sockets.size).toBe(0);
  });

  it('[V24] whose host is not known gives an error that says so', async () => {
    const error = await rejection(pool().dial('tcp', 'no-such-host.invalid:80'));
    expect(error).toMatchObject({ code: 'ERR_DIAL' });
    expect(error.message).toMatch(/tcp no-such-host\.invalid:80.*(ENOTFOUND|EAI_AGAIN)/);
  });

  it('[V24] is named by whoever refuses or gives up', async () => {
    const remote = await Peer.start(echo);
    try {
      const sockets = pool({ name: 'devices', max: 1 });
      const held = await sockets.dial('tcp', remote.address);
      const full = await rejection(sockets.dial('tcp', remote.address));
      expect(full.message).toMatch(/"devices".*exhausted.*Raise "max"/);
      expect(full.message).toContain(`tcp ${remote.address}`);
      await held.close();
      const waiting = pool({ name: 'devices', max: 1, exhausted: 'wait' });
      const other = await waiting.dial('tcp', remote.address);
      const late = await rejection(waiting.dial('tcp', remote.address, { timeout: 10 }));
      expect(late.message).toMatch(/"devices".*within 10 ms/);
      expect(late.message).toContain(`tcp ${remote.address}`);
      await other.close();
      await Promise.all([sockets.close(), waiting.close()]);
    } finally {
      await remote.close();
    }
  });

  async function addressesOfLocalhost(): Promise<string[]> {
    const { promises } = await import('node:dns');
    const found = await promises.lookup('localhost', { all: true });
    return found.map(({ address }) => address);
  }
});
