import { jest } from '@jest/globals';
import { Redis } from 'ioredis';
import { BackplaneError, ConnHub, type ConnHubOptions } from 'nestjs-conn-pool/hub';
import { redisBackplane, type RedisBackplaneOptions } from 'nestjs-conn-pool/redis';
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { inspect } from 'node:util';
import { createClient } from 'redis';
import { InvalidOptionsError } from 'nestjs-conn-pool/core';
import { fleet, type Fleet, Line } from './fleet.js';
import { until } from './until.js';
import { QUICK } from './servers/backplanes.js';
import { Cable } from './servers/cable.js';
import { RedisProcess } from './servers/redis-process.js';
import { SentinelProcess } from './servers/sentinel-process.js';
import { describeWith } from '../describe-with.js';

describeWith(['redis-server'], 'instances of a hub over Redis', () => {
  jest.setTimeout(60_000);
  let redis: RedisProcess;
  const open: { close(): Promise<unknown> }[] = [];

  beforeAll(async () => void (redis = await RedisProcess.start()));
  afterAll(() => redis.remove());
  afterEach(async () => {
    await Promise.all(open.splice(0).map((each) => each.close()));
    const client = new Redis(redis.url);
    await client.flushall();
    client.disconnect();
  });

  async function started(
    count: number,
    options: ConnHubOptions = {},
    how: (at: number) => RedisBackplaneOptions = () => ({ url: redis.url }),
  ): Promise<Fleet> {
    const made = fleet(count, (at) => redisBackplane({ ...QUICK, ...how(at) }), options);
    open.push(made);
    await Promise.all(made.hubs.map((hub) => hub.start()));
    return made;
  }

  const isAt = async (hub: ConnHub, id: string, node: string | undefined): Promise<boolean> =>
    (await hub.presence(id)).connections[0]?.node === node;

  it('announce themselves again when Redis has been emptied', async () => {
    const { hubs, join } = await started(2);
    const ids = Array.from({ length: 1200 }, (_, i) => `id-${i}`);
    for (const id of ids) join(1, id);
    await until(() => isAt(hubs[0]!, 'id-1199', 'n1'));
    const client = new Redis(redis.url);
    await client.flushdb();
    client.disconnect();
    await until(() => isAt(hubs[0]!, 'id-1199', 'n1'));
    await until(async () => (await Promise.all(ids.map((id) => isAt(hubs[0]!, id, 'n1')))).every(Boolean));
    await hubs[1]!.close();
    await expect(hubs[0]!.presence('id-7')).resolves.toMatchObject({ online: false, complete: true });
  });

  it("announce what comes meanwhile, too, with 'multi'", async () => {
    const how = (): RedisBackplaneOptions => ({ url: redis.url, lease: 60_000 });
    const { hubs: [a, b] = [], join } = await started(2, { onDuplicate: 'multi' }, how);
    const ids = Array.from({ length: 3000 }, (_, i) => `id-${i}`);
    const first = ids.map((id) => join(1, id));
    await until(() => isAt(a!, 'id-2999', 'n1'));
    const client = new Redis(redis.url);
    await client.flushdb();
    await until(async () => (await client.exists('hub:{chat}:p:id-0')) === 1);
    client.disconnect();
    const second = ids.map((id) => join(1, id));
    await until(async () => (await a!.presence('id-2999')).connections.length === 2);
    for (const line of first) line.hangUp();
    await until(() => b!.stats().connections === second.length);
    // Who has just left may not have been taken out yet.
    await until(async () => {
      const found = await Promise.all(ids.map((id) => a!.presence(id)));
      return found.every(({ connections }) => connections.length === 1);
    });
  });

  it('repair what Redis refused, when it takes it again', async () => {
    const { hubs: [a, b] = [], join, told } = await started(2, {}, () => ({ url: redis.url, probe: 1000 }));
    const client = new Redis(redis.url);
    join(0, 'leaver');
    await until(() => isAt(b!, 'leaver', 'n0'));
    // Between two signs of life.
    await client.config('SET', 'maxmemory', '1');
    join(0, 'comer');
    await until(() => told[0]!.includes('online comer'));
    await client.config('SET', 'maxmemory', '0');
    await client.call('REPLICAOF', '127.0.0.1', '1');
    a!.delete('leaver');
    await until(() => told[0]!.includes('offline leaver'));
    await client.call('REPLICAOF', 'NO', 'ONE');
    client.disconnect();
    await until(() => isAt(b!, 'comer', 'n0'));
    await until(() => isAt(b!, 'leaver', undefined));
    await expect(b!.push('comer', 'x')).resolves.toMatchObject({ status: 'forwarded' });
  });

  it("do not turn away with 'reject' who comes back from an instance that has crashed", async () => {
    const cable = await Cable.to(redis.port);
    open.push({ close: () => cable.remove() });
    const how = (at: number): RedisBackplaneOptions => ({
      url: `redis://127.0.0.1:${at === 0 ? cable.port : redis.port}`,
      lease: 60_000,
    });
    const { hubs: [a, b] = [], join, told } = await started(2, { onDuplicate: 'reject' }, how);
    join(0, 'ann');
    await until(() => isAt(b!, 'ann', 'n0'));
    cable.leadTo(1);
    await until(() => told[0]!.includes('backplane down'));
    const line = join(1, 'ann');
    // When that is answered, the claim has been.
    await b!.presence('ann');
    cable.leadTo(redis.port);
    // It has moved: where it was it is no more.
    await until(() => !a!.has('ann'));
    expect([line.writableEnded, b!.has('ann'), told[1]]).toEqual([
      false,
      true,
      ['backplane up', 'joined ann'],
    ]);
  });

  it('leave nothing in Redis for ever, and keep what is still so', async () => {
    const { hubs, join } = await started(2, { offlineGrace: 60_000 });
    const gone = join(0, 'gone');
    join(1, 'ann');
    await until(() => isAt(hubs[0]!, 'ann', 'n1'));
    gone.hangUp();
    await until(() => isAt(hubs[1]!, 'gone', undefined));
    const client = new Redis(redis.url);
    const lives = async (): Promise<number[]> =>
      Promise.all((await client.keys('*')).map((key) => client.pttl(key)));
    const before = await lives();
    expect([before.length, before.filter((life) => life < 0)]).toEqual([5, []]);
    for (const key of await client.keys('*')) await client.pexpire(key, 60_000);
    // Half a day later.
    const { now } = performance;
    const later = jest
      .spyOn(performance, 'now')
      .mockImplementation(() => now.call(performance) + 13 * 3600_000);
    try {
      await until(async () => (await lives()).every((life) => life > 60_000));
    } finally {
      later.mockRestore();
    }
    client.disconnect();
  });

  it('tell what Redis refuses without the ids and what was pushed', async () => {
    const { hubs, join } = await started(1);
    const causes: unknown[] = [];
    hubs[0]!.events$.subscribe((event) => event.type === 'backplane' && causes.push(event.cause));
    const client = new Redis(redis.url);
    await client.config('SET', 'maxmemory', '1');
    join(0, 'private');
    await hubs[0]!.push('private-too', 'private');
    await until(() => causes.length > 0);
    await client.config('SET', 'maxmemory', '0');
    client.disconnect();
    expect(String(causes[0])).toMatch(/^ReplyError: OOM/);
    expect(Object.keys(causes[0] as Error)).toEqual(['name']);
    expect(inspect(causes, { depth: 9, showHidden: true })).not.toMatch(/private|hub:/);
  });

  it.each([
    ['ioredis', (): RedisBackplaneOptions => ({ url: redis.url })],
    [
      'node-redis',
      (): RedisBackplaneOptions => ({ client: () => createClient({ url: redis.url }) as never }),
    ],
  ] as const)('listen no further for one that is closed, with %s', async (_name, how) => {
    const backplane = redisBackplane({ ...QUICK, ...how() });
    const hubOf = async (name: string, node: string): Promise<ConnHub> => {
      const hub = new ConnHub({ name, node, backplane });
      open.push({ close: () => hub.close({ drain: 0 }) });
      await hub.start();
      return hub;
    };
    const client = new Redis(redis.url);
    const channels = async (): Promise<number> => ((await client.pubsub('CHANNELS')) as string[]).length;
    const staying = await hubOf('chat', 'n1');
    expect(await channels()).toBe(2);
    // One of them has a name that another has, too.
    const some = [await hubOf('room', 'n1'), await hubOf('chat', 'n2')];
    expect(await channels()).toBe(5);
    await Promise.all(some.map((hub) => hub.close()));
    expect(await channels()).toBe(2);
    client.disconnect();
    const { hubs } = await started(1);
    const line = new Line();
    staying.add('ann', line);
    for (const text of ['to all', 'last']) await hubs[0]!.broadcast(text);
    await until(() => line.heard.includes('last'));
    expect(line.heard).toEqual(['to all', 'last']);
  });

  it('are refused at once with a wrong password, which is not told', async () => {
    const locked = await RedisProcess.start('right-secret');
    open.push({ close: () => locked.remove() });
    const url = `redis://:wrong-secret@127.0.0.1:${locked.port}`;
    for (const options of [
      { url },
      { client: () => createClient({ url }) as never },
      { url: `redis://127.0.0.1:${locked.port}` },
    ]) {
      const hub = new ConnHub({ name: 'chat', backplane: redisBackplane({ ...QUICK, ...options }) });
      const error = await hub.start().catch((thrown: unknown) => thrown);
      expect(error).toBeInstanceOf(BackplaneError);
      expect(String(error)).toMatch(
        /Hub "chat" cannot use its backplane: Redis refuses it: .*(WRONGPASS|NOAUTH)/,
      );
      for (const shown of [String(error), inspect(error, { depth: 9, showHidden: true })]) {
        expect(shown).not.toMatch(/secret/);
      }
      expect(JSON.stringify((error as BackplaneError).cause)).not.toMatch(/secret/);
      await hub.close();
    }
    const hub = new ConnHub({ backplane: redisBackplane({ ...QUICK, url: locked.url }) });
    await hub.start();
    await expect(hub.health()).resolves.toMatchObject({ state: 'up' });
    await hub.close();
  });

  it('are refused at once by what is no Redis', async () => {
    const other = createServer((socket) => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n')).listen(
      0,
      '127.0.0.1',
    );
    await once(other, 'listening');
    const url = `redis://127.0.0.1:${(other.address() as AddressInfo).port}`;
    for (const options of [{ url }, { client: () => createClient({ url }) as never }]) {
      const hub = new ConnHub({ backplane: redisBackplane({ ...QUICK, ...options }) });
      await expect(hub.start()).rejects.toThrow(/Redis refuses it/);
      await hub.close();
    }
    other.close();
  });

  it('are refused at once when they may not run their scripts', async () => {
    const client = new Redis(redis.url);
    await client.call('ACL', 'SETUSER', 'weak', 'on', '>weak-secret', '~*', '&*', '+@all', '-evalsha');
    const hub = new ConnHub({
      backplane: redisBackplane({ ...QUICK, url: `redis://weak:weak-secret@127.0.0.1:${redis.port}` }),
    });
    await expect(hub.start()).rejects.toThrow(/Redis refuses it: NOPERM/);
    await hub.close();
    await client.call('ACL', 'DELUSER', 'weak');
    client.disconnect();
  });

  it('refuse options that are none, without showing a password', async () => {
    for (const options of [
      {},
      { url: 'localhost:6379' },
      { url: 'http://:secret@localhost' },
      { url: 'redis://localhost', client: () => new Line() as never },
      { url: 'redis://localhost', lease: 0, probe: 'x', timeout: Infinity, prefix: 'a{b}' },
    ]) {
      const make = (): unknown => redisBackplane(options as RedisBackplaneOptions);
      expect(make).toThrow(InvalidOptionsError);
      expect(make).not.toThrow(/secret/);
    }
  });

  it('follow Sentinel to the replica when the master is gone', async () => {
    const master = await RedisProcess.start();
    const replica = await RedisProcess.replicaOf(master);
    const sentinel = await SentinelProcess.start(master);
    for (const server of [master, replica, sentinel]) open.push({ close: () => server.remove() });
    const watcher = new Redis(sentinel.port, '127.0.0.1');
    const isWatched = async (): Promise<boolean> =>
      ((await watcher.call('SENTINEL', 'REPLICAS', 'main')) as unknown[]).length === 1;
    await until(isWatched, 30_000);
    watcher.disconnect();
    const client = (): never =>
      new Redis({
        sentinels: [{ host: '127.0.0.1', port: sentinel.port }],
        name: 'main',
        lazyConnect: true,
      }) as never;
    const { hubs, join, told } = await started(2, {}, () => ({ client }));
    const line = join(1, 'ann');
    await until(() => isAt(hubs[0]!, 'ann', 'n1'));
    await master.kill();
    await until(() => told.every((lines) => lines.includes('backplane down')));
    await until(() => told.every((lines) => lines.at(-1) === 'backplane up'), 40_000);
    await until(() => isAt(hubs[0]!, 'ann', 'n1'));
    await expect(hubs[0]!.push('ann', 'x')).resolves.toMatchObject({ status: 'forwarded', node: 'n1' });
    expect(line.heard).toEqual(['x']);
  });

  it('meet only those of the same prefix', async () => {
    const hubs = ['one', 'one', 'two'].map((prefix, at) => {
      const backplane = redisBackplane({ ...QUICK, url: redis.url, prefix });
      const hub = new ConnHub({ name: 'chat', node: `n${at}`, backplane });
      open.push({ close: () => hub.close({ drain: 0 }) });
      return hub;
    });
    await Promise.all(hubs.map((hub) => hub.start()));
    hubs[0]!.add('ann', new Line());
    await until(() => isAt(hubs[1]!, 'ann', 'n0'));
    await expect(hubs[2]!.push('ann', 'x')).resolves.toMatchObject({ status: 'offline' });
  });

  it('are not disturbed by what strangers publish', async () => {
    const { hubs, join } = await started(2);
    const line = join(1, 'ann');
    await until(() => isAt(hubs[0]!, 'ann', 'n1'));
    const client = new Redis(redis.url);
    const junk = [
      'x',
      '7',
      'null',
      '[]',
      '["q"]',
      '["q",1,"n0","f","ann"]',
      '["q",1,"n0","f","ann",0,null,["text",0]]',
    ];
    junk.push(
      '["c","x",null,7,["text",0,7]]',
      '["a",1,"n0",{}]',
      '["e",1,2]',
      '["q",1,"n0","k","ann","x",7]',
    );
    for (const channel of ['hub:{chat}:n:n1', 'hub:{chat}:all']) {
      for (const text of junk) expect(await client.publish(channel, text)).toBeGreaterThan(0);
    }
    client.disconnect();
    await expect(hubs[0]!.push('ann', 'fine')).resolves.toMatchObject({ status: 'forwarded' });
    expect(line.heard).toEqual(['fine']);
  });
});
