import { InvalidOptionsError } from 'nestjs-conn-pool/core';
import { SocketPool, type SocketPoolOptions } from 'nestjs-conn-pool/net';
import { loopback } from './loopback.js';
import { silent } from './peers.js';
import { rejection, thrown } from './talk.js';

const OWN = [
  'max',
  'maxIdle',
  'exhausted',
  'host',
  'resolveAddress',
  'dialer',
  'idleData',
  'connectTimeout',
  'keepAlive',
  'noDelay',
  'tls',
  'replay',
  'heartbeat',
  'idleTimeout',
  'order',
] as const;

describe('the options of a socket pool', () => {
  const { pool, peer } = loopback();

  it('may be left out, one by one and all of them', async () => {
    for (const options of [undefined, {}, Object.fromEntries(OWN.map((name) => [name, undefined]))]) {
      const sockets = pool(options);
      expect(sockets.stats()).toMatchObject({ name: 'default', max: 0, maxIdle: 2, state: 'open' });
    }
  });

  it.each<[keyof SocketPoolOptions, unknown[]]>([
    ['name', ['', 7, null]],
    ['max', [-1, 1.5, NaN, '3', null, Infinity]],
    ['maxIdle', [-1, 1.5, NaN, '3', null]],
    ['exhausted', ['overflow', '', null, true]],
    ['host', ['localhost', {}, null]],
    ['resolveAddress', ['localhost', {}, null]],
    ['dialer', [{}, { dial: true }, () => undefined, null]],
    ['idleData', ['', 'drop', null, true]],
    ['connectTimeout', [0, -1, Infinity, 'soon', null]],
    ['keepAlive', [0, -1, Infinity, 'often', null]],
    ['noDelay', ['yes', 1, null]],
    ['tls', [true, 'yes', null]],
    ['replay', [-1, 1.5, 'yes', null]],
    ['heartbeat', [true, {}, null]],
    ['idleTimeout', [-1, 'soon', null]],
    ['order', ['random', null]],
    ['acquireTimeout', [-1, 'soon']],
    ['dialBackoff', [{ initial: -1 }, 5]],
  ])('%s that makes no sense is refused: %j', (name, values) => {
    for (const value of values) {
      const error = thrown(() => new SocketPool({ [name]: value } as SocketPoolOptions));
      expect(error).toBeInstanceOf(InvalidOptionsError);
      const { problems } = error as unknown as InvalidOptionsError;
      expect(problems.map(({ path }) => path.split('.')[0])).toEqual([name]);
      expect(error.message).toContain(name);
    }
  });

  it('are refused all at once, with the pool, and what stands below with what stands here', () => {
    const error = thrown(
      () =>
        new SocketPool({
          name: 'devices',
          max: -1,
          idleData: 'drop',
          maxLifetime: 'soon',
          keepalive: true,
        } as unknown as SocketPoolOptions),
    ) as unknown as InvalidOptionsError;
    expect(error.pool).toBe('devices');
    expect(new Set(error.problems.map(({ path }) => path))).toEqual(
      new Set(['max', 'idleData', 'maxLifetime', 'keepalive']),
    );
  });

  it.each(['min', 'meta', 'startup', 'dialTimeout', 'maxPerKey', 'maxIdlePerKey', 'keyOf'])(
    'has no %s: what would be ignored is refused',
    (name) => {
      const error = thrown(() => new SocketPool({ [name]: 1 } as SocketPoolOptions));
      expect(error).toMatchObject({ problems: [{ path: name }] });
    },
  );

  it.each([
    [{ maxIdel: 3 }, 'maxIdel'],
    [{ signal: 'no signal' }, 'signal'],
    [{ timeout: 'soon' }, 'timeout'],
    [{ timeout: -1 }, 'timeout'],
    [{ fresh: 'yes' }, 'fresh'],
    [{ tls: {} }, 'tls'],
    [{ replay: 'yes' }, 'replay'],
    [{ replay: -1 }, 'replay'],
    [{ replay: NaN }, 'replay'],
  ])('of a dial are refused when they make no sense: %o', async (options, path) => {
    const remote = await peer(silent);
    const sockets = pool({ name: 'devices' });
    const error = await rejection(sockets.dial('tcp', remote.address, options as object));
    expect(error).toBeInstanceOf(InvalidOptionsError);
    expect(error).toMatchObject({ pool: 'devices', problems: [{ path }] });
    expect(sockets.stats().totals.dialed).toBe(0);
    // What is idle makes no sense of them either.
    await (await sockets.dial('tcp', remote.address)).close();
    expect(await rejection(sockets.dial('tcp', remote.address, options as object))).toMatchObject({
      pool: 'devices',
      problems: [{ path }],
    });
    expect(sockets.stats().idle).toBe(1);
  });

  it.each([5, 'yes', null])('tls: %j of a dial is refused', async (tls) => {
    const remote = await peer(silent);
    const error = await rejection(pool().dial('tls', remote.address, { tls: tls as never }));
    expect(error).toMatchObject({ code: 'ERR_INVALID_OPTIONS', problems: [{ path: 'tls' }] });
  });

  it('replay is none of an acquire: nobody sees what is written to the raw socket', async () => {
    const remote = await peer(silent);
    const error = await rejection(pool().acquire('tcp', remote.address, { replay: true } as object));
    expect(error).toMatchObject({ code: 'ERR_INVALID_OPTIONS', problems: [{ path: 'replay' }] });
  });

  it.each([5, 'fresh', null, []])('of a dial that are none, %j, are refused', async (options) => {
    const remote = await peer(silent);
    for (const call of ['dial', 'acquire'] as const) {
      const error = await rejection(
        pool()[call]('tcp', remote.address, options as never) as Promise<unknown>,
      );
      expect(error).toMatchObject({ code: 'ERR_INVALID_OPTIONS' });
    }
  });
});
