import { jest } from '@jest/globals';
import { Redis } from 'ioredis';
import { BackplaneError, ConnHub, type ConnHubOptions } from 'nestjs-conn-pool/hub';
import { redisBackplane, type RedisBackplaneOptions } from 'nestjs-conn-pool/redis';
import { createClient } from 'redis';
import { InvalidOptionsError } from 'nestjs-conn-pool/core';
import { fleet, type Fleet, Line, OFFLINE } from './fleet.js';
import { until } from './until.js';
import { Cable } from './servers/cable.js';
import { RedisProcess } from './servers/redis-process.js';
import { describeWith } from './servers/server-process.js';

const QUICK = { lease: 1500, probe: 200, timeout: 500 };
const LOST = { status: 'refused', connections: 0, reason: 'backplane' };

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

  describe.each([
    ['a url', () => ({ url: redis.url })],
    ['clients of ioredis', () => ({ client: () => new Redis(redis.url, { lazyConnect: true }) as never })],
    [
      'clients of ioredis that connect by themselves',
      () => ({ client: () => new Redis(redis.url) as never }),
    ],
    ['clients of node-redis', () => ({ client: () => createClient({ url: redis.url }) as never })],
  ])('with %s', (_what, how) => {
    it('push, broadcast, look and kick across instances', async () => {
      const { hubs, join, told } = await started(3, { onDuplicate: 'multi' }, how);
      const [a, b, c] = hubs as [ConnHub, ConnHub, ConnHub];
      const line = join(1, 'ann');
      const near = join(0, 'bob');
      await until(() => isAt(a, 'ann', 'n1'));
      await expect(a.push('ann', { text: 'grüß "dich" 😀' })).resolves.toEqual({
        status: 'forwarded',
        connections: 1,
        node: 'n1',
      });
      await a.push('ann', Buffer.from('bytes é'));
      await a.push('ann', 'plain');
      await expect(a.push('nobody', 'x')).resolves.toEqual(OFFLINE);
      await expect(a.broadcast('all')).resolves.toEqual({ connections: 1, refused: 0, forwarded: true });
      await until(() => line.heard.length === 4);
      expect(line.heard).toEqual(['{"text":"grüß \\"dich\\" 😀"}', 'bytes é', 'plain', 'all']);
      expect(near.heard).toEqual(['all']);
      join(2, 'ann');
      await until(async () => (await a.presence('ann')).connections.length === 2);
      await expect(a.push('ann', 'both')).resolves.toMatchObject({ status: 'forwarded', connections: 2 });
      await expect(a.kick('ann')).resolves.toBe(2);
      expect([b.has('ann'), c.has('ann')]).toEqual([false, false]);
      await until(() => told.flat().includes('offline ann'));
      expect(told.flat().filter((text) => text.endsWith('line ann'))).toEqual(['online ann', 'offline ann']);
      await expect(a.health()).resolves.toMatchObject({
        state: 'up',
        backplane: { kind: 'redis', state: 'up' },
      });
    });
  });

  it('keep the order of what is forwarded, and pass acknowledgements on', async () => {
    const { hubs, join } = await started(2);
    const line = join(1, 'ann');
    await until(() => isAt(hubs[0]!, 'ann', 'n1'));
    const pushed = Array.from({ length: 500 }, (_, i) => hubs[0]!.push('ann', `${i}`));
    expect((await Promise.all(pushed)).every(({ status }) => status === 'forwarded')).toBe(true);
    expect(line.heard.map(Number)).toEqual(Array.from({ length: 500 }, (_, i) => i));
    const lines = hubs[1]!.get('ann')[0]!.lines();
    const acked = hubs[0]!.push('ann', Buffer.from([255]), { ack: true, binary: true });
    await until(() => line.heard.length === 501);
    expect(line.heard.at(-1)).toBe('{"offset":1,"base64":"/w=="}');
    line.say('{"ack":1}\n');
    await expect(acked).resolves.toEqual({ status: 'forwarded', connections: 1, node: 'n1', acked: true });
    await lines.return?.();
  });

  it('answer each of many questions of one turn by itself', async () => {
    const { hubs, join } = await started(3);
    const lines = Array.from({ length: 300 }, (_, i) => join(1 + (i % 2), `id-${i}`));
    await until(() => isAt(hubs[0]!, 'id-299', 'n2'));
    await until(() => isAt(hubs[0]!, 'id-298', 'n1'));
    const large = 'x'.repeat(100_000);
    const pushed = Array.from({ length: 400 }, (_, i) =>
      hubs[0]!.push(`id-${i}`, i % 50 === 0 ? large : `${i}`),
    );
    const deliveries = await Promise.all(pushed);
    deliveries.forEach((delivery, i) => {
      const node = `n${1 + (i % 2)}`;
      expect(delivery).toEqual(i < 300 ? { status: 'forwarded', connections: 1, node } : OFFLINE);
    });
    expect(lines.map(({ heard }) => heard)).toEqual(lines.map((_, i) => [i % 50 === 0 ? large : `${i}`]));
  });

  it.each(['replace', 'reject'] as const)(
    "decide for one of two that claim an id at the same moment, with '%s'",
    async (onDuplicate) => {
      const { hubs, join } = await started(2, { onDuplicate });
      for (let round = 0; round < 20; round += 1) {
        const id = `id-${round}`;
        const lines = [join(0, id), join(1, id)];
        await until(() => hubs.filter((hub) => hub.has(id)).length === 1);
        const winner = hubs.findIndex((hub) => hub.has(id));
        await until(() => isAt(hubs[1 - winner]!, id, `n${winner}`));
        await expect(hubs[1 - winner]!.push(id, 'x')).resolves.toMatchObject({ status: 'forwarded' });
        expect(lines.map(({ heard }) => heard.length)[winner]).toBe(1);
      }
    },
  );

  it('keep an id within offlineGrace, on whichever instance it comes back', async () => {
    const { hubs, join, told } = await started(2, { onDuplicate: 'reject', offlineGrace: 500 });
    join(0, 'ann').hangUp();
    await until(() => !hubs[0]!.has('ann'));
    await until(() => isAt(hubs[1]!, 'ann', undefined));
    const back = join(1, 'ann');
    await until(() => isAt(hubs[0]!, 'ann', 'n1'));
    back.hangUp();
    await until(() => told[1]!.includes('offline ann'));
    expect(told.flat().filter((text) => text.endsWith('line ann'))).toEqual(['online ann', 'offline ann']);
  });

  it('tell each hub of a process apart, also one that comes late', async () => {
    const backplane = redisBackplane({ ...QUICK, url: redis.url });
    const other = redisBackplane({ ...QUICK, url: redis.url });
    const make = (name: string, node: string, over = backplane) => {
      const hub = new ConnHub({ name, node, backplane: over });
      open.push(hub);
      return hub;
    };
    const first = make('a', 'n0');
    await first.start();
    const late = make('b', 'n0');
    await late.start();
    const [farA, farB] = [make('a', 'n1', other), make('b', 'n1', other)];
    await Promise.all([farA.start(), farB.start()]);
    const line = new Line();
    late.add('ann', line);
    await until(() => isAt(farB, 'ann', 'n0'));
    await expect(farB.push('ann', 'x')).resolves.toMatchObject({ status: 'forwarded' });
    await expect(farA.push('ann', 'x')).resolves.toEqual(OFFLINE);
    expect(line.heard).toEqual(['x']);
    expect(() => make('a', 'n0')).toThrow(InvalidOptionsError);
  });

  it('go on with what is connected to them while Redis is killed, and find each other when it is back, empty', async () => {
    const { hubs, join, told } = await started(2);
    const [near, far] = [join(0, 'near'), join(1, 'far')];
    await until(() => isAt(hubs[0]!, 'far', 'n1'));
    await redis.kill();
    await until(() => told[0]!.includes('backplane down'));
    await expect(hubs[0]!.push('near', 'x')).resolves.toMatchObject({ status: 'sent' });
    await expect(hubs[0]!.push('far', 'x')).resolves.toEqual(LOST);
    await expect(hubs[0]!.broadcast('y')).resolves.toEqual({ connections: 1, refused: 0, forwarded: false });
    await expect(hubs[0]!.presence('far')).resolves.toMatchObject({ online: false, complete: false });
    await expect(hubs[0]!.health()).resolves.toMatchObject({
      state: 'degraded',
      backplane: { kind: 'redis', state: 'down', error: expect.any(String) as string },
    });
    const meanwhile = join(1, 'meanwhile');
    far.hangUp();
    await until(() => !hubs[1]!.has('far'));
    await redis.run();
    await until(() =>
      told.every((lines) => lines.includes('backplane up') && lines.at(-1) === 'backplane up'),
    );
    await until(() => isAt(hubs[0]!, 'meanwhile', 'n1'));
    await expect(hubs[0]!.push('meanwhile', 'x')).resolves.toMatchObject({ status: 'forwarded' });
    await expect(hubs[0]!.push('far', 'x')).resolves.toEqual(OFFLINE);
    expect([near.heard, meanwhile.heard]).toEqual([['x', 'y'], ['x']]);
  });

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

  it('go on while Redis stands still, and wait for nothing longer than the timeout', async () => {
    const { hubs, join, told } = await started(2);
    join(0, 'near');
    join(1, 'far');
    await until(() => isAt(hubs[0]!, 'far', 'n1'));
    redis.stop();
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
      redis.goOn();
    }
    await until(() => told.every((lines) => lines.at(-1) === 'backplane up'));
    await until(() => isAt(hubs[0]!, 'far', 'n1'));
    await expect(hubs[0]!.push('far', 'z')).resolves.toMatchObject({ status: 'forwarded' });
  });

  it('miss an instance that was cut off within its lease, and take it back when it returns', async () => {
    const cable = await Cable.to(redis.port);
    open.push({ close: () => cable.remove() });
    const { hubs, join, told } = await started(2, {}, (at) => ({
      url: at === 1 ? `redis://127.0.0.1:${cable.port}` : redis.url,
    }));
    const [stays, moves] = [join(1, 'stays'), join(1, 'moves')];
    await until(() => isAt(hubs[0]!, 'moves', 'n1'));
    await until(() => isAt(hubs[0]!, 'stays', 'n1'));
    cable.cut();
    // Until the lease is over it may be there still.
    await expect(hubs[0]!.push('stays', 'x')).resolves.toMatchObject({ status: 'refused' });
    await until(() => told[0]!.includes('offline stays') && told[0]!.includes('offline moves'));
    await expect(hubs[0]!.push('stays', 'x')).resolves.toEqual(OFFLINE);
    const moved = join(0, 'moves');
    await until(() => told[1]!.includes('backplane down'));
    cable.mend();
    await until(() => told[1]!.includes('backplane up'));
    await until(() => !hubs[1]!.has('moves'));
    expect([moves.writableEnded, moved.writableEnded, stays.writableEnded]).toEqual([true, false, false]);
    await until(() => isAt(hubs[0]!, 'stays', 'n1'));
    await expect(hubs[0]!.push('stays', 'back')).resolves.toMatchObject({ status: 'forwarded', node: 'n1' });
    await expect(hubs[1]!.push('moves', 'there')).resolves.toMatchObject({ status: 'forwarded', node: 'n0' });
    expect([stays.heard.at(-1), moved.heard]).toEqual(['back', ['there']]);
  });

  it('begin without a Redis, and say so', async () => {
    await redis.kill();
    try {
      const made = fleet(1, () => redisBackplane({ ...QUICK, url: redis.url }));
      open.push(made);
      const [hub] = made.hubs as [ConnHub];
      await hub.start();
      await expect(hub.health()).resolves.toMatchObject({ state: 'degraded', backplane: { state: 'down' } });
      expect(made.told[0]).toEqual(['backplane down']);
      await redis.run();
      await until(() => made.told[0]!.includes('backplane up'));
      await expect(hub.health()).resolves.toMatchObject({ state: 'up' });
    } finally {
      await redis.kill();
      await redis.run();
    }
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
      expect(String(error)).not.toMatch(/secret/);
      await hub.close();
    }
    const hub = new ConnHub({ backplane: redisBackplane({ ...QUICK, url: locked.url }) });
    await hub.start();
    await expect(hub.health()).resolves.toMatchObject({ state: 'up' });
    await hub.close();
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

  it('have names that may hold anything', async () => {
    const made = ['a{b', 'a%7Bb', 'a}b', 'ä b:*'].map((name) =>
      [0, 1].map((at) => {
        const hub = new ConnHub({
          name,
          node: `n${at}`,
          backplane: redisBackplane({ ...QUICK, url: redis.url }),
        });
        open.push(hub);
        return hub;
      }),
    );
    await Promise.all(made.flat().map((hub) => hub.start()));
    const id = 'id {:*} | , / ü\n';
    const line = new Line();
    made[0]![0]!.add(id, line, { meta: 'a|b|c' });
    await until(() => isAt(made[0]![1]!, id, 'n0'));
    await expect(made[0]![1]!.presence(id)).resolves.toMatchObject({ connections: [{ meta: 'a|b|c' }] });
    await expect(made[0]![1]!.push(id, 'x')).resolves.toMatchObject({ status: 'forwarded' });
    for (const [, far] of made.slice(1)) await expect(far!.push(id, 'x')).resolves.toEqual(OFFLINE);
    expect(line.heard).toEqual(['x']);
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
      '["q","1","n0","f","ann"]',
      '["q","1","n0","f","ann",0,null,["text",0]]',
    ];
    junk.push(
      '["c","x",null,7,["text",0,7]]',
      '["a","1","n0",{}]',
      '["e",1,2]',
      '["q","1","n0","k","ann","x",7]',
    );
    for (const channel of ['hub:{chat}:n:n1', 'hub:{chat}:all']) {
      for (const text of junk) expect(await client.publish(channel, text)).toBeGreaterThan(0);
    }
    client.disconnect();
    await expect(hubs[0]!.push('ann', 'fine')).resolves.toMatchObject({ status: 'forwarded' });
    expect(line.heard).toEqual(['fine']);
  });
});
