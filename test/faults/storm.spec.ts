import { setTimeout as delay } from 'node:timers/promises';
import { jest } from '@jest/globals';
import type { Load } from './load.js';
import { type Peer, TCP, THRIFT } from './peers.js';
import { Scene } from './scene.js';
import { ServerProcess } from './server-process.js';
import { until } from './until.js';

jest.setTimeout(120_000);

const RESTARTS = 20;
const SECOND = 1000;

const begin = (peer: Peer, { port }: ServerProcess): Scene<unknown> =>
  new Scene(peer, { target: { host: '127.0.0.1', port }, callers: { callTimeout: 5000, pause: 10 } });

async function storm(server: ServerProcess, scene: Scene<unknown>): Promise<Load<unknown>> {
  const load = scene.underLoad();
  await until(() => load.servedAfter(0) !== undefined);
  for (let restart = 0; restart < RESTARTS; restart += 1) {
    const downAt = performance.now();
    await server.kill();
    await server.keepSpare();
    await restOf(downAt);
    const upAt = await server.restart();
    await scene.isBack(load, upAt);
    await restOf(upAt);
  }
  return load;
}

/** What is left of the second that began then. */
function restOf(second: number): Promise<void> {
  return delay(Math.max(0, second + SECOND - performance.now()));
}

describe('servers that are down for a second and up for a second, twenty times under load', () => {
  it('are found again each time, and in the end nothing is left of it', async () => {
    // Side by side: one after the other would take as long again.
    await using lineServer = await ServerProcess.start(TCP[1].script);
    await using thriftServer = await ServerProcess.start(THRIFT[1].script);
    await using lines = begin(TCP[1], lineServer);
    await using thrift = begin(THRIFT[1], thriftServer);
    const loads = await Promise.all([storm(lineServer, lines), storm(thriftServer, thrift)]);
    await Promise.all([lines.close(), thrift.close()]);
    expect(await lines.end()).toEqual([]);
    expect(await thrift.end()).toEqual([]);
    // Each restart finds 4 connections at most, and each of them fails one call at most.
    for (const load of loads) expect(load.failures('call').length).toBeLessThanOrEqual(4 * RESTARTS);
  });
});
