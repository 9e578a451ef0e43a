import { jest } from '@jest/globals';
import { AcquireTimeoutError, DialError } from 'nestjs-conn-pool/core';
import { PEERS } from './peers.js';
import { rootOf } from './root-of.js';
import { PATIENT, Scene } from './scene.js';
import { ServerProcess } from './server-process.js';
import { until } from './until.js';

jest.setTimeout(30_000);
const host = '127.0.0.1';

describe.each(PEERS)('a port that nobody listens on (%s)', (_, peer) => {
  afterEach(() => void jest.restoreAllMocks());

  it('is dialled as often as the longest delays allow when the dice give them, by many callers as by one', async () => {
    await using server = await ServerProcess.prepare(peer.script);
    await using scene = new Scene(peer, { target: { host, port: server.port } });
    jest.spyOn(Math, 'random').mockReturnValue(0.999);
    const beganAt = performance.now();
    const load = scene.underLoad();
    await until(() => scene.said('dial-failed').length >= 16);
    expect(scene.witness.dials.length).toBeLessThanOrEqual(scene.mostRounds(beganAt, 0.999) * 2);
    await scene.isBack(load, await server.listen());
    expect(await scene.end()).toEqual([]);
  });

  it('fails an acquire at the first refusal, or after as many as dialAttempts says', async () => {
    await using server = await ServerProcess.prepare(peer.script);
    await using scene = new Scene(peer, { target: { host, port: server.port }, pool: PATIENT });
    const load = scene.underLoad();
    await until(() => load.failures('acquire').length >= 40);
    for (const error of load.failures('acquire')) {
      expect(error).toBeInstanceOf(DialError);
      expect(rootOf(error)).toMatchObject({ code: 'ECONNREFUSED' });
    }
    await scene.isBack(load, await server.listen());
    expect(await scene.end()).toEqual([]);
  });

  it('is waited for until the deadline by those who have attempts left, who then learn why', async () => {
    await using server = await ServerProcess.prepare(peer.script);
    await using scene = new Scene(peer, {
      target: { host, port: server.port },
      pool: { dialAttempts: 1000 },
    });
    const load = scene.underLoad();
    await until(() => load.failures('acquire').length >= 8);
    const errors = load.failures('acquire').filter((error) => error instanceof AcquireTimeoutError);
    expect(errors.length).toBeGreaterThan(0);
    for (const error of errors) {
      expect(error.phase).toBe('dial');
      expect(rootOf(error)).toMatchObject({ code: 'ECONNREFUSED' });
    }
    await scene.isBack(load, await server.listen());
    expect(await scene.end()).toEqual([]);
  });
});
