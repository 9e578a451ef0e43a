import { jest } from '@jest/globals';
import { HALF_OPEN, type Peer, PEERS, withoutHeartbeat } from './peers.js';
import { PATIENT, Scene } from './scene.js';
import { type Manner, ServerProcess } from './server-process.js';
import { until } from './until.js';

jest.setTimeout(30_000);
const host = '127.0.0.1';

describe.each([...PEERS, HALF_OPEN])('connections that the server cuts (%s)', (_, peer) => {
  it.each(['resetAll', 'endAll'] as const)('under load with %s are replaced at once', async (cut) => {
    await using server = await ServerProcess.start(peer.script);
    await using scene = new Scene(peer, { target: { host, port: server.port } });
    const load = scene.underLoad();
    for (let round = 1; round <= 5; round += 1) {
      await until(() => scene.pool.stats().size === 4);
      const { lost } = scene.pool.stats().totals;
      const cutAt = performance.now();
      await server[cut]();
      await until(() => scene.pool.stats().totals.lost > lost);
      await scene.isBack(load, cutAt);
    }
    expect(await scene.end()).toEqual([]);
  });

  it.each(['resetAll', 'endAll'] as const)('while nobody calls leave the pool with %s', async (cut) => {
    await using server = await ServerProcess.start(peer.script);
    await using scene = new Scene(peer, { target: { host, port: server.port }, pool: PATIENT });
    await scene.warm(4);
    await server[cut]();
    await until(() => scene.pool.stats().size === 0);
    // Half open as the server may be, we are not.
    await until(async () => (await server.count()) === 0);
    expect(scene.pool.stats().totals).toMatchObject({ lost: 4, closed: { lost: 4 } });
    expect(await scene.end()).toEqual([]);
  });
});

describe.each(PEERS)('a server that hangs up (%s)', (_, peer) => {
  afterEach(() => void jest.restoreAllMocks());

  it.each<Manner>([{ name: 'hangUp' }, { name: 'reset' }])(
    'on every connection that comes ($name) is dialled at the pace of the back-off',
    async (manner) => {
      await using server = await ServerProcess.start(peer.script);
      await using scene = new Scene(peer, { target: { host, port: server.port } });
      await server.treat(manner);
      const load = scene.underLoad();
      await until(() => load.failures('acquire').length >= 30);
      expect(load.failures('call')).toEqual([]);
      await scene.isBack(load, await server.treat({ name: 'serve' }));
      expect(await scene.end()).toEqual([]);
    },
  );

  it.each<[string, Manner, Peer]>([
    ['after its first answer', { name: 'oneAnswer' }, peer],
    ['when nobody asks it for a heartbeat', { name: 'hangUp' }, withoutHeartbeat(peer)],
  ])('right at the hand-out, %s, is dialled at the pace of the back-off', async (_when, manner, asked) => {
    await using server = await ServerProcess.start(asked.script);
    await using scene = new Scene(asked, { target: { host, port: server.port } });
    await server.treat(manner);
    jest.spyOn(Math, 'random').mockReturnValue(0.999);
    const beganAt = performance.now();
    const load = scene.underLoad();
    await until(() => load.failures('call').length >= 16);
    // Until the first hangs up there is no reason not to dial as many as there may be.
    expect(scene.witness.dials.length).toBeLessThanOrEqual(scene.mostRounds(beganAt, 0.999) * 4);
    await scene.isBack(load, await server.treat({ name: 'serve' }));
    expect(await scene.end()).toEqual([]);
  });

  it('on idle connections: none of them is lent', async () => {
    await using server = await ServerProcess.start(peer.script);
    await using scene = new Scene(peer, {
      target: { host, port: server.port },
      callers: { workers: 1, pause: 80 },
    });
    await server.treat({ name: 'impatient', ms: 50 });
    const load = scene.underLoad();
    await until(() => scene.pool.stats().totals.lost >= 8);
    await scene.isBack(load, await server.treat({ name: 'serve' }));
    expect(await scene.end()).toEqual([]);
  });

  it('on idle connections has none to hang up on when idleTimeout is shorter', async () => {
    await using server = await ServerProcess.start(peer.script);
    await using scene = new Scene(peer, {
      target: { host, port: server.port },
      pool: { ...PATIENT, idleTimeout: 50 },
      callers: { callTimeout: 10_000, pause: 70 },
    });
    await server.treat({ name: 'impatient', ms: 2000 });
    const load = scene.underLoad();
    await until(() => scene.pool.stats().totals.closed['idle-timeout'] >= 12);
    expect(scene.pool.stats().totals.lost).toBe(0);
    expect(load.failures('call')).toEqual([]);
    expect(await scene.end()).toEqual([]);
  });
});
