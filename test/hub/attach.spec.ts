import type { IncomingMessage } from 'node:http';
import { type ConnHubOptions, type Identity } from 'nestjs-conn-pool/hub';
import { houses } from './houses.js';
import { until } from './until.js';

describe('attach()', () => {
  const house = houses();

  it('[W8] takes the id from the query, and needs no origin', async () => {
    const it = await house();
    const client = await it.ask('/hello?x=1&id=ann%20b%C3%BC&y=2');
    expect([...it.hub.ids()]).toEqual(['ann bü']);
    await expect(it.attached[0]).resolves.toBe(it.hub.get('ann bü')[0]);
    await it.hub.push('ann bü', 'hi');
    expect(await client.hears(1)).toEqual(['hi\n']);
  });

  it.each(['/', '/?id=', '/?name=ann', `/?id=${'x'.repeat(257)}`])(
    '[W8] refuses with 1008 when the query has no id that can be one: %#',
    async (path) => {
      const it = await house();
      const client = await it.ask(path);
      expect(await client.isClosed()).toEqual({ code: 1008, reason: 'identity' });
      await expect(it.attached[0]).resolves.toBeUndefined();
      expect(it.told('rejected')).toMatchObject([{ reason: 'identity' }]);
      expect(it.hub.size).toBe(0);
    },
  );

  const answers: [string, () => ReturnType<NonNullable<ConnHubOptions['identify']>>][] = [
    ['nothing', () => undefined],
    ['a promise of nothing', () => Promise.resolve(undefined)],
    ['null', () => null as never],
    [
      'an error',
      () => {
        throw new Error('no token');
      },
    ],
    ['a rejection', () => Promise.reject(new Error('no token'))],
    ['a number', () => 7 as never],
    ['an identity without an id', () => ({}) as Identity],
    ['an identity with bad groups', () => ({ id: 'ann', groups: [''] })],
    [
      'what cannot be read',
      () =>
        ({
          get then(): never {
            throw new Error('hostile');
          },
        }) as never,
    ],
  ];
  it.each(answers)('[W8] refuses with 1008 when identify gives %s', async (_what, identify) => {
    const it = await house({ identify });
    const client = await it.join('ann');
    expect(await client.isClosed()).toEqual({ code: 1008, reason: 'identity' });
    await expect(it.attached[0]).resolves.toBeUndefined();
    expect(it.hub.size).toBe(0);
  });

  it('[W8] asks identify who a request is from, which may take its time', async () => {
    const it = await house<string>({
      identify: async (request: IncomingMessage) => {
        await Promise.resolve();
        return { id: String(request.headers['x-token']), meta: 'm' };
      },
    });
    const client = await it.ask('/', { headers: { 'x-token': 'ann' } });
    expect(it.hub.get('ann')).toMatchObject([{ id: 'ann', meta: 'm' }]);
    await it.hub.push('ann', 'hi');
    expect(await client.hears(1)).toEqual(['hi\n']);
  });

  it('[W8] has the connection in the hub when it returns, if identify and verifyOrigin are synchronous', async () => {
    const it = await house({ identify: () => 'ann', verifyOrigin: () => true });
    const client = await it.join('x');
    it.hub.delete('ann');
    await client.isClosed();
    const other = await house();
    await other.join('bob');
    void it.hub.attach(other.sockets[0]!, { url: '/', headers: {} } as IncomingMessage);
    expect(it.hub.has('ann')).toBe(true);
  });

  it.each([
    ['a rule', (origin?: string) => origin === 'https://good.example'],
    ['a promise', async (origin?: string) => origin === 'https://good.example'],
  ])('[W8] lets in the origins that verifyOrigin does: %s', async (_what, verifyOrigin) => {
    const it = await house({ verifyOrigin });
    const bad = await it.join('bad', { origin: 'https://bad.example' });
    const none = await it.join('none');
    const good = await it.join('good', { origin: 'https://good.example' });
    for (const client of [bad, none]) {
      expect(await client.isClosed()).toEqual({ code: 1008, reason: 'origin' });
    }
    expect([[...it.hub.ids()], good.closed]).toEqual([['good'], undefined]);
    expect(it.told('rejected').map(({ reason }) => reason)).toEqual(['origin', 'origin']);
  });

  it.each([
    [
      'throws',
      () => {
        throw new Error('no list');
      },
    ],
    ['rejects', () => Promise.reject(new Error('no list'))],
    ['gives what is not true', () => 'yes' as unknown as boolean],
  ])('[W8] refuses every origin when verifyOrigin %s', async (_what, verifyOrigin) => {
    const it = await house({ verifyOrigin });
    const client = await it.join('ann', { origin: 'https://any.example' });
    expect(await client.isClosed()).toEqual({ code: 1008, reason: 'origin' });
    expect(it.hub.size).toBe(0);
  });

  it('[W8] does not add a connection that closed, or failed, while identify was asked', async () => {
    let answer: (id: string) => void = () => undefined;
    const it = await house({ identify: () => new Promise<string>((resolve) => (answer = resolve)) });
    const asked = it.join('ann');
    await until(() => it.attached.length === 1);
    const socket = it.sockets[0] as unknown as {
      _socket: { destroy(error: Error): void };
      readyState: number;
    };
    socket._socket.destroy(new Error('reset'));
    await until(() => socket.readyState === 3);
    answer('ann');
    await asked;
    await expect(it.attached[0]).resolves.toBeUndefined();
    expect(it.told('rejected')).toMatchObject([{ reason: 'closed' }]);
    expect(it.hub.size).toBe(0);
  });

  it('[W7] sends those away with 1001 that come while the hub closes', async () => {
    const it = await house();
    await it.hub.close();
    const client = await it.join('late');
    expect(await client.isClosed()).toEqual({ code: 1001, reason: 'closed' });
    await expect(it.attached[0]).resolves.toBeUndefined();
  });
});
