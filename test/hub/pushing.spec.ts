import { inspect } from 'node:util';
import { runInNewContext } from 'node:vm';
import { ConnHub, InvalidIdError } from 'nestjs-conn-pool/hub';
import { InvalidOptionsError } from 'nestjs-conn-pool/core';
import { Line } from './fleet.js';
import { houses } from './houses.js';
import { until } from './until.js';

describe('a push', () => {
  const house = houses();

  it('[W3] tells when nobody has the id', async () => {
    const it = await house();
    await expect(it.hub.push('nobody', 'x')).resolves.toEqual({ status: 'offline', connections: 0 });
    expect(it.hub.stats().totals.pushed).toMatchObject({ offline: 1, sent: 0 });
  });

  it('[W3] reaches its connection in the order of the pushes, however many are made in one turn', async () => {
    const it = await house({ maxQueueMessages: 100 });
    const client = await it.join('ann');
    const count = 5000;
    const deliveries = await Promise.all(Array.from({ length: count }, (_, i) => it.hub.push('ann', `${i}`)));
    expect(deliveries).toEqual(Array(count).fill({ status: 'sent', connections: 1 }));
    expect((await client.hears(count)).map(Number)).toEqual(Array.from({ length: count }, (_, i) => i));
    expect(it.hub.stats()).toMatchObject({ queuedMessages: 0, queuedBytes: 0, totals: { dropped: 0 } });
  });

  it('is one write for all that was pushed in one turn', async () => {
    const it = await house();
    const client = await it.join('ann');
    const { raw } = client;
    let chunks = 0;
    raw.prependListener('data', () => (chunks += 1));
    await Promise.all(Array.from({ length: 100 }, (_, i) => it.hub.push('ann', `${i}`)));
    await client.hears(100);
    expect(chunks).toBe(1);
  });

  it('[W1] [W5] leaves other hubs alone', async () => {
    const chat = await house({ name: 'chat' });
    const news = await house({ name: 'news' });
    const third = await house({ name: 'third' });
    const clients = await Promise.all([chat, news, third].map((it) => it.join('ann')));
    await Promise.all([chat, news, third].map(({ hub }) => hub.push('ann', hub.name)));
    expect(await Promise.all(clients.map((client) => client.hears(1)))).toEqual([
      ['chat\n'],
      ['news\n'],
      ['third\n'],
    ]);
  });

  it('is taken out of the queue by its signal, which is what it rejects with', async () => {
    const it = await house();
    const client = await it.join('ann');
    const abort = new AbortController();
    const reason = new Error('changed my mind');
    const first = it.hub.push('ann', 'first');
    const second = it.hub.push('ann', 'second', { signal: abort.signal });
    const acked = it.hub.push('ann', 'acked', { signal: abort.signal, ack: true });
    const third = it.hub.push('ann', 'third', { signal: new AbortController().signal });
    abort.abort(reason);
    await expect(second).rejects.toBe(reason);
    await expect(acked).rejects.toBe(reason);
    await Promise.all([first, third]);
    expect(await client.hears(2)).toEqual(['first\n', 'third\n']);
    await expect(it.hub.push('ann', 'never', { signal: abort.signal })).rejects.toBe(reason);
    expect(it.hub.stats()).toMatchObject({ queuedBytes: 0, totals: { pushed: { sent: 2 } } });
  });

  it('leaves nothing on its signal', async () => {
    const it = await house();
    await it.join('ann');
    const listeners = new Set<unknown>();
    const { signal } = new AbortController();
    const { addEventListener, removeEventListener } = signal;
    signal.addEventListener = (...of: Parameters<typeof addEventListener>) => {
      listeners.add(of[1]);
      addEventListener.apply(signal, of);
    };
    signal.removeEventListener = (...of: Parameters<typeof removeEventListener>) => {
      listeners.delete(of[1]);
      removeEventListener.apply(signal, of);
    };
    const pushed = it.hub.push('ann', 'x', { signal });
    expect(listeners.size).toBe(1);
    await pushed;
    expect(listeners.size).toBe(0);
  });

  it('refuses options that are none, with all that is wrong', async () => {
    const it = await house({ name: 'chat' });
    await it.join('ann');
    const wrong = { ack: 'yes', binary: 1, key: 2, signal: {}, timeout: 5 } as object;
    const error = (await it.hub
      .push('ann', 'x', wrong)
      .catch((thrown: unknown) => thrown)) as InvalidOptionsError;
    expect(error).toBeInstanceOf(InvalidOptionsError);
    expect(error.message).toMatch(/^Hub "chat" has 5 bad options:/);
    expect(error.problems.map(({ path }) => path).sort()).toEqual([
      'ack',
      'binary',
      'key',
      'signal',
      'timeout',
    ]);
    await expect(it.hub.kick('ann', { code: 999 })).rejects.toThrow('code: got 999; allowed: 1000, or');
  });

  it.each([
    ['except', (hub: ConnHub) => hub.broadcast('x', { except: 'secret' } as object)],
    ['except', (hub: ConnHub) => hub.broadcast('x', { except: ['secret', 7] } as object)],
    ['group', (hub: ConnHub) => hub.broadcast('x', { group: ['secret'] } as object)],
    ['key', (hub: ConnHub) => hub.push('ann', 'x', { key: ['secret'] } as object)],
    ['reason', (hub: ConnHub) => hub.kick('ann', { reason: 'secret '.repeat(30) })],
    ['groups', async (hub: ConnHub) => hub.add('bob', new Line(), { groups: 'secret' as never })],
  ])('keeps ids and names to itself in what it says of options that are none: %s', async (path, act) => {
    const hub = new ConnHub();
    const error: unknown = await act(hub).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(InvalidOptionsError);
    expect(inspect(error, { depth: 9 })).toMatch(
      new RegExp(`${path}: got something of the type .*; allowed: a`),
    );
    expect(inspect(error, { depth: 9 })).not.toContain('secret');
    await hub.close();
  });

  it('refuses what JSON would make nothing of, without a word', async () => {
    const hub = new ConnHub();
    hub.add('ann', new Line());
    const nothing = [
      new Error('secret'),
      /secret/,
      new WeakMap(),
      new WeakSet(),
      runInNewContext('new Error()'),
    ];
    for (const data of nothing as object[]) {
      await expect(hub.push('ann', data)).rejects.toThrow(
        /cannot push this: JSON cannot hold an? [EWR]\w+\. Push/,
      );
    }
    const told = Object.assign(new Error('x'), { toJSON: () => ({ told: true }) });
    await expect(hub.push('ann', told)).resolves.toMatchObject({ status: 'sent' });
    await expect(hub.push('ann', new (class Empty {})())).resolves.toMatchObject({ status: 'sent' });
    await hub.close();
  });

  it('goes to no group that there cannot be', async () => {
    const hub = new ConnHub({ name: 'chat' });
    for (const group of ['', 'g'.repeat(257)]) {
      await expect(hub.broadcast('x', { group })).rejects.toThrow(InvalidIdError);
    }
    await expect(hub.broadcast('x', { group: 'g'.repeat(256) })).resolves.toMatchObject({ connections: 0 });
    expect(hub.stats().totals.broadcasts).toBe(1);
    await hub.close();
  });

  it('[W7] is refused once the hub is closing', async () => {
    const it = await house();
    await it.join('ann');
    const closing = it.hub.close();
    const refused = { status: 'refused', connections: 0, reason: 'closed' };
    await expect(it.hub.push('ann', 'x')).resolves.toEqual(refused);
    await expect(it.hub.push('ann', 'x', { ack: true })).resolves.toEqual({ ...refused, acked: false });
    await closing;
    await expect(it.hub.push('nobody', 'x')).resolves.toEqual(refused);
    await expect(it.hub.broadcast('x')).resolves.toEqual({ connections: 0, refused: 0, forwarded: false });
  });

  it('goes out before the good-bye, when both are said in one turn', async () => {
    const it = await house();
    const client = await it.join('ann');
    const pushed = it.hub.push('ann', 'last words');
    it.hub.delete('ann');
    await expect(pushed).resolves.toEqual({ status: 'sent', connections: 1 });
    await client.isClosed();
    expect(client.heard).toEqual(['last words\n']);
  });

  it('tells that the connection is gone, when it was found dead by the write', async () => {
    const it = await house();
    await it.join('ann');
    const socket = it.sockets[0] as unknown as { _socket: { destroy(): void } };
    const pushed = it.hub.push('ann', 'x');
    socket._socket.destroy();
    await expect(pushed).resolves.toEqual({ status: 'refused', connections: 0, reason: 'closed' });
    await until(() => !it.hub.has('ann'));
    expect(it.told('dropped')).toMatchObject([{ id: 'ann', reason: 'closed', messages: 1 }]);
  });
});

describe('a push with an acknowledgement', () => {
  const house = houses();

  it('travels with a number, and resolves when the client has acknowledged it', async () => {
    const it = await house();
    const client = await it.join('ann');
    const first = it.hub.push('ann', { text: 'hi' }, { ack: true });
    const second = it.hub.push('ann', 'plain', { ack: true });
    const third = it.hub.push('ann', Buffer.from([255, 0]), { ack: true, binary: true });
    const fourth = it.hub.push('ann', Buffer.from('utf8 "é"'), { ack: true });
    expect(await client.hears(4)).toEqual([
      '{"offset":1,"data":{"text":"hi"}}\n',
      '{"offset":2,"data":"plain"}\n',
      '{"offset":3,"base64":"/wA="}\n',
      '{"offset":4,"data":"utf8 \\"é\\""}\n',
    ]);
    client.socket.send('{"ack":2}');
    const acked = { status: 'sent', connections: 1, acked: true };
    await expect(first).resolves.toEqual(acked);
    await expect(second).resolves.toEqual(acked);
    client.socket.send(' { "ack" : 4 }\n');
    await expect(third).resolves.toEqual(acked);
    await expect(fourth).resolves.toEqual(acked);
    expect(it.hub.stats().totals).toMatchObject({ acked: 4, pushed: { sent: 4 } });
  });

  it('says so when no acknowledgement comes within ackTimeout', async () => {
    const it = await house({ ackTimeout: 30 });
    const client = await it.join('ann');
    await expect(it.hub.push('ann', 'x', { ack: true })).resolves.toEqual({
      status: 'sent',
      connections: 1,
      acked: false,
    });
    // Late, and for what has another number.
    client.socket.send('{"ack":1}');
    const next = it.hub.push('ann', 'y', { ack: true });
    await client.hears(2);
    client.socket.send('{"ack":2}');
    await expect(next).resolves.toMatchObject({ acked: true });
  });

  it.each(['closes', 'is deleted', 'is replaced'])('says so when the connection %s', async (how) => {
    const it = await house({ ackTimeout: 0 });
    const client = await it.join('ann');
    const pushed = it.hub.push('ann', 'x', { ack: true });
    await client.hears(1);
    if (how === 'closes') client.socket.terminate();
    else if (how === 'is deleted') it.hub.delete('ann');
    else await it.join('ann');
    await expect(pushed).resolves.toEqual({ status: 'sent', connections: 1, acked: false });
  });

  it('resolves at the first of several connections', async () => {
    const it = await house({ onDuplicate: 'multi' });
    const [first, second] = [await it.join('ann'), await it.join('ann')];
    const pushed = it.hub.push('ann', 'x', { ack: true });
    await Promise.all([first.hears(1), second.hears(1)]);
    second.socket.send('{"ack":1}');
    await expect(pushed).resolves.toEqual({ status: 'sent', connections: 2, acked: true });
    first.socket.send('{"ack":1}');
    const next = it.hub.push('ann', 'y', { ack: true });
    await Promise.all([first.hears(2), second.hears(2)]);
    first.socket.terminate();
    await until(() => it.hub.get('ann').length === 1);
    second.socket.send('{"ack":2}');
    await expect(next).resolves.toEqual({ status: 'sent', connections: 2, acked: true });
    expect(it.hub.stats().totals.pushed).toMatchObject({ sent: 2, refused: 0 });
  });

  it('is not acknowledged in advance', async () => {
    const it = await house({ ackTimeout: 60 });
    const client = await it.join('ann');
    const pushed = it.hub.push('ann', 'x', { ack: true });
    client.socket.send('{"ack":999999999}');
    await expect(pushed).resolves.toMatchObject({ acked: true });
    await expect(it.hub.push('ann', 'y', { ack: true })).resolves.toMatchObject({ acked: false });
  });

  it('tells of nobody, too', async () => {
    const hub = new ConnHub();
    await expect(hub.push('nobody', 'x', { ack: true })).resolves.toEqual({
      status: 'offline',
      connections: 0,
      acked: false,
    });
    await hub.close();
  });
});

describe('a broadcast', () => {
  const house = houses();

  it('reaches everybody, or everybody but some', async () => {
    const it = await house();
    const clients = await Promise.all(['ann', 'bob', 'cat'].map((id) => it.join(id)));
    await expect(it.hub.broadcast('all')).resolves.toEqual({ connections: 3, refused: 0, forwarded: false });
    await expect(it.hub.broadcast({ but: 'bob' }, { except: ['bob', 'nobody'] })).resolves.toMatchObject({
      connections: 2,
    });
    await it.hub.broadcast(Buffer.from([1]), { binary: true });
    await until(() => clients.every(({ binary }) => binary.length === 1));
    expect(clients.map(({ heard }) => heard.length)).toEqual([2, 1, 2]);
    expect(clients[0]?.heard).toEqual(['all\n', '{"but":"bob"}\n']);
  });

  it('reaches a group, whose members come and go', async () => {
    const it = await house({ onDuplicate: 'multi' });
    const [ann, bob] = [await it.join('ann'), await it.join('bob')];
    const { hub } = it;
    expect([hub.join('ann', 'g'), hub.join('bob', 'g'), hub.join('nobody', 'g')]).toEqual([
      true,
      true,
      false,
    ]);
    expect(hub.stats().groups).toBe(1);
    await expect(hub.broadcast('1', { group: 'g' })).resolves.toMatchObject({ connections: 2 });
    expect([hub.leave('bob', 'g'), hub.leave('nobody', 'g')]).toEqual([true, false]);
    await expect(hub.broadcast('2', { group: 'g' })).resolves.toMatchObject({ connections: 1 });
    await expect(hub.broadcast('3', { group: 'other' })).resolves.toMatchObject({ connections: 0 });
    hub.delete('ann');
    await expect(hub.broadcast('4', { group: 'g' })).resolves.toMatchObject({ connections: 0 });
    expect(hub.stats().groups).toBe(0);
    await it.join('ann');
    expect([...hub.get('ann')[0]!.groups]).toEqual([]);
    expect([await ann.hears(2), await bob.hears(1)]).toEqual([['1\n', '2\n'], ['1\n']]);
  });

  it('keeps the order with pushes', async () => {
    const it = await house();
    const clients = await Promise.all(['ann', 'bob'].map((id) => it.join(id)));
    await Promise.all([
      it.hub.broadcast('1'),
      it.hub.push('ann', '2'),
      it.hub.broadcast('3'),
      it.hub.broadcast('4'),
      it.hub.push('bob', '5'),
      it.hub.broadcast('6'),
    ]);
    expect(await clients[0]?.hears(5)).toEqual(['1\n', '2\n', '3\n', '4\n', '6\n']);
    expect(await clients[1]?.hears(5)).toEqual(['1\n', '3\n', '4\n', '5\n', '6\n']);
  });

  it('goes to many connections, of every kind, in one turn', async () => {
    const it = await house({}, { perMessageDeflate: { threshold: 0 } });
    const clients = await Promise.all(
      Array.from({ length: 40 }, (_, i) => it.join(`${i}`, { perMessageDeflate: i % 4 === 0 })),
    );
    const results = await Promise.all(Array.from({ length: 10 }, (_, i) => it.hub.broadcast(`${i} é`)));
    expect(results.every(({ connections }) => connections === 40)).toBe(true);
    for (const client of clients) {
      expect(await client.hears(10)).toEqual(Array.from({ length: 10 }, (_, i) => `${i} é\n`));
    }
  });

  it('does not hold the event loop for all of a large fan-out', async () => {
    const it = await house();
    const clients = await Promise.all(Array.from({ length: 100 }, (_, i) => it.join(`${i}`)));
    // A slow socket, as far as the machine is concerned.
    for (const socket of it.sockets) {
      const { _socket: raw } = socket as unknown as { _socket: { write(...of: unknown[]): boolean } };
      const write = raw.write.bind(raw);
      raw.write = (...of) => {
        const end = performance.now() + 1;
        while (performance.now() < end);
        return write(...of);
      };
    }
    let turns = 0;
    const count = (): void => void ((turns += 1), (counting = setImmediate(count)));
    let counting = setImmediate(count);
    await it.hub.broadcast('x');
    clearImmediate(counting);
    expect(turns).toBeGreaterThanOrEqual(4);
    for (const client of clients) await client.hears(1);
  });
});
