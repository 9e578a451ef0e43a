import { jest } from '@jest/globals';
import { connect } from '@nats-io/transport-node';
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { InvalidOptionsError } from 'nestjs-conn-pool/core';
import { BackplaneError, ConnHub, type ConnHubOptions, type Delivery } from 'nestjs-conn-pool/hub';
import { natsBackplane, type NatsBackplaneOptions } from 'nestjs-conn-pool/nats';
import { fleet, type Fleet, Line, OFFLINE } from './fleet.js';
import { QUICK } from './servers/backplanes.js';
import { NatsProcess } from './servers/nats-process.js';
import { describeWith } from '../describe-with.js';
import { until } from './until.js';

describeWith(['nats-server'], 'instances of a hub over NATS', () => {
  jest.setTimeout(60_000);
  let nats: NatsProcess;
  const open: { close(): Promise<unknown> }[] = [];

  beforeAll(async () => void (nats = await NatsProcess.start()));
  afterAll(() => nats.remove());
  afterEach(async () => void (await Promise.all(open.splice(0).map((each) => each.close()))));

  async function started(count: number, options: ConnHubOptions = {}): Promise<Fleet> {
    const made = fleet(count, () => natsBackplane({ ...QUICK, url: nats.url }), options);
    open.push(made);
    await Promise.all(made.hubs.map((hub) => hub.start()));
    return made;
  }
  /** A hub, and what its start was rejected with. */
  async function refused(options: NatsBackplaneOptions): Promise<unknown> {
    const hub = new ConnHub({ name: 'chat', backplane: natsBackplane({ ...QUICK, ...options }) });
    try {
      return await hub.start().then(
        () => 'it was let in',
        (error: unknown) => error,
      );
    } finally {
      await hub.close();
    }
  }
  const isAt = async (hub: ConnHub, id: string, node: string | undefined): Promise<boolean> =>
    (await hub.presence(id)).connections[0]?.node === node;

  it('are refused at once with a wrong password or token, which is not told', async () => {
    for (const [login, wrong] of [
      ['user:right-secret', 'user:wrong-secret@'],
      ['user:right-secret', ''],
      ['right-secret', 'wrong-secret@'],
    ] as const) {
      const locked = await NatsProcess.start(login);
      try {
        const error = await refused({ url: `nats://${wrong}127.0.0.1:${locked.port}` });
        expect(error).toBeInstanceOf(BackplaneError);
        expect(String(error)).toMatch(
          /Hub "chat" cannot use its backplane: NATS refuses it: .*Authorization Violation/i,
        );
        expect(String(error)).not.toMatch(/secret/);
        expect(await refused({ url: locked.url })).toBe('it was let in');
      } finally {
        await locked.remove();
      }
    }
  });

  it('are refused at once when they may not listen', async () => {
    const weak = await NatsProcess.start(
      '',
      'authorization { users: [{ user: weak, password: s, permissions: { subscribe: "other.>" } }] }',
    );
    open.push({ close: () => weak.remove() });
    expect(String(await refused({ url: `nats://weak:s@127.0.0.1:${weak.port}` }))).toMatch(
      /NATS refuses it: .*permissions violation/i,
    );
  });

  it('are refused at once by what is no NATS', async () => {
    const other = createServer((socket) => socket.end('220 mail.example ESMTP\r\n')).listen(0, '127.0.0.1');
    await once(other, 'listening');
    const { port } = other.address() as AddressInfo;
    expect(String(await refused({ url: `nats://127.0.0.1:${port}` }))).toMatch(/NATS refuses it: unexpected/);
    other.close();
  });

  it('refuse what NATS does not take in one message, and go on', async () => {
    const { hubs: [a] = [], join } = await started(2, { maxMessageBytes: 4 * 1024 * 1024 });
    const line = join(1, 'ann');
    await until(() => isAt(a!, 'ann', 'n1'));
    const pushed = ['before', 'x'.repeat(1024 * 1024), 'after'].map((text) => a!.push('ann', text));
    await expect(Promise.all(pushed)).resolves.toMatchObject([
      { status: 'forwarded' },
      { status: 'refused', reason: 'backplane' },
      { status: 'forwarded' },
    ]);
    expect(line.heard).toEqual(['before', 'after']);
  });

  it('refuse options that are none, without showing a password', async () => {
    for (const options of [
      {},
      { url: 'localhost:4222' },
      { url: 'http://:secret@localhost' },
      { url: 'nats://a:1,redis://:secret@b' },
      { url: 'nats://localhost', client: async () => new Line() as never },
      { url: 'nats://localhost', lease: 0, probe: 'x', timeout: Infinity, prefix: 'a b' },
      { url: 'nats://localhost', prefix: 'a.' },
    ]) {
      const make = (): unknown => natsBackplane(options as NatsBackplaneOptions);
      expect(make).toThrow(InvalidOptionsError);
      expect(make).not.toThrow(/secret/);
    }
    expect(await refused({ url: `nats://127.0.0.1:1,${nats.url}`, prefix: 'my.hubs' })).toBe('it was let in');
  });

  it('meet only those of the same prefix', async () => {
    const hubs = ['one', 'one', 'two'].map((prefix, at) => {
      const backplane = natsBackplane({ ...QUICK, url: nats.url, prefix });
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
    const { hubs: [a] = [], join } = await started(2);
    const line = join(1, 'ann');
    await until(() => isAt(a!, 'ann', 'n1'));
    const client = await connect({ servers: `127.0.0.1:${nats.port}` });
    const kinds = ['f', 'w', 'r', 'k', 'c', 'd', 'l', '?'];
    const junk = [
      'x',
      '7',
      'null',
      '[]',
      '["q"]',
      '["b"]',
      '["q",7,[]]',
      '["b",7,[]]',
      '["q","s",7,null,[]]',
    ];
    for (const kind of kinds) {
      junk.push(`["q","s",[1,"${kind}"]]`, `["q","s",[1,"${kind}",null,{},["text",0]]]`);
      junk.push(`["q","n1",[1,"${kind}","1",5]]`, `["q","s",["1","${kind}",1,null,["text",0,"no"]]]`);
    }
    for (const kind of ['a', 'n', 't', 'i', 'e', 'p', 'j', '?']) {
      junk.push(`["b","s",["${kind}"]]`, `["b","s",["${kind}",null,{}]]`, `["b","s",["${kind}","bob","1"]]`);
    }
    for (const kind of ['c', 'n', 'y']) junk.push(`["${kind}"]`, `["${kind}",7]`, `["${kind}","s",1,2]`);
    for (const subject of ['u.YW5u', 'l.YW5u', 'n.n1', 'n.n0', 'all', 'r.n0.1', 'r.n0.']) {
      for (const text of junk) client.publish(`hub.chat.${subject}${subject.endsWith('.') ? 'x' : ''}`, text);
    }
    await client.flush();
    await client.close();
    await expect(a!.push('ann', 'fine')).resolves.toMatchObject({ status: 'forwarded' });
    expect(line.heard).toEqual(['fine']);
  });

  it('know who is offline when one of them has gone without a word', async () => {
    // A connection of its own, so that it can break without its hub knowing why.
    const clients: Awaited<ReturnType<typeof connect>>[] = [];
    const made = fleet(3, () =>
      natsBackplane({
        ...QUICK,
        client: async () => {
          if (clients.length >= 3) throw new Error('not again');
          const client = await connect({ servers: `127.0.0.1:${nats.port}`, reconnect: false });
          clients.push(client);
          return client;
        },
      }),
    );
    open.push(made);
    for (const hub of made.hubs) await hub.start();
    for (let i = 0; i < 1200; i += 1) made.join(0, `id-${i}`);
    made.join(0, 'moved');
    await until(() => isAt(made.hubs[1]!, 'moved', 'n0'));
    await clients[0]!.close();
    // NATS forgets it as soon as it sees the end of the connection; what is pushed before that nobody confirms.
    const unconfirmed = { status: 'refused', connections: 0, reason: 'unconfirmed' };
    let said: Delivery | undefined;
    await until(async () => {
      said = await made.hubs[1]!.push('id-7', 'x');
      return JSON.stringify(said) !== JSON.stringify(unconfirmed);
    });
    expect(said).toEqual(OFFLINE);
    made.join(2, 'moved');
    const gone = (): string[] =>
      made.told
        .slice(1)
        .flat()
        .filter((line) => line.startsWith('offline'));
    await until(() => gone().length >= 1200);
    expect(new Set(gone()).size).toBe(1200);
    expect(gone()).not.toContain('offline moved');
  });
});
