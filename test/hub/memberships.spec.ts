import {
  ConnectionClosedError,
  ConnHub,
  DuplicateIdError,
  InvalidIdError,
  type Membership,
} from 'nestjs-conn-pool/hub';
import { InvalidOptionsError } from 'nestjs-conn-pool/core';
import { WebSocket } from 'ws';
import { houses } from './houses.js';
import { until } from './until.js';

describe('connections of a hub', () => {
  const house = houses();

  it('[W2] are added, found, counted and deleted by their id', async () => {
    const it = await house<{ device: string }>();
    const { hub } = it;
    const client = await it.join('ann');
    await it.join('bob');
    expect([hub.size, [...hub.ids()], hub.has('ann'), hub.has('nobody')]).toEqual([
      2,
      ['ann', 'bob'],
      true,
      false,
    ]);
    expect(hub.get('ann')).toMatchObject([{ id: 'ann', node: hub.node, active: true }]);
    expect(hub.get('ann')[0]?.conn).toBe(it.sockets[0]);
    expect(hub.delete('ann')).toBe(true);
    expect([hub.size, hub.has('ann'), hub.delete('ann')]).toEqual([1, false, false]);
    expect(await client.isClosed()).toEqual({ code: 1000, reason: '' });
    expect(it.told('left')).toMatchObject([{ id: 'ann', reason: 'deleted', code: 1000, connections: 0 }]);
  });

  it("[W2] speak the predecessor's words, too", async () => {
    const it = await house();
    const { connections, stream } = it.hub;
    const client = await it.join('ann');
    expect([connections.size, connections.get('ann').length]).toEqual([1, 1]);
    await expect(stream.add('ann', 'hi')).resolves.toEqual({ status: 'sent', connections: 1 });
    expect(await client.hears(1)).toEqual(['hi\n']);
    expect([connections.delete('ann'), connections.size, connections.delete('ann')]).toEqual([
      true,
      0,
      false,
    ]);
    const again = await it.join('ann');
    const [membership] = it.hub.get('ann');
    expect(connections.add('ann', membership!.conn)).toBe(membership);
    expect(connections.delete('ann', membership)).toBe(true);
    await again.isClosed();
  });

  it('[W2] stay under their id when the old one of a reconnected client is deleted late', async () => {
    const it = await house();
    const older = await it.join('ann');
    const [membership] = it.hub.get('ann') as [Membership];
    const newer = await it.join('ann');
    expect(await older.isClosed()).toEqual({ code: 4501, reason: 'replaced' });
    expect(membership.active).toBe(false);
    // What a late handler of the old connection does.
    expect(it.hub.delete('ann', membership)).toBe(false);
    await it.hub.push('ann', 'still here');
    expect(await newer.hears(1)).toEqual(['still here\n']);
    expect([it.hub.size, older.heard]).toEqual([1, []]);
    expect(it.events.map(({ type }) => type)).toEqual(['joined', 'online', 'left', 'joined']);
    expect(it.told('left')).toMatchObject([{ reason: 'replaced', code: 4501, connections: 1 }]);
  });

  it('[W2] are replaced any number of times, and the last one stays', async () => {
    const it = await house();
    const clients = await Promise.all(Array.from({ length: 20 }, () => it.join('ann')));
    await until(() => clients.filter(({ closed }) => closed !== undefined).length === 19);
    const stays = clients.find(({ closed }) => closed === undefined);
    await it.hub.push('ann', 'you');
    expect(await stays?.hears(1)).toEqual(['you\n']);
    expect(it.hub.stats()).toMatchObject({ ids: 1, connections: 1 });
  });

  it("[W2] with 'reject' stay, and the newer is closed", async () => {
    const it = await house({ onDuplicate: 'reject' });
    const older = await it.join('ann');
    const newer = await it.join('ann');
    expect(await newer.isClosed()).toEqual({ code: 4502, reason: 'duplicate' });
    expect(it.told('rejected')).toMatchObject([{ reason: 'duplicate' }]);
    const other = await it.join('bob');
    const conn = it.hub.get('bob')[0]!.conn;
    it.hub.connections.get('bob');
    expect(() => it.hub.add('ann', conn)).toThrow(InvalidOptionsError);
    await it.hub.push('ann', 'x');
    expect(await older.hears(1)).toEqual(['x\n']);
    expect(other.closed).toBeUndefined();
  });

  it("[W2] with 'reject' are refused to add() by an error that names the remedy and not the id", async () => {
    const it = await house({ name: 'chat', onDuplicate: 'reject' });
    await it.join('ann');
    const other = await house();
    const client = await other.join('x');
    const error = thrownBy(() => it.hub.add('ann', other.sockets[0]!));
    expect(error).toBeInstanceOf(DuplicateIdError);
    expect(String(error)).toMatch(/^(?!.*ann).*Hub "chat": the id has a connection already/s);
    expect(await client.isClosed()).toEqual({ code: 4502, reason: 'duplicate' });
  });

  it("[W2] with 'multi' are many of one id, up to maxPerId", async () => {
    const it = await house({ onDuplicate: 'multi', maxPerId: 3 });
    const clients = [await it.join('ann'), await it.join('ann'), await it.join('ann')];
    const fourth = await it.join('ann');
    expect(await fourth.isClosed()).toEqual({ code: 4502, reason: 'duplicate' });
    await expect(it.hub.push('ann', 'all')).resolves.toEqual({ status: 'sent', connections: 3 });
    for (const client of clients) expect(await client.hears(1)).toEqual(['all\n']);
    expect([it.hub.size, it.hub.stats().connections]).toEqual([1, 3]);
    expect(it.told('online')).toHaveLength(1);
    expect(it.hub.delete('ann', it.hub.get('ann')[1])).toBe(true);
    expect(await clients[1]?.isClosed()).toEqual({ code: 1000, reason: '' });
    expect(it.told('offline')).toHaveLength(0);
    expect(it.hub.delete('ann')).toBe(true);
    expect(it.told('offline')).toHaveLength(1);
  });

  it('[W2] are 10 of one id at most, unless told otherwise', async () => {
    const it = await house({ onDuplicate: 'multi' });
    for (let i = 0; i < 10; i += 1) await it.join('ann');
    const eleventh = await it.join('ann');
    expect(await eleventh.isClosed()).toEqual({ code: 4502, reason: 'duplicate' });
  });

  it('[W2] are one when the same is added twice, and join the groups said the second time', async () => {
    const it = await house();
    await it.join('ann');
    const [membership] = it.hub.get('ann') as [Membership];
    expect(it.hub.add('ann', membership.conn, { groups: ['g'] })).toBe(membership);
    expect([it.hub.size, [...membership.groups], it.told('joined').length]).toEqual([1, ['g'], 1]);
    expect(() => it.hub.add('bob', membership.conn)).toThrow(
      /conn: .*not in this hub under another id: delete that one first/,
    );
    expect([it.hub.has('bob'), membership.active]).toEqual([false, true]);
    it.hub.delete('ann');
    expect(() => it.hub.add('ann', membership.conn)).toThrow(ConnectionClosedError);
  });

  it.each([
    ['says good-bye', (socket: WebSocket) => socket.close(4001, 'bye'), { reason: 'closed', code: 4001 }],
    ['vanishes', (socket: WebSocket) => socket.terminate(), { reason: 'closed', code: 1006 }],
    [
      'breaks the protocol',
      (socket: WebSocket) => {
        (socket as unknown as { _socket: { write(bytes: Buffer): void } })._socket.write(
          Buffer.from([0xff, 0xff]),
        );
      },
      { reason: 'error', code: 1006 },
    ],
  ])('[W2] [W6] leave by themselves when the client %s', async (_what, act, expected) => {
    const it = await house();
    const client = await it.join('ann');
    const [membership] = it.hub.get('ann') as [Membership];
    act(client.socket);
    await until(() => !it.hub.has('ann'));
    expect(membership.active).toBe(false);
    expect(it.told('left')).toMatchObject([{ id: 'ann', ...expected }]);
    await client.isClosed();
    await expect(it.hub.push('ann', 'x')).resolves.toEqual({ status: 'offline', connections: 0 });
  });

  it('[W2] are refused when they are not open', async () => {
    const it = await house({ name: 'chat' });
    const connecting = new WebSocket(it.url);
    connecting.on('error', () => undefined);
    expect(() => it.hub.add('ann', connecting)).toThrow(ConnectionClosedError);
    connecting.terminate();
    const client = await it.join('bob');
    client.socket.terminate();
    await client.isClosed();
    expect(() => it.hub.add('ann', client.socket)).toThrow(
      'Hub "chat" was given a connection that is not open.',
    );
    expect(it.hub.has('ann')).toBe(false);
  });

  it.each([undefined, null, 7, 'socket', {}, { send() {}, close() {} }, new Proxy({}, { get: hostile })])(
    'are refused when they are none: %#',
    async (conn) => {
      const hub = new ConnHub();
      expect(() => hub.add('ann', conn as WebSocket)).toThrow(InvalidOptionsError);
      await expect(hub.attach(conn as WebSocket, { url: '/?id=ann' } as never)).rejects.toThrow('conn: got');
      await hub.close();
    },
  );

  it.each([undefined, null, '', 7, {}, 'x'.repeat(257), '\ud83d', 'a\ude00b'])(
    '[W2] have ids of 1 to 256 characters, and none that is half: %#',
    async (id) => {
      const it = await house();
      const client = await it.join('ok');
      await it.join('ä€'.repeat(128));
      await it.join('😀');
      expect(() => it.hub.add(id as string, client.socket)).toThrow(InvalidIdError);
      expect(() => it.hub.add('ok', client.socket, { groups: [id as string] })).toThrow();
      await expect(it.hub.push(id as string, 'x')).rejects.toBeInstanceOf(InvalidIdError);
      await expect(it.hub.kick(id as string)).rejects.toBeInstanceOf(InvalidIdError);
      await expect(it.hub.presence(id as string)).rejects.toBeInstanceOf(InvalidIdError);
      expect(() => it.hub.join('ok', id as string)).toThrow(InvalidIdError);
    },
  );

  it('[W2] carry what the application says of them', async () => {
    const it = await house<{ device: string }>({
      identify: () => ({ id: 'ann', meta: { device: 'phone' }, groups: ['a', 'b'] }),
    });
    await it.join('whoever');
    const [membership] = it.hub.get('ann') as [Membership<{ device: string }>];
    expect([membership.meta, [...membership.groups]]).toEqual([{ device: 'phone' }, ['a', 'b']]);
    await expect(it.hub.presence('ann')).resolves.toEqual({
      id: 'ann',
      online: true,
      connections: [{ node: it.hub.node, meta: { device: 'phone' } }],
      complete: true,
    });
    await expect(it.hub.presence('bob')).resolves.toEqual({
      id: 'bob',
      online: false,
      connections: [],
      complete: true,
    });
  });

  it('are kicked with a code that means "do not come back"', async () => {
    const it = await house({ onDuplicate: 'multi' });
    const clients = [await it.join('ann'), await it.join('ann')];
    await expect(it.hub.kick('ann')).resolves.toBe(2);
    for (const client of clients) expect(await client.isClosed()).toEqual({ code: 4503, reason: 'kicked' });
    expect(it.told('left').map(({ reason }) => reason)).toEqual(['kicked', 'kicked']);
    await expect(it.hub.kick('ann')).resolves.toBe(0);
    const client = await it.join('ann');
    await it.hub.kick('ann', { code: 3001, reason: 'banned' });
    expect(await client.isClosed()).toEqual({ code: 3001, reason: 'banned' });
    for (const wrong of [{ code: 1006 }, { code: 999 }, { reason: 'x'.repeat(124) }, { cod: 1 }]) {
      await expect(it.hub.kick('ann', wrong as object)).rejects.toBeInstanceOf(InvalidOptionsError);
    }
  });

  it('[W2] are deleted when a visit fails, and only those', async () => {
    const it = await house({ onDuplicate: 'multi' });
    const [first, second, third] = [await it.join('ann'), await it.join('ann'), await it.join('ann')];
    const visited: unknown[] = [];
    it.hub.connections.get('ann', (conn) => {
      visited.push(conn);
      if (conn === it.sockets[0]) throw new Error('no');
      return conn === it.sockets[1] ? Promise.reject(new Error('later')) : 'fine';
    });
    expect(visited).toEqual(it.sockets);
    expect(await first.isClosed()).toEqual({ code: 1000, reason: '' });
    expect(await second.isClosed()).toEqual({ code: 1000, reason: '' });
    expect([third.closed, it.hub.get('ann').length]).toEqual([undefined, 1]);
    expect(it.hub.connections.get('nobody', () => visited.push('never'))).toEqual([]);
    expect(visited).toHaveLength(3);
  });

  it('[W2] may be deleted from inside a visit', async () => {
    const it = await house({ onDuplicate: 'multi' });
    const clients = [await it.join('ann'), await it.join('ann')];
    let visits = 0;
    it.hub.connections.get('ann', () => {
      visits += 1;
      it.hub.delete('ann');
      throw new Error('too');
    });
    for (const client of clients) await client.isClosed();
    expect([visits, it.hub.size, it.told('left').length, it.told('offline').length]).toEqual([2, 0, 2, 1]);
  });
});

function thrownBy(act: () => unknown): unknown {
  try {
    return act();
  } catch (error) {
    return error;
  }
}

function hostile(): never {
  throw new Error('do not touch');
}
