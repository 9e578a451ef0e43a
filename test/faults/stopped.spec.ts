import { jest } from '@jest/globals';
import { CallTimeoutError, DialError } from 'nestjs-conn-pool/core';
import { rejection } from '../thrift/by-hand.js';
import { PEERS } from './peers.js';
import { PATIENT, Scene } from './scene.js';
import { ServerProcess } from './server-process.js';
import { until } from './until.js';

jest.setTimeout(30_000);
const host = '127.0.0.1';

describe.each(PEERS)('a server that is stopped (%s)', (_, peer) => {
  it('under load keeps nobody beyond the deadline, and is found again once it goes on', async () => {
    await using server = await ServerProcess.start(peer.script);
    await using scene = new Scene(peer, { target: { host, port: server.port } });
    const load = scene.underLoad();
    await until(() => load.servedAfter(0) !== undefined);
    await server.stop();
    await until(() => load.failures('call').length > 0 && load.failures('acquire').length >= 30);
    await scene.isBack(load, await server.goOn());
    expect(await scene.end()).toEqual([]);
    expect(scene.log).toContainEqual(
      expect.stringMatching(
        /: dial attempt 1 failed: .*heartbeat gave no answer within 200 ms; next dial in /,
      ),
    );
  });

  it('costs an acquire one heartbeat, one more for all the others, and one dial, however many are idle', async () => {
    await using server = await ServerProcess.start(peer.script);
    const pool = { max: 8, heartbeatInterval: 1, heartbeatTimeout: 300, acquireTimeout: 10_000 };
    await using scene = new Scene(peer, { target: { host, port: server.port }, pool });
    await scene.warm(8);
    const warmAt = performance.now();
    await server.stop();
    await until(() => performance.now() > warmAt + 1);
    const error = await scene.lasts('the acquire', 3 * 300, rejection(scene.pool.acquire()));
    expect(error).toBeInstanceOf(DialError);
    expect(error.cause).toBeInstanceOf(CallTimeoutError);
    expect(error.cause).toMatchObject({ call: 'heartbeat' });
    expect(scene.pool.stats().totals.closed['heartbeat-failed']).toBeGreaterThanOrEqual(8);
    await server.goOn();
    expect(await scene.end()).toEqual([]);
  });

  it('keeps no health check waiting', async () => {
    await using server = await ServerProcess.start(peer.script);
    const pool = { heartbeatTimeout: 2000 };
    await using scene = new Scene(peer, { target: { host, port: server.port }, pool });
    await scene.warm(4);
    await server.stop();
    const report = await scene.lasts('heartbeat()', 50, scene.pool.heartbeat({ timeout: 50 }));
    expect(report).toMatchObject({ checked: 4, failed: 4 });
    await server.goOn();
    expect(await scene.end()).toEqual([]);
  });

  it('for less long than anybody waits goes unnoticed', async () => {
    await using server = await ServerProcess.start(peer.script);
    await using scene = new Scene(peer, { target: { host, port: server.port }, pool: PATIENT });
    const lease = await scene.pool.acquire();
    await server.stop();
    const answer = peer.echo(lease.conn, 'hello');
    await server.goOn();
    expect(await answer).toBe('hello');
    lease.release();
    expect(scene.pool.stats()).toMatchObject({ idle: 1, totals: { lost: 0 } });
    expect(await scene.end()).toEqual([]);
  });

  it('with a backlog that is full keeps nobody either: dials that hang are given up', async () => {
    await using server = await ServerProcess.start(peer.script, { backlog: 1 });
    await using scene = new Scene(peer, { target: { host, port: server.port } });
    await server.stop();
    const load = scene.underLoad();
    const timedOut = (call: string) =>
      scene.said('dial-failed').filter(({ cause }) => (cause as Partial<CallTimeoutError>).call === call);
    // The kernel accepts two; they are asked and do not answer. For those after them it does not even accept.
    await until(() => timedOut('heartbeat').length > 0 && timedOut('dial').length >= 4);
    await scene.isBack(load, await server.goOn());
    expect(await scene.end()).toEqual([]);
  });
});
