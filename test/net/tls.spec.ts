import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import type { Socket } from 'node:net';
import { connect, createSecureContext, type TLSSocket, type TlsOptions } from 'node:tls';
import { inspect } from 'node:util';
import { DialError } from 'nestjs-conn-pool/core';
import { listenersOf } from './census.js';
import { loopback } from './loopback.js';
import { answering, countingConnections, type Peer, refusing, type Script, silent } from './peers.js';
import { ask, inTime, rejection } from './talk.js';
import { until } from './until.js';

const pem = (path: string): string => readFileSync(new URL(`../${path}`, import.meta.url), 'utf8');
const ca = pem('thrift/tls/ca.pem');
const key = pem('thrift/tls/server.key');
const cert = pem('thrift/tls/server.pem');

/** Answers with the number of the connection and the name the client has asked for. */
const namingTheServer: Script = answering(
  (_, socket, number) => `${number}:${(socket as TLSSocket & { servername: string | false }).servername}`,
);

describe('TLS', () => {
  const { pool, peer } = loopback();

  const serving = (script: Script = countingConnections, tls: TlsOptions = {}): Promise<Peer> =>
    peer(script, { tls: { key, cert, ...tls } });

  it('[V1] carries what is written when the certificate is trusted, and lends the connection again', async () => {
    const remote = await serving();
    const sockets = pool({ tls: { ca } });
    for (const line of ['a', 'b']) {
      const socket = await sockets.dial('tls', remote.address);
      expect([await ask(socket, line), socket.reused]).toEqual([`1:${line}`, line === 'b']);
      expect([socket.encrypted, socket.authorized]).toEqual([true, true]);
      await socket.close();
    }
    using lease = await sockets.acquire('tls', remote.address);
    expect([await ask(lease.conn, 'c'), lease.reused]).toEqual(['1:c', true]);
    expect(sockets.idleCount('tls', remote.address)).toBe(0);
    expect(sockets.stats().leased).toBe(1);
  });

  it.each([
    ['that nobody trusts', {}, {}, 'UNABLE_TO_VERIFY_LEAF_SIGNATURE'],
    ['for another host', {}, { ca, servername: 'elsewhere.test' }, 'ERR_TLS_CERT_ALTNAME_INVALID'],
    ['that has expired', { cert: pem('thrift/tls/expired.pem') }, { ca }, 'CERT_HAS_EXPIRED'],
    [
      'signed by itself',
      { cert: pem('faults/tls/self-signed.pem'), key: pem('faults/tls/self-signed.key') },
      {},
      'DEPTH_ZERO_SELF_SIGNED_CERT',
    ],
  ])('[V24] refuses a certificate %s at once, and tries no more', async (_, theirs, ours, code) => {
    const remote = await serving(countingConnections, theirs);
    const sockets = pool({
      name: 'secure',
      tls: ours,
      dialAttempts: 5,
      dialBackoff: { initial: '20s', max: '20s' },
    });
    const error = await inTime(rejection(sockets.dial('tls', remote.address)));
    expect(error).toBeInstanceOf(DialError);
    expect(error).toMatchObject({ permanent: true, attempts: 1, pool: 'secure', cause: { code } });
    expect(error.message).toContain(remote.address);
    // The next is told without a dial, and without waiting for the back-off.
    const again = await inTime(rejection(sockets.dial('tls', remote.address)));
    expect(again).toMatchObject({ permanent: true, cause: { code } });
    expect(sockets.stats()).toMatchObject({ size: 0, totals: { dialFailures: 1 } });
  });

  it('is no permanent failure where nobody listens, or where plain text is spoken', async () => {
    const plain = await peer((socket) => void socket.end('220 plain text\r\n'));
    const sockets = pool({ tls: { ca } });
    const refused = await rejection(sockets.dial('tls', await refusing()));
    expect(refused).toMatchObject({ permanent: false, cause: { code: 'ECONNREFUSED' } });
    expect(await rejection(sockets.dial('tls', plain.address))).toMatchObject({
      permanent: false,
      cause: { code: expect.stringMatching(/^(ERR_SSL|ECONNRESET|EPROTO)/) },
    });
    expect(sockets.size).toBe(0);
  });

  it('tells of the handshake what the socket itself tells', async () => {
    const remote = await serving(countingConnections, { ALPNProtocols: ['lines'] });
    const sockets = pool({ tls: { ca, ALPNProtocols: ['lines'] } });
    const socket = await sockets.dial('tls', `localhost:${remote.port}`);
    const own = {
      alpnProtocol: socket.alpnProtocol,
      authorizationError: socket.authorizationError,
      servername: socket.servername,
      protocol: socket.getProtocol(),
      cipher: socket.getCipher(),
      certificate: socket.getPeerCertificate()?.fingerprint256,
      isSessionReused: socket.isSessionReused(),
    };
    const raw = socket.raw() as TLSSocket & { servername: string };
    expect(own).toEqual({
      alpnProtocol: 'lines',
      authorizationError: undefined,
      servername: 'localhost',
      protocol: raw.getProtocol(),
      cipher: raw.getCipher(),
      certificate: raw.getPeerCertificate().fingerprint256,
      isSessionReused: raw.isSessionReused(),
    });
    raw.destroy();
  });

  it('gives up a handshake that nobody answers at connectTimeout', async () => {
    const mute = await peer(silent);
    const sockets = pool({ connectTimeout: 60, tls: { ca } });
    const error = await inTime(rejection(sockets.dial('tls', mute.address)));
    expect(error).toMatchObject({ code: 'ERR_DIAL', cause: { code: 'ERR_CALL_TIMEOUT' } });
    await until(() => mute.open.length === 0);
  });

  it('goes on listening for sessions, however many listeners a borrower has put on', async () => {
    const remote = await serving();
    const sockets = pool({ tls: { ca } });
    const lease = await sockets.acquire('tls', remote.address);
    const { conn } = lease;
    const listeners = conn.listenerCount('session');
    for (let i = 0; i < 40; i += 1) conn.once(`mine ${i % 8}`, () => undefined);
    lease.release();
    expect([conn.listenerCount('session'), conn.listenerCount('mine 7')]).toEqual([listeners, 0]);
    expect(listeners).toBeGreaterThan(0);
  });

  it('resumes the session of an earlier connection to the same address', async () => {
    const remote = await serving();
    const sockets = pool({ tls: { ca } });
    const first = await sockets.acquire('tls', remote.address);
    expect(await ask(first.conn, 'a')).toBe('1:a');
    const second = await sockets.acquire('tls', remote.address);
    const resumed = [first, second].map(({ conn }) => (conn as TLSSocket).isSessionReused());
    expect(resumed).toEqual([false, true]);
    expect(await ask(second.conn, 'b')).toBe('2:b');
    first.release();
    second.release();
    await until(() => sockets.stats().idle === 2);
    await sockets.closeIdle();
    const third = await sockets.acquire('tls', remote.address);
    expect([third.reused, (third.conn as TLSSocket).isSessionReused()]).toEqual([false, true]);
    third.release();
  });

  it('resumes no session where the options or the address differ', async () => {
    const [remote, other] = [await serving(), await serving()];
    const sockets = pool({ tls: { ca } });
    const isResumed = async (port: number, tls?: object): Promise<boolean> => {
      const lease = await sockets.acquire('tls', `127.0.0.1:${port}`, { fresh: true, tls });
      await ask(lease.conn, 'x');
      const resumed = (lease.conn as TLSSocket).isSessionReused();
      lease.release();
      return resumed;
    };
    expect(await isResumed(remote.port)).toBe(false);
    expect(await isResumed(remote.port)).toBe(true);
    expect(await isResumed(remote.port, { rejectUnauthorized: false })).toBe(false);
    expect(await isResumed(other.port)).toBe(false);
    expect(await isResumed(remote.port, { maxVersion: 'TLSv1.2' })).toBe(false);
    expect(await isResumed(remote.port, { maxVersion: 'TLSv1.2' })).toBe(true);
  });

  it('[V4] names to the server the host of the original address, whatever has become of the address', async () => {
    const remote = await serving(namingTheServer);
    const address = `localhost:${remote.port}`;
    for (const options of [
      {},
      { host: () => `127.0.0.1:${remote.port}` },
      { resolveAddress: () => ({ network: 'tls', address: `127.0.0.1:${remote.port}` }) as const },
    ]) {
      const sockets = pool({ tls: { ca }, ...options });
      await using socket = await sockets.dial('tls', address);
      expect((await ask(socket, '?')).split(':')[1]).toBe('localhost');
      expect(socket.authorized).toBe(true);
    }
    const sockets = pool({ tls: { ca } });
    await using byAddress = await sockets.dial('tls', `127.0.0.1:${remote.port}`);
    expect((await ask(byAddress, '?')).split(':')[1]).toBe('false');
    await using named = await sockets.dial('tls', `127.0.0.1:${remote.port}`, {
      tls: { servername: 'localhost' },
    });
    expect((await ask(named, '?')).split(':')[1]).toBe('localhost');
  });

  it('never lends a connection made without verifying to one who verifies, and the other way round', async () => {
    const remote = await serving();
    const sockets = pool({ maxIdle: 5 });
    const lax = { tls: { rejectUnauthorized: false } };
    const unverified = await sockets.dial('tls', remote.address, lax);
    expect([unverified.encrypted, unverified.authorized]).toEqual([true, false]);
    await unverified.close();
    await expect(sockets.dial('tls', remote.address)).rejects.toThrow(DialError);
    const verified = await sockets.dial('tls', remote.address, { tls: { ca } });
    expect([verified.authorized, verified.reused]).toEqual([true, false]);
    await verified.close();
    await using again = await sockets.dial('tls', remote.address, lax);
    expect([again.authorized, again.reused]).toEqual([false, true]);
  });

  it('never lends a connection verified for one name to a dial of another, though both lead to one address', async () => {
    const remote = await serving();
    const sockets = pool({
      tls: { ca },
      resolveAddress: (network) => ({ network, address: `127.0.0.1:${remote.port}` }),
    });
    await (await sockets.dial('tls', `localhost:${remote.port}`)).close();
    expect(await rejection(sockets.dial('tls', `elsewhere.test:${remote.port}`))).toMatchObject({
      permanent: true,
      cause: { code: 'ERR_TLS_CERT_ALTNAME_INVALID' },
    });
    await using again = await sockets.dial('tls', `localhost:${remote.port}`);
    expect(again.reused).toBe(true);
  });

  it('takes options for the same that say the same, in whatever order and form', async () => {
    const remote = await serving(countingConnections, { ALPNProtocols: ['x'] });
    const sockets = pool({ tls: { ca }, maxIdle: 5 });
    const same = [
      { tls: undefined },
      { tls: {} },
      { tls: { ca } },
      { tls: { ca, rejectUnauthorized: undefined } },
    ];
    for (const options of same) await (await sockets.dial('tls', remote.address, options)).close();
    expect(sockets.stats().totals.dialed).toBe(1);
    const ordered = [
      { tls: { minVersion: 'TLSv1.2', ALPNProtocols: ['x'] } as const },
      { tls: { ALPNProtocols: ['x'], minVersion: 'TLSv1.2' } as const },
      { tls: { ALPNProtocols: ['x'], minVersion: 'TLSv1.2', ca: Buffer.from(ca) } as const },
    ];
    for (const options of ordered) await (await sockets.dial('tls', remote.address, options)).close();
    expect(sockets.stats().totals.dialed).toBe(3);
  });

  it('tells options apart that are no plain data by what they are, not by how they look', async () => {
    const remote = await serving();
    const sockets = pool({ maxIdle: 9 });
    const [one, other] = [createSecureContext({ ca }), createSecureContext({ ca })];
    const [yes, alsoYes] = [() => undefined, () => undefined];
    const dials = [
      { secureContext: one },
      { secureContext: other },
      { ca, checkServerIdentity: yes },
      { ca, checkServerIdentity: alsoYes },
    ];
    for (const tls of [...dials, ...dials])
      await (await sockets.dial('tls', remote.address, { tls })).close();
    expect(sockets.stats().totals.dialed).toBe(4);
  });

  it('shows nothing of the options in errors and events: a key is nobody else’s business', async () => {
    const sockets = pool({ tls: { ca, key, cert, passphrase: 'correct horse' } });
    const events: unknown[] = [];
    sockets.events$.subscribe((event) => events.push(event));
    const error = await rejection(sockets.dial('tls', await refusing()));
    const shown = [
      error.message,
      inspect(error, { depth: 9 }),
      inspect(events, { depth: 9 }),
      JSON.stringify(error),
    ];
    for (const text of shown) expect(text).not.toMatch(/PRIVATE KEY|correct horse/);
  });

  it('[V9] replaces a stale connection as for any other network', async () => {
    let lines = 0;
    const remote = await serving(
      answering((line, socket, number) => {
        if (number === 1 && (lines += 1) > 1) return void socket.destroy();
        return `${number}:${line}`;
      }),
    );
    const sockets = pool({ tls: { ca }, replay: true });
    const first = await sockets.dial('tls', remote.address);
    await ask(first, 'a');
    await first.close();
    await using socket = await sockets.dial('tls', remote.address);
    expect([socket.reused, await ask(socket, 'b')]).toEqual([true, '2:b']);
  });

  it.each(['write', 'end', 'destroy'] as const)(
    '[V16] sees at once what an idle peer does: %s',
    async (what) => {
      const remote = await serving();
      const sockets = pool({ tls: { ca } });
      const socket = await sockets.dial('tls', remote.address);
      await ask(socket, 'a');
      await socket.close();
      const theirs = remote.accepted[0] as Socket;
      if (what === 'write') theirs.write('!');
      else theirs[what]();
      await until(() => sockets.size === 0);
    },
  );

  it.each(['raw', 'get', 'detach'])(
    '[V14] [V18] leaves no listener of the pool on what %s gives',
    async (how) => {
      const remote = await serving();
      const plain = connect({ port: remote.port, host: '127.0.0.1', ca });
      await once(plain, 'secureConnect');
      const sockets = pool({ tls: { ca } });
      const socket = await sockets.dial('tls', remote.address);
      let taken: Socket;
      if (how === 'raw') taken = socket.raw();
      else {
        await socket.close();
        if (how === 'get') taken = sockets.get({ network: 'tls', address: remote.address });
        else taken = (await sockets.acquire('tls', remote.address)).detach();
      }
      await new Promise((resolve) => setImmediate(resolve));
      expect(await ask(taken, 'a')).toBe('2:a');
      // Node's own, which is for the first listener of 'session'.
      const { newListener: _once, ...left } = listenersOf(taken);
      const { newListener: _twice, ...usual } = listenersOf(plain);
      taken.destroy();
      plain.destroy();
      expect(left).toEqual(usual);
    },
  );

  it('[V19] is adopted by add under the network tls', async () => {
    const remote = await serving();
    const socket = connect({ port: remote.port, host: '127.0.0.1', ca });
    await once(socket, 'secureConnect');
    const sockets = pool({ tls: { ca } });
    sockets.add(socket);
    expect(sockets.idleCount('tls', remote.address)).toBe(1);
    await using lent = await sockets.dial('tls', remote.address);
    expect([await ask(lent, 'a'), lent.reused]).toEqual(['1:a', true]);
  });
});
