import { jest } from '@jest/globals';
import type { ConnHub, ConnHubOptions } from 'nestjs-conn-pool/hub';
import { fleet, type Fleet, OFFLINE } from './fleet.js';
import { Cable } from './servers/cable.js';
import { describeWith } from '../describe-with.js';
import type { ServerProcess } from './servers/server-process.js';
import { SHARED_SERVERS } from './servers/shared-servers.js';
import { until } from './until.js';

const LOST = { status: 'refused', connections: 0, reason: 'backplane' };

for (const { kind, name, program, start, backplane } of SHARED_SERVERS) {
  describeWith([program], `instances of a hub over ${name}, when it fails`, () => {
    jest.setTimeout(60_000);
    let server: ServerProcess;
    const open: { close(): Promise<unknown> }[] = [];

    beforeAll(async () => void (server = await start()));
    afterAll(() => server.remove());
    afterEach(async () => void (await Promise.all(open.splice(0).map((each) => each.close()))));

    async function started(
      count: number,
      port: (at: number) => number = () => server.port,
      options: ConnHubOptions = {},
    ): Promise<Fleet> {
      const made = fleet(count, (at) => backplane(port(at)), options);
      open.push(made);
      await Promise.all(made.hubs.map((hub) => hub.start()));
      return made;
    }
    const isAt = async (hub: ConnHub, id: string, node: string | undefined): Promise<boolean> =>
      (await hub.presence(id)).connections[0]?.node === node;

    it('go on with what is connected to them while the server is killed, and find each other when it is back, empty', async () => {
      const { hubs, join, told } = await started(2);
      const [near, far] = [join(0, 'near'), join(1, 'far')];
      await until(() => isAt(hubs[0]!, 'far', 'n1'));
      await server.kill();
      await until(() => told[0]!.includes('backplane down'));
      await expect(hubs[0]!.push('near', 'x')).resolves.toMatchObject({ status: 'sent' });
      await expect(hubs[0]!.push('far', 'x')).resolves.toEqual(LOST);
      await expect(hubs[0]!.broadcast('y')).resolves.toEqual({
        connections: 1,
        refused: 0,
        forwarded: false,
      });
      await expect(hubs[0]!.presence('far')).resolves.toMatchObject({ online: false, complete: false });
      await expect(hubs[0]!.health()).resolves.toMatchObject({
        state: 'degraded',
        backplane: { kind, state: 'down', error: expect.any(String) as string },
      });
      const meanwhile = join(1, 'meanwhile');
      far.hangUp();
      await until(() => !hubs[1]!.has('far'));
      await server.run();
      await until(() =>
        told.every((lines) => lines.includes('backplane up') && lines.at(-1) === 'backplane up'),
      );
      await until(() => isAt(hubs[0]!, 'meanwhile', 'n1'));
      await expect(hubs[0]!.push('meanwhile', 'x')).resolves.toMatchObject({ status: 'forwarded' });
      await expect(hubs[0]!.push('far', 'x')).resolves.toEqual(OFFLINE);
      expect([near.heard, meanwhile.heard]).toEqual([['x', 'y'], ['x']]);
    });

    it('go on while the server stands still, and wait for nothing longer than the timeout', async () => {
      const { hubs, join, told } = await started(2);
      join(0, 'near');
      join(1, 'far');
      await until(() => isAt(hubs[0]!, 'far', 'n1'));
      await server.stop();
      try {
        const before = performance.now();
        const [near, far, cast, presence] = await Promise.all([
          hubs[0]!.push('near', 'x'),
          hubs[0]!.push('far', 'x'),
          hubs[0]!.broadcast('y'),
          hubs[0]!.presence('far'),
        ]);
        expect(performance.now() - before).toBeLessThan(5_000);
        expect([near.status, far, cast.forwarded, presence.complete]).toEqual([
          'sent',
          { status: 'refused', connections: 0, reason: 'unconfirmed' },
          false,
          false,
        ]);
        await until(() => told.every((lines) => lines.includes('backplane down')));
      } finally {
        server.goOn();
      }
      await until(() => told.every((lines) => lines.at(-1) === 'backplane up'));
      await until(() => isAt(hubs[0]!, 'far', 'n1'));
      await expect(hubs[0]!.push('far', 'z')).resolves.toMatchObject({ status: 'forwarded' });
    });

    it('miss an instance that was cut off within its lease, and take it back when it returns', async () => {
      const cable = await Cable.to(server.port);
      open.push({ close: () => cable.remove() });
      const { hubs, join, told } = await started(2, (at) => (at === 1 ? cable.port : server.port));
      const [stays, moves] = [join(1, 'stays'), join(1, 'moves')];
      await until(() => isAt(hubs[0]!, 'moves', 'n1'));
      await until(() => isAt(hubs[0]!, 'stays', 'n1'));
      cable.cut();
      // Until the lease is over it may be there still.
      await expect(hubs[0]!.push('stays', 'x')).resolves.toMatchObject({ status: 'refused' });
      await until(() => told[0]!.includes('offline stays') && told[0]!.includes('offline moves'));
      // NATS itself keeps for it what is sent to it, until it drops the connection.
      const lost = { status: 'refused', connections: 0, reason: 'unconfirmed' };
      await expect(hubs[0]!.push('stays', 'x')).resolves.toEqual(kind === 'redis' ? OFFLINE : lost);
      await expect(hubs[0]!.presence('stays')).resolves.toMatchObject({ online: false, complete: true });
      const moved = join(0, 'moves');
      await until(() => told[1]!.includes('backplane down'));
      cable.mend();
      await until(() => told[1]!.includes('backplane up'));
      await until(() => !hubs[1]!.has('moves'));
      expect([moves.writableEnded, moved.writableEnded, stays.writableEnded]).toEqual([true, false, false]);
      await until(() => isAt(hubs[0]!, 'stays', 'n1'));
      await expect(hubs[0]!.push('stays', 'back')).resolves.toMatchObject({
        status: 'forwarded',
        node: 'n1',
      });
      await expect(hubs[1]!.push('moves', 'there')).resolves.toMatchObject({
        status: 'forwarded',
        node: 'n0',
      });
      expect([stays.heard.at(-1), moved.heard]).toEqual(['back', ['there']]);
    });

    it('tell who is offline at the end of the grace, though the server was away meanwhile', async () => {
      const cable = await Cable.to(server.port);
      open.push({ close: () => cable.remove() });
      for (const how of ['broken', 'emptied'] as const) {
        const made = await started(2, () => cable.port, { offlineGrace: 2000 });
        const { hubs, join, told } = made;
        const [goes, comes] = [join(0, 'goes'), join(0, 'comes')];
        await until(() => isAt(hubs[1]!, 'comes', 'n0'));
        await until(() => isAt(hubs[1]!, 'goes', 'n0'));
        for (const line of [goes, comes]) line.hangUp();
        await until(() => isAt(hubs[1]!, 'goes', undefined));
        await until(() => isAt(hubs[1]!, 'comes', undefined));
        if (how === 'broken') cable.drop();
        else {
          await server.kill();
          await server.run();
        }
        await until(() => told.every((lines) => lines.includes('backplane down')));
        await until(() => told.every((lines) => lines.at(-1) === 'backplane up'));
        join(1, 'comes');
        await until(() => isAt(hubs[0]!, 'comes', 'n1'));
        await until(() => told[0]!.includes('offline goes'));
        const words = told.flat().filter((line) => /^o(n|ff)line/.test(line));
        expect([how, words.sort()]).toEqual([how, ['offline goes', 'online comes', 'online goes']]);
        await made.close();
      }
    });

    it('tell that an id is online again whose instance was given up and comes back', async () => {
      const cable = await Cable.to(server.port);
      open.push({ close: () => cable.remove() });
      const port = (at: number): number => (at === 1 ? cable.port : server.port);
      const { hubs, join, told } = await started(2, port, { offlineGrace: 60_000 });
      const lines = ['stays', 'moves', 'lingers'].map((id) => join(1, id));
      for (const id of ['stays', 'moves', 'lingers']) await until(() => isAt(hubs[0]!, id, 'n1'));
      lines[2]!.hangUp();
      await until(() => isAt(hubs[0]!, 'lingers', undefined));
      cable.cut();
      await until(() => told[0]!.filter((line) => line.startsWith('offline')).length === 3);
      join(0, 'moves');
      await until(() => told[1]!.includes('backplane down'));
      cable.mend();
      await until(() => !hubs[1]!.has('moves'));
      await until(() => told[1]!.filter((line) => line === 'online stays').length === 2);
      lines[0]!.hangUp();
      await until(() => isAt(hubs[0]!, 'stays', undefined));
      await hubs[1]!.close({ drain: 0 });
      const words = (at: number): string[] => told[at]!.filter((line) => /^o(n|ff)line/.test(line)).sort();
      expect(words(0)).toEqual(['offline lingers', 'offline moves', 'offline stays', 'online moves']);
      expect(words(1)).toEqual([
        'offline stays',
        'online lingers',
        'online moves',
        'online stays',
        'online stays',
      ]);
    });

    it('forget those who leave while they announce themselves', async () => {
      const { hubs, join, told } = await started(2);
      const ids = Array.from({ length: 3000 }, (_, at) => `id-${at}`);
      const lines = ids.map((id) => join(1, id));
      await until(() => isAt(hubs[0]!, 'id-2999', 'n1'));
      await server.kill();
      await until(() => told.every((each) => each.includes('backplane down')));
      await server.run();
      // From the moment on when it may be back, a few at a time; the last are the last to be announced.
      for (const line of lines.reverse()) {
        line.hangUp();
        if (Math.random() < 0.2) await new Promise((resolve) => setTimeout(resolve));
      }
      await until(() => told.every((each) => each.includes('backplane up')));
      await until(() => hubs[1]!.size === 0);
      const isGone = async (): Promise<boolean> => {
        const found = await Promise.all(ids.map((id) => hubs[0]!.presence(id)));
        return found.every(({ online, complete }) => !online && complete);
      };
      await until(isGone);
    });

    it('begin without a server, and say so', async () => {
      await server.kill();
      try {
        const made = fleet(1, () => backplane(server.port));
        open.push(made);
        const [hub] = made.hubs as [ConnHub];
        await hub.start();
        await expect(hub.health()).resolves.toMatchObject({
          state: 'degraded',
          backplane: { state: 'down' },
        });
        expect(made.told[0]).toEqual(['backplane down']);
        await server.run();
        await until(() => made.told[0]!.includes('backplane up'));
        await expect(hub.health()).resolves.toMatchObject({ state: 'up' });
      } finally {
        await server.kill();
        await server.run();
      }
    });

    it('say what is wrong with an address that nobody has', async () => {
      const made = fleet(1, () => backplane(server.port, 'nowhere.invalid'));
      open.push(made);
      const [hub] = made.hubs as [ConnHub];
      await hub.start();
      await expect(hub.health()).resolves.toMatchObject({
        state: 'degraded',
        backplane: { error: expect.stringMatching(/nowhere\.invalid|no answer within/) as string },
      });
      expect(made.told[0]).toEqual(['backplane down']);
    });
  });
}
