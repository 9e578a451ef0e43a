import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import net, { type LookupFunction } from 'node:net';
import tls, { type ConnectionOptions, type TLSSocket } from 'node:tls';
import { DialError } from 'nestjs-conn-pool/core';
import { loopback } from './loopback.js';
import { countingConnections, type Peer } from './peers.js';
import { ask, rejection, thrown } from './talk.js';

const pem = (path: string): string => readFileSync(new URL(`../${path}`, import.meta.url), 'utf8');
const ca = pem('thrift/tls/ca.pem');
/** Names localhost and 127.0.0.1. */
const certificate = { key: pem('thrift/tls/server.key'), cert: pem('thrift/tls/server.pem') };
const WRONG_NAME = 'ERR_TLS_CERT_ALTNAME_INVALID';

describe('the name in a certificate', () => {
  const { pool, peer } = loopback();
  const serving = (host?: string): Promise<Peer> => peer(countingConnections, { host, tls: certificate });

  it.each(['host', 'resolveAddress'] as const)(
    '[V3] [V4] must be that of the address that was dialled, be it an IP address, whatever %s makes of it',
    async (how) => {
      const remote = await serving();
      const rewrite =
        how === 'host'
          ? { host: () => remote.address }
          : { resolveAddress: () => ({ network: 'tls', address: remote.address }) as const };
      const sockets = pool({ tls: { ca }, ...rewrite });
      await (await sockets.dial('tls', remote.address)).close();
      for (const address of ['10.1.2.3:443', '[fd00::7]:443', 'elsewhere.test:443']) {
        expect(await rejection(sockets.dial('tls', address))).toMatchObject({
          permanent: true,
          cause: { code: WRONG_NAME },
        });
      }
      await using named = await sockets.dial('tls', 'localhost:443');
      expect([named.authorized, named.reused]).toEqual([true, false]);
    },
  );

  it('[V3] may be another, where servername or a check of the user says so', async () => {
    const remote = await serving();
    const sockets = pool({ tls: { ca }, host: () => remote.address });
    await using byName = await sockets.dial('tls', '10.1.2.3:443', { tls: { servername: 'localhost' } });
    expect(byName.authorized).toBe(true);
    const asked: string[] = [];
    const checkServerIdentity = (name: string): undefined => void asked.push(name);
    await using checked = await sockets.dial('tls', '10.1.2.3:443', { tls: { checkServerIdentity } });
    expect([checked.authorized, asked]).toEqual([true, ['10.1.2.3']]);
  });

  it('[V3] leaves the choice to the pool with servername: undefined', async () => {
    const remote = await serving();
    const sockets = pool({ tls: { ca, servername: undefined } });
    await using socket = await sockets.dial('tls', `localhost:${remote.port}`);
    expect(socket.authorized).toBe(true);
    expect(await remote.connection(1)).toMatchObject({ servername: 'localhost' });
  });

  it('reaches whichever address of a host answers', async () => {
    const remote = await serving();
    const lookup: LookupFunction = (_host, _options, found) =>
      found(null, [
        // Nobody listens there.
        { address: '127.0.0.2', family: 4 },
        { address: '127.0.0.1', family: 4 },
      ]);
    const sockets = pool({ tls: { ca, lookup } });
    await using socket = await sockets.dial('tls', `localhost:${remote.port}`);
    expect([await ask(socket, 'a'), socket.remoteAddress]).toEqual(['1:a', '127.0.0.1']);
  });
});

describe('add and put under the network tls', () => {
  const { pool, peer } = loopback();
  const serving = (host?: string): Promise<Peer> => peer(countingConnections, { host, tls: certificate });

  async function connectTo(remote: Peer, options: ConnectionOptions = { ca }): Promise<TLSSocket> {
    const [host] = remote.address.split(':');
    const socket = tls.connect({ port: remote.port, host, ...options });
    await once(socket, 'secureConnect');
    return socket;
  }

  it('[V19] refuse one that nobody has verified, which stays open and the callers', async () => {
    const remote = await serving();
    const sockets = pool({ name: 'secure' });
    const unverified = await connectTo(remote, { rejectUnauthorized: false });
    const error = thrown(() => sockets.add(unverified));
    expect(error).toMatchObject({ code: 'ERR_INVALID_OPTIONS', pool: 'secure' });
    expect(error.message).toMatch(/socket.*verified/);
    expect(await ask(unverified, 'a')).toBe('1:a');
    unverified.destroy();
    await expect(sockets.dial('tls', remote.address)).rejects.toThrow(DialError);
  });

  it('[V19] refuse one whose certificate is for another name than that of the address', async () => {
    const remote = await serving('127.0.0.2');
    const sockets = pool({ tls: { ca } });
    const socket = await connectTo(remote, { ca, servername: 'localhost' });
    expect(thrown(() => sockets.add(socket)).message).toMatch(/socket.*127\.0\.0\.2/);
    const elsewhere = { network: 'tls', address: `elsewhere.test:${remote.port}` } as const;
    expect(thrown(() => sockets.put(socket, elsewhere)).message).toMatch(/socket.*elsewhere\.test/);
    const named = { network: 'tls', address: `localhost:${remote.port}` } as const;
    sockets.put(socket, named);
    await using lent = await sockets.dial(named.network, named.address);
    expect([await ask(lent, 'a'), lent.reused, lent.authorized]).toEqual(['1:a', true, true]);
  });

  it('[V19] take one that nobody has verified where the pool does not verify either', async () => {
    const remote = await serving();
    const sockets = pool({ tls: { rejectUnauthorized: false } });
    sockets.add(await connectTo(remote, { rejectUnauthorized: false }));
    await using lent = await sockets.dial('tls', remote.address);
    expect([await ask(lent, 'a'), lent.reused]).toEqual(['1:a', true]);
    await expect(sockets.dial('tls', remote.address, { tls: { rejectUnauthorized: true } })).rejects.toThrow(
      DialError,
    );
  });

  it('[V19] refuse a plain socket, and one whose handshake is not over', async () => {
    const [remote, mute] = [await serving(), await peer(() => undefined)];
    const sockets = pool({ tls: { rejectUnauthorized: false } });
    const plain = net.connect(remote.port, '127.0.0.1');
    await once(plain, 'connect');
    expect(thrown(() => sockets.put(plain, { network: 'tls', address: remote.address }))).toMatchObject({
      code: 'ERR_INVALID_OPTIONS',
    });
    plain.destroy();
    const shaking = tls.connect({ port: mute.port, host: '127.0.0.1', rejectUnauthorized: false });
    await once(shaking, 'connect');
    expect(() => sockets.add(shaking)).toThrow();
    shaking.destroy();
    expect(sockets.size).toBe(0);
  });

  it('[V19] refuse a TLS socket under a network without TLS', async () => {
    const remote = await serving();
    const sockets = pool({ tls: { ca } });
    const socket = await connectTo(remote);
    expect(thrown(() => sockets.put(socket, { network: 'tcp', address: remote.address }))).toMatchObject({
      code: 'ERR_INVALID_OPTIONS',
    });
    socket.destroy();
  });

  it('[V18] [V19] are the way back for what get took out', async () => {
    const remote = await serving();
    const sockets = pool({ tls: { ca } });
    const named = { network: 'tls', address: `localhost:${remote.port}` } as const;
    await (await sockets.dial(named.network, named.address)).close();
    for (const line of ['a', 'b']) {
      const socket = sockets.get(named);
      expect(await ask(socket, line)).toBe(`1:${line}`);
      sockets.put(socket, named);
      expect(sockets.size).toBe(1);
    }
  });
});
