import { jest } from '@jest/globals';
import { setTimeout as delay } from 'node:timers/promises';
import type { ConnHubOptions } from 'nestjs-conn-pool/hub';
import { type Client } from '../client.js';
import { Cable } from '../servers/cable.js';
import { NatsProcess } from '../servers/nats-process.js';
import { RedisProcess } from '../servers/redis-process.js';
import { describeWith } from '../../describe-with.js';
import type { ServerProcess } from '../servers/server-process.js';
import { until } from '../until.js';
import { InstanceProcess } from './instance-process.js';
import { balance, type Figures } from './ledger.js';

/** `HUB_FAULTS=long`: with the defaults' times and outages as long as real ones; else shorter ones of the same kind. */
const IS_LONG = process.env.HUB_FAULTS === 'long';
const TIMES = IS_LONG
  ? { lease: 10_000, probe: 1000, timeout: 2000 }
  : { lease: 2000, probe: 250, timeout: 1000 };
const OUTAGE = IS_LONG ? 30_000 : 2500;
const FREEZE = IS_LONG ? 15_000 : 3000;
const CROWD = IS_LONG ? 5000 : 1500;
/** A retry waits for two seconds at most; the rest is for a machine that is busy. */
const BACK = 2000 + TIMES.timeout + 8000;
/** Until what a crashed or frozen instance had is gone. */
const GONE = TIMES.lease + TIMES.probe + TIMES.timeout + 8000;
/** Pushes every so many milliseconds, to each id. */
const EVERY = 20;
const IDS = Array.from({ length: 40 }, (_, at) => `id-${at}`);

const KINDS = [
  { kind: 'redis', program: 'redis-server', start: () => RedisProcess.start() },
  { kind: 'nats', program: 'nats-server', start: () => NatsProcess.start() },
] as const;

for (const { kind, program, start } of KINDS) {
  describeWith([program], `a fleet over ${kind} under load`, () => {
    jest.setTimeout(180_000);
    let server: ServerProcess;
    const ends: (() => unknown)[] = [];

    beforeEach(async () => void (server = await start()));
    afterEach(async () => {
      for (const end of ends.splice(0).reverse()) await end();
      await server.remove();
    });

    async function instance(node: string, options: ConnHubOptions = {}, port = server.port) {
      const url = `${kind}://127.0.0.1:${port}`;
      const made = await InstanceProcess.start({ kind, url, node, times: TIMES, options });
      ends.push(() => made.kill());
      return made;
    }
    async function joined(at: InstanceProcess, ids: readonly string[]): Promise<Client[]> {
      const clients = await Promise.all(ids.map((id) => at.join(id)));
      ends.push(() => clients.forEach(({ socket }) => socket.terminate()));
      return clients;
    }
    /** Waits until an instance sees all the ids where they are. */
    async function sees(from: InstanceProcess, ids: readonly string[], node: string, limit = BACK) {
      const right = `${node},true`;
      await until(
        async () => (await from.presences(ids)).every(([at, complete]) => `${at},${complete}` === right),
        limit,
      );
    }
    const byId = (...lists: Client[][]): Map<string, Client[]> =>
      new Map(IDS.map((id, at) => [id, lists.flatMap((clients) => clients[at] ?? [])]));
    /** What has been written to a socket is with the client in a moment. */
    async function heardAll(clients: readonly Client[]): Promise<void> {
      let before = -1;
      await until(async () => {
        const heard = clients.reduce((sum, client) => sum + client.heard.length, 0);
        const isQuiet = heard === before;
        before = heard;
        if (!isQuiet) await delay(100);
        return isQuiet;
      });
    }
    const since = (from: number): number => Math.round(performance.now() - from);
    /** For the table of the documentation. */
    function report(what: string, figures: Figures | undefined, times: Record<string, number>): void {
      if (!IS_LONG) return;
      process.stdout.write(`FAULT ${kind} | ${what} | ${JSON.stringify({ ...figures, ...times })}\n`);
    }

    /** Two instances: what comes on one goes to the clients of the other, while something happens to the server. */
    async function outage(
      what: string,
      strike: (cables: Cable[]) => Promise<unknown>,
      heal: (cables: Cable[]) => unknown,
    ): Promise<void> {
      const cables = [await Cable.to(server.port), await Cable.to(server.port)];
      ends.push(() => Promise.all(cables.map((cable) => cable.remove())));
      const [a, b] = await Promise.all([
        instance('a', {}, cables[0]!.port),
        instance('b', {}, cables[1]!.port),
      ]);
      const clients = await joined(b, IDS);
      await sees(a, IDS, 'b');
      await a.load(IDS, EVERY);
      // Of these, and of as many afterwards, the answers to some may be cut off: they are unconfirmed.
      await until(() => clients.every(({ heard }) => heard.length > 20));
      const struckAt = performance.now();
      await strike(cables);
      await until(() => a.hasTold('backplane down'), TIMES.probe * 3 + TIMES.timeout + 8000);
      const noticed = since(struckAt);
      await delay(OUTAGE - noticed);
      // What is connected to an instance is served by it meanwhile.
      const own = await joined(a, ['own']);
      await expect(a.push('own', '1')).resolves.toMatchObject({ status: 'sent' });
      await own[0]!.hears(1);
      await expect(a.health()).resolves.toMatchObject({ state: 'degraded' });
      const healedAt = performance.now();
      await heal(cables);
      await sees(a, IDS, 'b');
      const right = since(healedAt);
      await sees(b, ['own'], 'a');
      const marks = clients.map(({ heard }) => heard.length);
      await until(() => clients.every(({ heard }, at) => heard.length > (marks[at] as number) + 20));
      const pushed = await a.unload();
      await heardAll(clients);
      const figures = balance(pushed, byId(clients));
      expect(figures.became.forwarded).toBeGreaterThan(20 * IDS.length);
      expect((figures.became.backplane ?? 0) + (figures.became.unconfirmed ?? 0)).toBeGreaterThan(IDS.length);
      expect(figures.longest).toBeLessThan(TIMES.timeout + TIMES.probe * 3 + 4000);
      report(what, figures, { noticed, right });
    }

    it('delivers what it promised, and reports the rest, when the server is killed and comes back empty', () =>
      outage(
        'killed, back empty',
        () => server.kill(),
        () => server.run(),
      ));

    it('delivers what it promised, and reports the rest, when the server stands still', () =>
      outage(
        'stopped',
        () => server.stop(),
        () => server.goOn(),
      ));

    it('delivers what it promised, and reports the rest, when the network is dead', () =>
      outage(
        'unreachable',
        async (cables) => cables.forEach((cable) => cable.cut()),
        (cables) => cables.forEach((cable) => cable.mend()),
      ));

    it('forgets what an instance had that is killed, and tells it once', async () => {
      const [a, b, c] = await Promise.all([instance('a'), instance('b'), instance('c')]);
      const clients = await joined(b, IDS);
      await Promise.all([sees(a, IDS, 'b'), sees(c, IDS, 'b')]);
      await a.load(IDS, EVERY);
      await until(() => clients.every(({ heard }) => heard.length > 10));
      const killedAt = performance.now();
      await b.kill();
      await sees(a, IDS, '', GONE);
      const right = since(killedAt);
      const offline = (): string[] =>
        [a, c].flatMap(({ told }) =>
          told.map(({ what }) => what).filter((what) => what.startsWith('offline')),
        );
      await until(() => offline().length >= IDS.length, GONE);
      const toldAfter = since(killedAt);
      expect(offline().sort()).toEqual(IDS.map((id) => `offline ${id}`).sort());
      // They come again, elsewhere.
      const again = await joined(c, IDS);
      await sees(a, IDS, 'c');
      await until(() => again.every(({ heard }) => heard.length > 10));
      const pushed = await a.unload();
      await heardAll(again);
      report('an instance killed', balance(pushed, byId(clients, again)), { right, told: toldAfter });
      expect(offline()).toHaveLength(IDS.length);
    });

    it('forgets what an instance had that is frozen, and takes it back when it wakes', async () => {
      const [a, b] = await Promise.all([instance('a'), instance('b')]);
      const clients = await joined(b, IDS);
      const [stay, move] = [IDS.slice(0, 20), IDS.slice(20)];
      await sees(a, IDS, 'b');
      await a.load(IDS, EVERY);
      await until(() => clients.every(({ heard }) => heard.length > 10));
      const frozenAt = performance.now();
      await b.freeze();
      await sees(a, stay, '', GONE);
      const gone = since(frozenAt);
      // They have given up on the frozen one, as its clients do by themselves.
      const moved = await joined(a, move);
      await until(() => moved.every(({ heard }) => heard.length > 10));
      if (FREEZE > since(frozenAt)) await delay(FREEZE - since(frozenAt));
      const wokenAt = performance.now();
      b.goOn();
      await sees(a, stay, 'b');
      await sees(a, move, 'a');
      await sees(b, move, 'a');
      const right = since(wokenAt);
      // The older connections of the ids that have moved are closed, the newer ones stay.
      await until(async () => (await b.size()) === stay.length);
      const marks = clients.map(({ heard }) => heard.length);
      await until(() =>
        clients.slice(0, 20).every(({ heard }, at) => heard.length > (marks[at] as number) + 10),
      );
      expect(moved.every(({ closed }) => closed === undefined)).toBe(true);
      const pushed = await a.unload();
      await heardAll([...clients, ...moved]);
      report(
        'an instance frozen',
        balance(pushed, byId(clients, [...Array(20).map(() => undefined), ...moved] as Client[])),
        { gone, right },
      );
    });

    it('lets nobody wait for a client that reads no further', async () => {
      const [a, b] = await Promise.all([instance('a'), instance('b')]);
      const clients = await joined(b, IDS);
      await sees(a, IDS, 'b');
      const [stuck, ...others] = clients as [Client, ...Client[]];
      stuck.stopReading();
      const begunAt = performance.now();
      await a.load(IDS, EVERY, 16_384);
      await until(() => b.hasTold('left slow id-0'), 60_000);
      const left = since(begunAt);
      await sees(a, ['id-0'], '');
      const marks = others.map(({ heard }) => heard.length);
      await until(() => others.every(({ heard }, at) => heard.length > (marks[at] as number) + 20));
      const pushed = await a.unload();
      await heardAll(others);
      // What the system had taken for it was written, and is lost with it.
      const figures = balance(
        pushed.filter(([id]) => id !== 'id-0'),
        byId(clients),
      );
      expect(Object.keys(figures.became)).toEqual(['forwarded']);
      const fate = new Set(pushed.filter(([id]) => id === 'id-0').map(([, , became]) => became));
      // Nobody is told later than the timeout, though its queue may hold for longer.
      fate.delete('unconfirmed');
      expect([...fate].sort()).toEqual(['forwarded', 'offline', 'slow']);
      report('a client reads no further', figures, { left });
    });

    it('takes back a crowd that reconnects at once', async () => {
      const [a, b, c] = await Promise.all([instance('a'), instance('b'), instance('c')]);
      const crowd = Array.from({ length: CROWD }, (_, at) => `c-${at}`);
      const before: Client[] = [];
      for (let at = 0; at < CROWD; at += 500) before.push(...(await joined(b, crowd.slice(at, at + 500))));
      await sees(a, crowd, 'b', 60_000);
      await b.kill();
      const cutAt = performance.now();
      await Promise.all(crowd.map((id, at) => joined(at % 2 === 0 ? a : c, [id])));
      const connected = since(cutAt);
      const even = crowd.filter((_id, at) => at % 2 === 0);
      const odd = crowd.filter((_id, at) => at % 2 === 1);
      await Promise.all([sees(c, even, 'a', 60_000), sees(a, odd, 'c', 60_000)]);
      const right = since(cutAt);
      await expect(a.push('c-1', '1')).resolves.toMatchObject({ status: 'forwarded', node: 'c' });
      expect(await Promise.all([a.size(), c.size()])).toEqual([even.length, odd.length]);
      report(`${CROWD} clients reconnect at once`, undefined, { connected, right });
    });

    it('gives an id to one of two that claim it at the same moment', async () => {
      const [a, b] = await Promise.all([instance('a'), instance('b')]);
      const pairs = await Promise.all(IDS.map((id) => Promise.all([joined(a, [id]), joined(b, [id])])));
      const begunAt = performance.now();
      const sizes = async (): Promise<number> => (await a.size()) + (await b.size());
      await until(async () => (await sizes()) === IDS.length);
      const right = since(begunAt);
      const places = await Promise.all([a.presences(IDS), b.presences(IDS)]);
      expect(places[0]).toEqual(places[1]);
      expect(places[0]!.every(([at, complete]) => (at === 'a' || at === 'b') && complete)).toBe(true);
      for (const id of IDS) await a.push(id, '1');
      const all = pairs.map(([[first], [second]]) => [first as Client, second as Client]);
      await until(() => all.every((both) => both.reduce((sum, { heard }) => sum + heard.length, 0) === 1));
      report('two claims at once', undefined, { right });
    });
  });
}
