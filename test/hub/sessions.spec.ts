import { jest } from '@jest/globals';
import { type Backplane, BackplaneError, ConnHub } from 'nestjs-conn-pool/hub';
import { setImmediate as turn } from 'node:timers/promises';
import { describeWith } from '../describe-with.js';
import { Line } from './fleet.js';
import { Cable } from './servers/cable.js';
import type { ServerProcess } from './servers/server-process.js';
import { SHARED_SERVERS } from './servers/shared-servers.js';
import { until } from './until.js';

for (const { name, program, start, backplane: backplaneAt } of SHARED_SERVERS) {
  describeWith([program], `the hubs of a process that share a connection to ${name}`, () => {
    jest.setTimeout(60_000);
    let server: ServerProcess;
    let cable: Cable;
    let backplane: Backplane;
    const open: ConnHub[] = [];

    beforeAll(async () => {
      server = await start();
      cable = await Cable.to(server.port);
    });
    afterAll(async () => {
      await cable.remove();
      await server.remove();
    });
    beforeEach(() => (backplane = backplaneAt(cable.port)));
    afterEach(async () => void (await Promise.all(open.splice(0).map((hub) => hub.close({ drain: 0 })))));

    /** A hub, and what it is told of its backplane. */
    function hubOf(hub: string, over = backplane, node = 'n0'): { hub: ConnHub; told: string[] } {
      const made = new ConnHub({ name: hub, node, backplane: over });
      const told: string[] = [];
      made.events$.subscribe((event) => event.type === 'backplane' && told.push(event.state));
      open.push(made);
      return { hub: made, told };
    }
    const turns = async (count: number): Promise<void> => {
      for (let i = 0; i < count; i += 1) await turn();
    };

    it('leave no connection open when the last is closed while it is being made', async () => {
      for (let count = 0; count < 40; count += 1) {
        const { hub } = hubOf('a');
        const started = hub.start();
        await turns(count);
        await hub.close({ drain: 0 });
        await started;
        await until(() => cable.ends === 0);
        await expect(hub.health()).resolves.toMatchObject({ backplane: { state: 'down' } });
      }
    });

    it('leave no connection open when the last is closed while it is being made anew', async () => {
      for (let count = 0; count < 40; count += 1) {
        const { hub } = hubOf('a');
        await hub.start();
        cable.drop();
        await until(() => cable.ends === 0);
        await until(() => cable.ends > 0);
        await turns(count);
        await hub.close({ drain: 0 });
        await until(() => cable.ends === 0);
      }
    });

    it('do not tell of one that was closed while it was being made', async () => {
      const far = hubOf('a', backplaneAt(server.port), 'far').hub;
      await far.start();
      for (let count = 0; count < 40; count += 1) {
        const [closed, staying] = [hubOf('a').hub, hubOf('b').hub];
        const line = new Line();
        closed.add('ann', line);
        const started = [closed.start(), staying.start()];
        await turns(count);
        await closed.close({ drain: 0 });
        await Promise.all(started);
        await expect(staying.health()).resolves.toMatchObject({ state: 'up' });
        await expect(far.presence('ann')).resolves.toMatchObject({ online: false, complete: true });
        await staying.close({ drain: 0 });
      }
    });

    it('go on with one that is started as soon as the last was closed', async () => {
      const far = hubOf('b', backplaneAt(server.port), 'far').hub;
      await far.start();
      for (let count = 0; count < 20; count += 1) {
        const first = hubOf('a').hub;
        const firstStarted = first.start();
        await turns(count);
        const closed = first.close({ drain: 0 });
        const second = hubOf('b');
        await Promise.all([second.hub.start(), firstStarted, closed]);
        await until(() => second.told.at(-1) === 'up');
        second.hub.add('ann', new Line());
        await until(async () => (await far.presence('ann')).online);
        await second.hub.close({ drain: 0 });
      }
    });

    it('are each told that it is up, whenever they come', async () => {
      const [first, second] = [hubOf('a'), hubOf('b')];
      await first.hub.start();
      await second.hub.start();
      expect([first.told, second.told]).toEqual([['up'], ['up']]);
      await Promise.all([first.hub.close({ drain: 0 }), second.hub.close({ drain: 0 })]);
      const third = hubOf('c');
      await third.hub.start();
      expect(third.told).toEqual(['up']);
      cable.drop();
      await until(() => third.told.length === 3);
      expect(third.told).toEqual(['up', 'down', 'up']);
    });

    it('hear what is said to all once, also one that comes while the others are announced', async () => {
      const far = hubOf('b', backplaneAt(server.port), 'far').hub;
      await far.start();
      const [first, second] = [hubOf('a').hub, hubOf('b').hub];
      for (let i = 0; i < 2000; i += 1) first.add(`id-${i}`, new Line());
      const started = first.start();
      await until(async () => (await first.health()).backplane?.state === 'up');
      const line = new Line();
      second.add('ann', line);
      await Promise.all([second.start(), started]);
      await far.broadcast('once');
      await far.broadcast('last');
      await until(() => line.heard.includes('last'));
      expect(line.heard).toEqual(['once', 'last']);
    });

    it('reject the start of each that is not let in, and leave those that were there to wait', async () => {
      const locked = await start(true);
      try {
        const first = hubOf('a');
        await first.hub.start();
        await first.hub.close({ drain: 0 });
        cable.leadTo(locked.port);
        await expect(hubOf('b').hub.start()).rejects.toThrow(BackplaneError);
        cable.leadTo(server.port);
        const staying = hubOf('c');
        await staying.hub.start();
        cable.leadTo(locked.port);
        await until(() => staying.told.at(-1) === 'down');
        await expect(hubOf('d').hub.start()).rejects.toThrow(BackplaneError);
        cable.leadTo(server.port);
        await until(() => staying.told.length === 3);
        expect(staying.told).toEqual(['up', 'down', 'up']);
      } finally {
        cable.leadTo(server.port);
        await locked.remove();
      }
    });
  });
}
