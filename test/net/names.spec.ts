import dns from 'node:dns';
import { getEventListeners, once } from 'node:events';
import net from 'node:net';
import { jest } from '@jest/globals';
import { loopback } from './loopback.js';
import { countingConnections, refusing } from './peers.js';
import { ask, inTime, rejection } from './talk.js';
import { until } from './until.js';

interface Found {
  readonly address: string;
  readonly family: number;
}

/** For the length of a test a host name has these addresses, in this order. */
function resolveTo(...found: Found[]): string[] {
  const asked: string[] = [];
  jest.spyOn(dns, 'lookup').mockImplementation(((
    host: string,
    // A number is a family, in the old way of calling.
    options: number | { all?: boolean; family?: number },
    done: (error: Error | null, ...found: unknown[]) => void,
  ) => {
    const { all = false, family = 0 } = typeof options === 'number' ? { family: options } : options;
    const itself = { address: host, family: net.isIP(host) };
    if (itself.family === 0) asked.push(host);
    const fit = itself.family > 0 ? [itself] : found.filter((each) => family === 0 || each.family === family);
    setImmediate(() => {
      if (all) done(null, fit);
      else done(null, fit[0]?.address, fit[0]?.family);
    });
  }) as never);
  return asked;
}

describe('a host name', () => {
  const { pool, peer, udpPeer } = loopback();

  afterEach(() => void jest.restoreAllMocks());

  it('with several addresses is reached at whichever answers: happy eyeballs', async () => {
    const remote = await peer(countingConnections);
    const asked = resolveTo({ address: '::1', family: 6 }, { address: '127.0.0.1', family: 4 });
    const sockets = pool();
    for (const reused of [false, true]) {
      await using socket = await sockets.dial('tcp', `device.test:${remote.port}`);
      expect([await ask(socket, 'a'), socket.remoteAddress, socket.reused]).toEqual([
        '1:a',
        '127.0.0.1',
        reused,
      ]);
    }
    expect(asked).toEqual(['device.test']);
  });

  it('whose first address never answers is reached at the second, well before connectTimeout', async () => {
    const remote = await peer(countingConnections);
    // A documentation address: nobody answers there.
    resolveTo({ address: '192.0.2.1', family: 4 }, { address: '127.0.0.1', family: 4 });
    const sockets = pool({ connectTimeout: '20s' });
    await using socket = await inTime(sockets.dial('tcp', `device.test:${remote.port}`));
    expect(socket.remoteAddress).toBe('127.0.0.1');
  });

  it('is asked for addresses of the one version that the network names', async () => {
    const [four, six] = [await peer(), await peer(undefined, { host: '::1' })];
    resolveTo({ address: '::1', family: 6 }, { address: '127.0.0.1', family: 4 });
    const sockets = pool();
    await using first = await sockets.dial('tcp4', `device.test:${four.port}`);
    await using second = await sockets.dial('tcp6', `device.test:${six.port}`);
    expect([first.remoteAddress, second.remoteAddress]).toEqual(['127.0.0.1', '::1']);
  });

  it.each([
    ['udp4', '127.0.0.1'],
    ['udp6', '::1'],
  ] as const)('is looked up for %s at %s', async (network, host) => {
    const { port } = await udpPeer(undefined, { host });
    resolveTo({ address: '::1', family: 6 }, { address: '127.0.0.1', family: 4 });
    await using socket = await pool().dial(network, `device.test:${port}`);
    socket.write('a');
    expect([String((await once(socket, 'data'))[0]), socket.remoteAddress]).toEqual(['a', host]);
  });

  it('is looked up anew by each dial', async () => {
    const [one, other] = [await peer(countingConnections), await peer(countingConnections, { host: '::1' })];
    const sockets = pool();
    resolveTo({ address: '127.0.0.1', family: 4 });
    await (await sockets.dial('tcp', `device.test:${one.port}`)).close();
    jest.restoreAllMocks();
    resolveTo({ address: '::1', family: 6 });
    await using moved = await sockets.dial('tcp', `device.test:${other.port}`);
    expect(moved.remoteAddress).toBe('::1');
  });

  it('[V24] none of whose addresses answers gives an error that says why', async () => {
    const address = await refusing();
    const port = address.split(':')[1];
    resolveTo({ address: '::1', family: 6 }, { address: '127.0.0.1', family: 4 });
    const error = await rejection(pool().dial('tcp', `device.test:${port}`));
    expect(error).toMatchObject({ code: 'ERR_DIAL' });
    expect(error.message).toMatch(/device\.test.*ECONNREFUSED/);
  });
});

describe('the signal of a dial', () => {
  const { pool, peer } = loopback();

  it('keeps no listener of the pool, whatever becomes of the dial', async () => {
    const remote = await peer();
    const sockets = pool({ max: 1, exhausted: 'wait' });
    const { signal } = new AbortController();
    const socket = await sockets.dial('tcp', remote.address, { signal });
    const waiting = sockets.dial('tcp', remote.address, { signal });
    await socket.close();
    const second = await waiting;
    await rejection(sockets.dial('tcp', remote.address, { signal, timeout: 5 }));
    await second.close();
    (await sockets.acquire('tcp', remote.address, { signal })).release();
    await sockets.closeIdle();
    await rejection(sockets.dial('tcp', await refusing(), { signal }));
    expect(getEventListeners(signal, 'abort')).toHaveLength(0);
  });

  it('ends a dial, never what came of it', async () => {
    const remote = await peer();
    const sockets = pool();
    const abort = new AbortController();
    const socket = await sockets.dial('tcp', remote.address, { signal: abort.signal });
    abort.abort(new Error('too late'));
    expect([await ask(socket, 'a'), socket.destroyed]).toEqual(['a', false]);
    await socket.close();
    expect(sockets.stats().idle).toBe(1);
  });

  it('ends the dial at once while the host is looked up; what that finds in the end is let go', async () => {
    const remote = await peer();
    let found: (address: string) => void = () => undefined;
    const sockets = pool({ host: () => new Promise<string>((resolve) => (found = resolve)) });
    const reason = new Error('enough');
    const abort = new AbortController();
    const dialling = rejection(sockets.dial('tcp', 'device:1', { signal: abort.signal }));
    await until(() => sockets.stats().dialing === 1);
    abort.abort(reason);
    expect(await inTime(dialling)).toBe(reason);
    found(remote.address);
    await until(() => sockets.stats().dialing === 0);
    expect(sockets.stats().leased).toBe(0);
  });
});
