import { jest } from '@jest/globals';
import { Namespace } from './namespace.js';
import { PEERS } from './peers.js';
import { Scene } from './scene.js';
import { ServerProcess } from './server-process.js';
import { until } from './until.js';

jest.setTimeout(30_000);

const trouble = Namespace.trouble();
if (trouble !== undefined)
  process.stderr.write(`No test of a blackhole: no network namespace here: ${trouble}\n`);

(trouble === undefined ? describe : describe.skip).each(PEERS)('a blackhole (%s)', (_, peer) => {
  it('under load keeps nobody beyond the deadline, and is left once there is a route again', async () => {
    using space = Namespace.make();
    await using server = await ServerProcess.start(peer.script, {
      host: space.address,
      within: space.within,
    });
    await using scene = new Scene(peer, { target: { host: space.address, port: server.port } });
    const load = scene.underLoad();
    await until(() => load.servedAfter(0) !== undefined);
    space.cut();
    await until(() => load.failures('call').length > 0 && load.failures('acquire').length >= 30);
    await scene.isBack(load, space.heal());
    expect(await scene.end()).toEqual([]);
  });

  it('while nobody calls is found out by heartbeats alone', async () => {
    using space = Namespace.make();
    await using server = await ServerProcess.start(peer.script, {
      host: space.address,
      within: space.within,
    });
    await using scene = new Scene(peer, {
      target: { host: space.address, port: server.port },
      pool: { heartbeatInterval: 100 },
    });
    await scene.pool.start();
    await scene.warm(4);
    space.cut();
    const allGone = until(() => scene.pool.stats().size === 0);
    // The interval, the heartbeat, and as long again for those that had just answered.
    await scene.lasts('the discovery', 2 * (100 + 200), allGone);
    expect(scene.pool.stats().totals.lost).toBe(0);
    expect(scene.said('heartbeat-failed').length).toBeGreaterThanOrEqual(1);
    expect(await scene.end()).toEqual([]);
  });
});
