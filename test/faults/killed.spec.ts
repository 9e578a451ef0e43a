import { jest } from '@jest/globals';
import { rejection } from '../thrift/by-hand.js';
import { PEERS } from './peers.js';
import { PATIENT, Scene } from './scene.js';
import { ServerProcess } from './server-process.js';
import { until } from './until.js';

jest.setTimeout(30_000);
const host = '127.0.0.1';

describe.each(PEERS)('a server that is killed (%s)', (_, peer) => {
  it('under load fails what is in flight, and is found again once it is back', async () => {
    await using server = await ServerProcess.start(peer.script);
    await using scene = new Scene(peer, {
      target: { host, port: server.port },
      callers: { callTimeout: 5000 },
    });
    const load = scene.underLoad();
    await until(() => load.servedAfter(0) !== undefined);
    await server.kill();
    await until(() => load.failures('acquire').length >= 30);
    expect(load.failures('call').length).toBeLessThanOrEqual(4);
    await scene.isBack(load, await server.restart());
    expect(await scene.end()).toEqual([]);
    for (const line of [
      / lost \d connections?: /,
      /: dial attempt 1 failed: .*; next dial in /,
      / recovered after /,
    ]) {
      expect(scene.log).toContainEqual(expect.stringMatching(line));
    }
  });

  it('while nobody calls empties the pool, and nothing is dialled', async () => {
    await using server = await ServerProcess.start(peer.script);
    await using scene = new Scene(peer, { target: { host, port: server.port }, pool: PATIENT });
    await scene.warm(4);
    await server.kill();
    await until(() => scene.pool.stats().size === 0);
    expect(scene.pool.stats().totals).toMatchObject({ lost: 4, closed: { lost: 4 } });
    expect(await scene.end()).toEqual([]);
    expect(scene.witness.dials).toHaveLength(4);
  });

  it('is dialled for the sake of min at the pace of the back-off, until it is back', async () => {
    await using server = await ServerProcess.start(peer.script);
    await using scene = new Scene(peer, { target: { host, port: server.port }, pool: { min: 2 } });
    await scene.pool.start();
    await until(() => scene.pool.stats().idle === 2);
    await server.kill();
    await until(() => scene.said('dial-failed').length >= 12);
    await server.restart();
    await until(() => scene.pool.stats().idle === 2);
    expect(scene.said('recovered')).toHaveLength(1);
    expect(await scene.end()).toEqual([]);
  });

  it('tells whoever holds a lease at once, and fails the call in flight', async () => {
    await using server = await ServerProcess.start(peer.script);
    await using scene = new Scene(peer, { target: { host, port: server.port }, pool: PATIENT });
    const lease = await scene.pool.acquire();
    const told = new Promise((resolve) => lease.signal.addEventListener('abort', resolve));
    await server.stop();
    const call = rejection(peer.echo(lease.conn, 'hello'));
    await server.kill();
    await told;
    await call;
    lease.release();
    expect(scene.pool.tryAcquire()).toBeUndefined();
    await until(() => scene.pool.stats().size === 0);
    expect(scene.pool.stats().totals.closed.lost).toBe(1);
    expect(await scene.end()).toEqual([]);
  });
});
