import { jest } from '@jest/globals';
import { Redis } from 'ioredis';
import type { ConnHub, ConnHubOptions, Delivery, Position } from 'nestjs-conn-pool/hub';
import { redisBackplane, type RedisBackplaneOptions } from 'nestjs-conn-pool/redis';
import { createClient } from 'redis';
import { boxAcrossInstances } from './box-across.js';
import { fleet, type Fleet } from './fleet.js';
import { BoxClient } from './told.js';
import { until } from './until.js';
import { Cable } from './servers/cable.js';
import { RedisProcess } from './servers/redis-process.js';
import { describeWith } from '../describe-with.js';

const QUICK = { lease: 1500, probe: 200, timeout: 500 };
const QUEUED = { status: 'queued', connections: 0 };
const SENT = { status: 'sent', connections: 1 };

describeWith(['redis-server'], 'a box of instances over Redis', () => {
  jest.setTimeout(60_000);
  let redis: RedisProcess;
  const open: { close(): Promise<unknown> }[] = [];

  beforeAll(async () => void (redis = await RedisProcess.start()));
  afterAll(() => redis.remove());
  afterEach(async () => {
    await Promise.all(open.splice(0).map((each) => each.close()));
    await inRedis((client) => client.flushall());
  });

  async function inRedis<R>(work: (client: Redis) => Promise<R>): Promise<R> {
    const client = new Redis(redis.url, { maxRetriesPerRequest: 0 });
    try {
      return await work(client);
    } finally {
      client.disconnect();
    }
  }

  async function started(
    count: number,
    options: ConnHubOptions = { box: {} },
    how: (at: number) => RedisBackplaneOptions = () => ({ url: redis.url }),
  ): Promise<Fleet> {
    const made = fleet(count, (at) => redisBackplane({ ...QUICK, ...how(at) }), options);
    open.push(made);
    await Promise.all(made.hubs.map((hub) => hub.start()));
    return made;
  }

  const stateIn = (lines: readonly string[]): string | undefined =>
    lines.findLast((line) => line.startsWith('backplane'));
  const isAt = async (hub: ConnHub, id: string, node: string | undefined): Promise<boolean> =>
    (await hub.presence(id)).connections[0]?.node === node;

  boxAcrossInstances((count, options) => started(count, options));

  it('is served by node-redis, too', async () => {
    const how = (): RedisBackplaneOptions => ({ client: () => createClient({ url: redis.url }) as never });
    const { hubs } = await started(2, { box: {} }, how);
    const client = await BoxClient.join(hubs[0]!, 'ann');
    await client.gone(hubs[0]!, 'ann');
    await expect(hubs[1]!.push('ann', 'é')).resolves.toEqual(QUEUED);
    const back = await BoxClient.join(hubs[1]!, 'ann', client.position);
    await until(() => back.texts.length === 1);
    expect([back.hello.recovered, back.texts]).toEqual([true, ['é']]);
  });

  it('begins new numbers when Redis is killed and comes back empty, and nobody is told that he has everything', async () => {
    const { hubs, told } = await started(2);
    const [a, b] = hubs as [ConnHub, ConnHub];
    const client = await BoxClient.join(a, 'ann');
    await a.push('ann', '1');
    await b.push('bob', 'lost');
    await redis.kill();
    await until(() => told.every((lines) => lines.includes('backplane down')));
    // At once, and without a number.
    await expect(a.push('ann', 'bare')).resolves.toEqual(SENT);
    await expect(a.push('bob', 'x')).resolves.toEqual({
      status: 'refused',
      connections: 0,
      reason: 'backplane',
    });
    const asking = await BoxClient.join(b, 'cat', { epoch: 'x', offset: 0 });
    expect(asking.told).toEqual([{ hub: { recovered: false } }]);
    await redis.run();
    await until(() => told.every((lines) => lines.at(-1) === 'backplane up'));
    await until(() => client.hellos.length === 2 && asking.hellos.length === 2);
    expect(client.line.heard.slice(1, 3)).toEqual(['{"offset":1,"data":"1"}', 'bare']);
    expect(client.hellos[1]!.epoch).not.toBe(client.hello.epoch);
    await a.push('ann', 'again');
    await until(() => client.texts.length === 2);
    expect(client.numbers).toEqual([1, 1]);
    const back = await BoxClient.join(b, 'ann', { epoch: client.hello.epoch, offset: 1 });
    expect(back.hello).toEqual({ ...client.hellos[1], offset: 1, recovered: false });
  });

  it('does not go on with numbers that a Redis which was restarted may have lost', async () => {
    const { hubs, told } = await started(1);
    const [hub] = hubs as [ConnHub];
    const client = await BoxClient.join(hub, 'ann');
    await client.gone(hub, 'ann');
    await expect(hub.push('ann', '1')).resolves.toEqual(QUEUED);
    const kept = await inRedis(async (reader) => {
      const keys = ['hub:{chat}:b:ann', 'hub:{chat}:m:ann'];
      return Promise.all(keys.map(async (key) => [key, await reader.dumpBuffer(key)] as const));
    });
    await redis.kill();
    await until(() => told[0]!.includes('backplane down'));
    await redis.run();
    await inRedis((writer) => Promise.all(kept.map(([key, value]) => writer.restore(key, 0, value))));
    await until(() => told[0]!.at(-1) === 'backplane up');
    const back = await BoxClient.join(hub, 'ann', client.position);
    expect(back.hello).toMatchObject({ offset: 0, recovered: false });
    // It was promised; so it is told.
    await until(() => hub.stats().totals.dropped === 1);
  });

  it('begins new numbers when Redis has been emptied behind our backs', async () => {
    const { hubs } = await started(2);
    const [a, b] = hubs as [ConnHub, ConnHub];
    const client = await BoxClient.join(a, 'ann');
    await a.push('ann', '1');
    await inRedis((each) => each.flushdb());
    await until(() => isAt(b, 'ann', 'n0'));
    await b.push('ann', 'a');
    await b.push('ann', 'b');
    await until(() => client.texts.length === 3);
    expect([client.hellos.length, client.hellos[1]!.recovered, client.numbers]).toEqual([
      2,
      false,
      [1, 1, 2],
    ]);
    const back = await BoxClient.join(b, 'ann', { epoch: client.hello.epoch, offset: 1 });
    expect(back.hello.recovered).toBe(false);
  });

  it('waits for nothing longer than the timeout while Redis stands still, and sends without numbers', async () => {
    const { hubs, told } = await started(1);
    const [hub] = hubs as [ConnHub];
    const client = await BoxClient.join(hub, 'ann');
    await redis.stop();
    try {
      const before = performance.now();
      const pushed = ['1', '2', '3'].map((text) => hub.push('ann', text));
      const away = hub.push('bob', 'x');
      await expect(Promise.all(pushed)).resolves.toEqual([SENT, SENT, SENT]);
      await expect(away).resolves.toEqual({ status: 'refused', connections: 0, reason: 'unconfirmed' });
      const asking = await BoxClient.join(hub, 'cat', { offset: 0 });
      expect(asking.hello).toEqual({ recovered: false });
      expect(performance.now() - before).toBeLessThan(5_000);
      expect(client.line.heard.slice(1)).toEqual(['1', '2', '3']);
    } finally {
      redis.goOn();
    }
    await until(() => told[0]!.at(-1) === 'backplane up');
    // Numbers are back, and are others: a number of before says nothing of what came without one.
    await until(() => client.hellos.length === 2);
    await hub.push('ann', '4');
    await until(() => client.numbers.length === 1);
    const back = await BoxClient.join(hub, 'ann', { epoch: client.hello.epoch, offset: 0 });
    expect(back.hello.recovered).toBe(false);
    expect(client.numbers).toEqual([1]);
  });

  it('does not keep what was sent without a number before Redis came to it', async () => {
    const { hubs } = await started(2, { box: {} }, () => ({ url: redis.url, probe: 60_000 }));
    const [a, b] = hubs as [ConnHub, ConnHub];
    const client = await BoxClient.join(a, 'ann');
    await redis.stop();
    try {
      const first = a.push('ann', '1');
      // It is given up with the first, well before its own time is over.
      await new Promise((resolve) => setTimeout(resolve, 300));
      await expect(Promise.all([first, a.push('ann', '2')])).resolves.toEqual([SENT, SENT]);
    } finally {
      redis.goOn();
    }
    // Before the other instance knows of anything.
    const moved = await BoxClient.join(b, 'ann', client.position);
    expect([client.line.heard.slice(1), moved.hello.missed]).toEqual([['1', '2'], 0]);
  });

  it('is read by an instance that was cut off, for what its clients missed meanwhile', async () => {
    const cable = await Cable.to(redis.port);
    open.push({ close: () => cable.remove() });
    const { hubs, told } = await started(2, { box: {} }, (at) => ({
      url: at === 1 ? `redis://127.0.0.1:${cable.port}` : redis.url,
      lease: 20_000,
    }));
    const [a, b] = hubs as [ConnHub, ConnHub];
    const client = await BoxClient.join(b, 'ann');
    await until(() => isAt(a, 'ann', 'n1'));
    cable.cut();
    // It is asked, does not answer, and the message is kept.
    await expect(a.push('ann', '1')).resolves.toEqual(QUEUED);
    await until(() => told[1]!.includes('backplane down'));
    await expect(a.push('ann', '2')).resolves.toEqual(QUEUED);
    cable.mend();
    await until(() => client.texts.length === 2);
    await expect(a.push('ann', '3')).resolves.toMatchObject({ status: 'forwarded' });
    expect([client.texts, client.numbers]).toEqual([
      ['1', '2', '3'],
      [1, 2, 3],
    ]);
    expect(client.hellos.length).toBe(1);
  });

  it('is emptied by Redis itself when nobody uses it any more', async () => {
    const { hubs } = await started(1, { box: { ttl: 1000 } });
    await hubs[0]!.push('ann', 'x');
    const [list, shelf, ids] = await inRedis((client) =>
      Promise.all(['m:ann', 'b:ann', 'boxes'].map((key) => client.pttl(`hub:{chat}:${key}`))),
    );
    expect(list).toBeGreaterThan(0);
    expect(list).toBeLessThanOrEqual(2000);
    for (const life of [shelf, ids]) expect(life).toBeGreaterThan(23 * 60 * 60 * 1000);
  });

  it('answers many pushes of one turn each by itself', async () => {
    const { hubs, join } = await started(2, { box: { size: 3 } });
    const [a, b] = hubs as [ConnHub, ConnHub];
    for (let i = 0; i < 100; i += 1) join(1, `id-${i}`);
    await until(() => isAt(a, 'id-99', 'n1'));
    const pushed = Array.from({ length: 300 }, (_, i) => a.push(`id-${i % 150}`, `${i}`));
    (await Promise.all(pushed)).forEach((delivery, i) => {
      const isThere = i % 150 < 100;
      expect(delivery).toEqual(isThere ? { status: 'forwarded', connections: 1, node: 'n1' } : QUEUED);
    });
    const back = await BoxClient.join(b, 'id-120', { offset: 0 });
    await until(() => back.texts.length === 2);
    expect(back.texts).toEqual(['120', '270']);
  });

  it.each(['killed', 'stopped'] as const)(
    'loses nothing without a word, and sends nothing twice, when Redis is %s under load',
    async (how) => {
      const { hubs, told } = await started(2);
      const clients = [await BoxClient.join(hubs[0]!, 'ann')];
      const pushed: { text: string; delivery: Promise<Delivery> }[] = [];
      const timer = setInterval(() => {
        for (const hub of hubs) {
          const text = `m${pushed.length}`;
          pushed.push({ text, delivery: hub.push('ann', text) });
        }
      }, 1);
      /** The client moves to the other instance a few times. */
      const wander = async (times: number): Promise<void> => {
        for (let i = 0; i < times; i += 1) {
          const now = clients.at(-1)!;
          const count = now.told.length;
          await until(() => now.told.length > count + 5);
          now.line.hangUp();
          clients.push(BoxClient.add(hubs[clients.length % 2]!, 'ann', now.position));
          await until(() => clients.at(-1)!.told.length > 0);
        }
      };
      try {
        await wander(4);
        if (how === 'killed') await redis.kill();
        else await redis.stop();
        await wander(2);
        await until(() => told.every((lines) => stateIn(lines) === 'backplane down'));
        await wander(2);
        if (how === 'killed') await redis.run();
        else redis.goOn();
        await until(() => told.every((lines) => stateIn(lines) === 'backplane up'));
        await wander(4);
      } finally {
        clearInterval(timer);
        redis.goOn();
      }
      const deliveries = await Promise.all(
        pushed.map(async ({ text, delivery }) => ({ text, ...(await delivery) })),
      );
      const last = clients.at(-1)!;
      const marks = await Promise.all(hubs.map((hub) => hub.push('ann', 'end')));
      await until(() => last.texts.filter((text) => text === 'end').length === marks.length);
      const heard = new Map<unknown, number>();
      for (const { told: all } of clients) {
        for (const { data, bare } of all) {
          const text = data ?? bare;
          heard.set(text, (heard.get(text) ?? 0) + 1);
        }
      }
      for (const { text, status, reason } of deliveries) {
        const times = heard.get(text) ?? 0;
        const isAllowed =
          status === 'sent' || status === 'forwarded'
            ? times === 1
            : times === 0 || (times === 1 && (status === 'queued' || reason === 'unconfirmed'));
        expect([text, status, reason, times, isAllowed]).toEqual([text, status, reason, times, true]);
      }
      expect(new Set(deliveries.map(({ status }) => status))).toContain('sent');
      // What is missing in a numbering is so from a word on that says it.
      let at: Position | undefined;
      for (const { told: all } of clients) {
        for (const { hub, offset } of all) {
          if (hub?.recovered === true)
            expect({ epoch: hub.epoch, offset: hub.offset! - hub.missed! }).toEqual(at);
          else if (hub !== undefined) at = { epoch: hub.epoch, offset: hub.offset ?? 0 };
          else if (offset !== undefined) {
            expect(offset).toBe(at!.offset + 1);
            at = { ...at, offset };
          }
        }
      }
      expect(clients.flatMap(({ hellos }) => hellos).some(({ recovered }) => recovered === false)).toBe(true);
    },
  );

  it('sends 2,000 clients that come back at once all that they missed', async () => {
    const { hubs } = await started(2, { box: {} }, () => ({ url: redis.url, timeout: 5000 }));
    const [a, b] = hubs as [ConnHub, ConnHub];
    const ids = Array.from({ length: 2000 }, (_, i) => `id-${i}`);
    for (const text of ['1', '2', '3']) await Promise.all(ids.map((id) => a.push(id, text)));
    const clients = ids.map((id) => BoxClient.add(b, id, { offset: 0 }));
    await until(() => b.stats().totals.resumed + 3 * b.stats().totals.notRecovered === 6000);
    expect(b.stats().totals.notRecovered).toBe(0);
    for (const client of clients) expect(client.texts).toEqual(['1', '2', '3']);
  });

  it('is not disturbed by what strangers write', async () => {
    const { hubs } = await started(1);
    const [hub] = hubs as [ConnHub];
    await hub.push('ann', '1');
    await inRedis((client) => client.rpush('hub:{chat}:m:ann', 'junk', '1|1|junk'));
    const back = await BoxClient.join(hub, 'ann', { offset: 0 });
    await expect(hub.push('ann', '2')).resolves.toEqual(SENT);
    await hub.push('bob', 'x');
    expect((await BoxClient.join(hub, 'bob', { offset: 0 })).texts.length).toBeLessThanOrEqual(1);
    expect(back.hellos.length).toBeGreaterThan(0);
  });
});
