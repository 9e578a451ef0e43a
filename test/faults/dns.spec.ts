import { spawn } from 'node:child_process';
import { Resolver } from 'node:dns';
import { once } from 'node:events';
import type { LookupFunction } from 'node:net';
import { fileURLToPath } from 'node:url';
import { jest } from '@jest/globals';
import { Namespace } from './namespace.js';
import { ca, PEERS, type Target } from './peers.js';
import { Scene } from './scene.js';
import { ServerProcess } from './server-process.js';
import { until } from './until.js';

jest.setTimeout(30_000);

const host = 'peer.test';

/** Asks a name server of ours. */
function lookUpAt(port: number): LookupFunction {
  const resolver = new Resolver({ timeout: 1000, tries: 1 });
  resolver.setServers([`127.0.0.1:${port}`]);
  return (name, { all }, callback) =>
    resolver.resolve4(name, (error, addresses = []) => {
      if (all)
        callback(
          error,
          addresses.map((address) => ({ address, family: 4 })),
        );
      else callback(error, addresses[0] as string, 4);
    });
}

describe.each(PEERS)('a name server that never answers (%s)', (_, peer) => {
  it('keeps nobody beyond the deadline, and the peer is found once it does', async () => {
    await using names = await ServerProcess.start('name-server');
    await using server = await ServerProcess.start(peer.script, { certificate: 'trusted' });
    const tls = { ca, servername: 'localhost' };
    const target = { host, port: server.port, tls, lookup: lookUpAt(names.port) };
    await using scene = new Scene(peer, { target });
    const load = scene.underLoad();
    await until(() => load.failures('acquire').length >= 16);
    await scene.isBack(load, await names.treat({ name: 'serve' }));
    expect(await scene.end()).toEqual([]);
  });
});

const trouble = Namespace.trouble();
if (trouble !== undefined) {
  process.stderr.write(`No test of the system's resolver: no network namespace here: ${trouble}\n`);
}

(trouble === undefined ? describe : describe.skip).each(PEERS)(
  "the system's resolver, whose name server never answers (%s)",
  (name, peer) => {
    it('keeps nobody beyond the deadline either, although it looks up two names at a time', async () => {
      using space = Namespace.make({ nameServer: 'nameserver 127.0.0.1\noptions timeout:1 attempts:1\n' });
      const { within } = space;
      await using names = await ServerProcess.start('name-server', { within, port: 53 });
      await using server = await ServerProcess.start(peer.script, { within });
      const caller = callWithin(within, name, { host, port: server.port });
      try {
        expect(await caller.says()).toBe('failing');
        await names.treat({ name: 'serve' });
        caller.goOn();
        expect(await caller.says()).toEqual([]);
      } finally {
        await caller.end();
      }
    });
  },
);

/** A scene in a process of its own. */
function callWithin(within: readonly string[], name: string, target: Target) {
  const at = (path: string): string => fileURLToPath(new URL(`./programs/${path}`, import.meta.url));
  const program = ['--import', at('typescript.mjs'), at('name-caller.ts'), JSON.stringify({ name, target })];
  const [command = '', ...args] = [...within, process.execPath, ...program];
  const child = spawn(command, args, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  const gone = once(child, 'exit');
  return {
    says: async (): Promise<unknown> => {
      const ended = gone.then(() => ['it has ended']);
      return ((await Promise.race([once(child, 'message'), ended])) as unknown[])[0];
    },
    goOn: () => void child.send('go on'),
    end: async () => {
      child.kill('SIGKILL');
      await gone;
    },
  };
}
