import { jest } from '@jest/globals';
import { CallTimeoutError, DialError } from 'nestjs-conn-pool/core';
import { PEERS, withoutHeartbeat } from './peers.js';
import { PATIENT, Scene } from './scene.js';
import { type Manner, ServerProcess } from './server-process.js';
import { until } from './until.js';

jest.setTimeout(30_000);
const host = '127.0.0.1';

describe.each(PEERS)('a server that accepts (%s)', (_, peer) => {
  it.each<Manner>([{ name: 'mute' }, { name: 'late', ms: 3000 }, { name: 'slow', ms: 3000 }])(
    'and is longer silent than a heartbeat may take ($name) is none',
    async (manner) => {
      await using server = await ServerProcess.start(peer.script);
      await using scene = new Scene(peer, { target: { host, port: server.port } });
      await server.treat(manner);
      const load = scene.underLoad();
      await until(() => load.failures('acquire').length >= 16);
      expect(load.failures('call')).toEqual([]);
      const dialErrors = load.failures('acquire').filter((error) => error instanceof DialError);
      expect(dialErrors.length).toBeGreaterThan(0);
      for (const { cause } of dialErrors) {
        expect(cause).toBeInstanceOf(CallTimeoutError);
        expect(cause).toMatchObject({ call: 'heartbeat' });
      }
      await scene.isBack(load, await server.treat({ name: 'serve' }));
      expect(await scene.end()).toEqual([]);
    },
  );

  it.each<Manner>([
    { name: 'late', ms: 100 },
    { name: 'slow', ms: 100 },
  ])('and takes its time ($name), but less than everybody has, serves everybody', async (manner) => {
    await using server = await ServerProcess.start(peer.script);
    const callers = { callTimeout: 10_000 };
    await using scene = new Scene(peer, { target: { host, port: server.port }, pool: PATIENT, callers });
    await server.treat(manner);
    const load = scene.underLoad();
    await until(() => load.outcomes.length >= 40);
    expect(await scene.end()).toEqual([]);
    expect(load.failures('acquire')).toEqual([]);
    expect(load.failures('call')).toEqual([]);
    expect(scene.witness.dials.length).toBeLessThanOrEqual(4);
  });

  it('and never speaks is a server to whoever asks for no heartbeat, but no call outlives its deadline', async () => {
    await using server = await ServerProcess.start(peer.script);
    await using scene = new Scene(withoutHeartbeat(peer), { target: { host, port: server.port } });
    await server.treat({ name: 'mute' });
    const load = scene.underLoad();
    await until(() => load.failures('call').length >= 8);
    await scene.isBack(load, await server.treat({ name: 'serve' }));
    expect(await scene.end()).toEqual([]);
  });
});
