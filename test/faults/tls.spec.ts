import { jest } from '@jest/globals';
import { DialError } from 'nestjs-conn-pool/core';
import { ca, PEERS } from './peers.js';
import { rootOf } from './root-of.js';
import { PATIENT, Scene } from './scene.js';
import { ServerProcess } from './server-process.js';
import { until } from './until.js';

jest.setTimeout(30_000);

const secured = (port: number) => ({ host: '127.0.0.1', port, tls: { ca } });

describe.each(PEERS)('TLS (%s)', (_, peer) => {
  it('that dies with its server is found again once the server is back', async () => {
    await using server = await ServerProcess.start(peer.script, { certificate: 'trusted' });
    await using scene = new Scene(peer, { target: secured(server.port) });
    const load = scene.underLoad();
    await until(() => load.servedAfter(0) !== undefined);
    await server.kill();
    await until(() => load.failures('acquire').length >= 16);
    await scene.isBack(load, await server.restart());
    expect(await scene.end()).toEqual([]);
  });

  it('to a self-signed certificate is refused at once, until there is another', async () => {
    await using server = await ServerProcess.start(peer.script, { certificate: 'selfSigned' });
    await using scene = new Scene(peer, { target: secured(server.port), pool: PATIENT });
    const load = scene.underLoad();
    await until(() => load.failures('acquire').length >= 100);
    for (const error of load.failures('acquire')) {
      expect(error).toBeInstanceOf(DialError);
      expect(error).toMatchObject({ permanent: true });
      expect(rootOf(error)).toMatchObject({ code: 'DEPTH_ZERO_SELF_SIGNED_CERT' });
    }
    await server.kill();
    await scene.isBack(load, await server.restart({ certificate: 'trusted' }));
    expect(await scene.end()).toEqual([]);
    expect(scene.log).toContainEqual(
      expect.stringMatching(
        /: dial attempt 1 failed \(permanent error\): .*self-signed certificate.*; next dial in /,
      ),
    );
  });

  it('to a server that accepts and never speaks is given up', async () => {
    await using server = await ServerProcess.start(peer.script, { certificate: 'trusted' });
    await using scene = new Scene(peer, { target: secured(server.port) });
    await server.treat({ name: 'mute' });
    const load = scene.underLoad();
    await until(() => load.failures('acquire').length >= 16);
    for (const { cause } of scene.said('dial-failed')) {
      expect(cause).toMatchObject({ code: 'ERR_CALL_TIMEOUT', call: 'dial' });
    }
    await scene.isBack(load, await server.treat({ name: 'serve' }));
    expect(await scene.end()).toEqual([]);
  });

  it('to a port that speaks plain text fails, until it speaks TLS', async () => {
    await using server = await ServerProcess.start(peer.script);
    await using scene = new Scene(peer, { target: secured(server.port) });
    const load = scene.underLoad();
    await until(() => load.failures('acquire').length >= 16);
    expect(load.failures('call')).toEqual([]);
    await server.kill();
    await scene.isBack(load, await server.restart({ certificate: 'trusted' }));
    expect(await scene.end()).toEqual([]);
  });

  it('that is spoken to in plain text is no server either', async () => {
    await using server = await ServerProcess.start(peer.script, { certificate: 'trusted' });
    await using scene = new Scene(peer, { target: { host: '127.0.0.1', port: server.port } });
    const load = scene.underLoad();
    await until(() => load.failures('acquire').length >= 16);
    expect(load.failures('call')).toEqual([]);
    await server.kill();
    await scene.isBack(load, await server.restart({ certificate: undefined }));
    expect(await scene.end()).toEqual([]);
  });
});
