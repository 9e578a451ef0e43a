import { AsyncLocalStorage } from 'node:async_hooks';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import net, { type Socket } from 'node:net';
import { type Duplex, PassThrough } from 'node:stream';
import tls from 'node:tls';
import { filter, firstValueFrom, map } from 'rxjs';
import type { IdleData } from 'nestjs-conn-pool/net';
import { loopback } from './loopback.js';
import { countingConnections, type Peer, refusing, type Script, silent } from './peers.js';
import { ask, inTime, readAll, readLine, rejection } from './talk.js';
import { until } from './until.js';

const pem = (name: string): Buffer => readFileSync(new URL(`../faults/tls/${name}`, import.meta.url));
const certificate = { key: pem('self-signed.key'), cert: pem('self-signed.pem') };

async function connectTo({ port }: Peer): Promise<Socket> {
  const socket = net.connect({ port, host: '127.0.0.1' });
  await once(socket, 'connect');
  return socket;
}

const greeting: Script = (socket, number) => {
  socket.write('220 hello\n');
  countingConnections(socket, number);
};

describe('what has come before the dialer gave the connection', () => {
  const { pool, peer } = loopback();

  const ways: [string, (socket: Socket) => Promise<unknown>][] = [
    ['waits to be read', (socket) => once(socket, 'readable')],
    [
      'was put back',
      async (socket) => {
        const [greeted] = (await once(socket, 'data')) as [Buffer];
        socket.pause();
        socket.unshift(greeted);
      },
    ],
  ];
  const all = ways.flatMap(([what, wait]) =>
    (['destroy', 'discard', 'keep'] as const).map((idleData) => [what, idleData, wait] as const),
  );

  it.each(all)('[V2] and %s is its first borrower’s, with idleData: %s', async (_, idleData, wait) => {
    const remote = await peer(greeting);
    const sockets = pool(through(remote, wait, idleData));
    const socket = await sockets.dial('tcp', remote.address);
    expect(await inTime(readLine(socket))).toBe('220 hello');
    expect(await ask(socket, 'a')).toBe('1:a');
    await socket.close();
    using lease = await sockets.acquire('tcp', remote.address, { fresh: true });
    expect(await inTime(readLine(lease.conn))).toBe('220 hello');
    expect(await ask(lease.conn, 'a')).toBe('2:a');
  });

  it('[V2] is read also when the peer has ended the connection behind it', async () => {
    const remote = await peer((socket) => void socket.end('421 too many\n'));
    const sockets = pool(through(remote, (socket) => once(socket, 'readable'), 'destroy'));
    const socket = await sockets.dial('tcp', remote.address);
    expect(await inTime(readAll(socket))).toBe('421 too many\n');
    await until(() => sockets.size === 0);
  });

  it('[V2] [V16] is data that arrived while idle, if nobody waits for the connection any more', async () => {
    const remote = await peer(greeting);
    const abort = new AbortController();
    const wait = async (socket: Socket): Promise<void> => {
      await once(socket, 'readable');
      abort.abort();
    };
    const sockets = pool(through(remote, wait, 'destroy'));
    await rejection(sockets.dial('tcp', remote.address, { signal: abort.signal }));
    await until(() => sockets.size === 0);
    expect(sockets.stats().totals).toMatchObject({ dialed: 1, lost: 1 });
  });

  function through(remote: Peer, wait: (socket: Socket) => Promise<unknown>, idleData: IdleData): object {
    const dial = async (): Promise<Socket> => {
      const socket = await connectTo(remote);
      await wait(socket);
      return socket;
    };
    return { dialer: { dial }, idleData };
  }
});

describe('a stream that the dialer gives', () => {
  const { pool, peer } = loopback();

  it('[V2] a second time, while it is in the pool, is a failed dial', async () => {
    const stream = new PassThrough();
    const sockets = pool({ dialer: { dial: () => stream }, dialBackoff: { initial: 1, max: 1 } });
    const held = await sockets.dial('tcp', 'nowhere:1');
    expect(await rejection(sockets.dial('tcp', 'nowhere:1', { timeout: 50 }))).toMatchObject({
      cause: expect.objectContaining({ message: expect.stringContaining('in use already') }),
    });
    expect(await ask(held, 'mine')).toBe('mine');
    await held.close();
    // It is not for ever.
    expect(sockets.get({ network: 'tcp', address: 'nowhere:1' })).toBe(stream);
    await (await sockets.dial('tcp', 'nowhere:1')).close();
    expect(sockets.stats().idle).toBe(1);
  });

  it('[V2] and fails when it is given back: close() rejects with what it says', async () => {
    const stream = new PassThrough();
    const sockets = pool({ dialer: { dial: () => stream } });
    const socket = await sockets.dial('tcp', 'nowhere:1');
    Object.defineProperty(stream, 'timeout', {
      get: () => {
        throw new Error('timeout failed');
      },
    });
    expect((await rejection(socket.close())).message).toBe('timeout failed');
    expect(sockets.stats()).toMatchObject({ leased: 0, idle: 0 });
  });

  it('[V2] and fails when it is set up as before: close() rejects, and nobody has it any more', async () => {
    const stream = Object.assign(new PassThrough(), { setNoDelay: (): void => undefined });
    const sockets = pool({ dialer: { dial: () => stream } });
    const socket = (await sockets.dial('tcp', 'nowhere:1')).setNoDelay(false);
    stream.setNoDelay = () => {
      throw new Error('setNoDelay failed');
    };
    expect((await rejection(socket.close())).message).toBe('setNoDelay failed');
    expect([sockets.stats().leased, sockets.stats().idle, stream.destroyed]).toEqual([0, 0, true]);
  });

  it('[V2] and fails when it is to let the process go: it is lost, with what it says', async () => {
    const stream = Object.assign(new PassThrough(), { ref: () => stream, unref: () => stream });
    const sockets = pool({ dialer: { dial: () => stream } });
    const context = new AsyncLocalStorage<string>();
    const lost = firstValueFrom(
      sockets.events$.pipe(
        filter(({ type }) => type === 'lost'),
        map((event) => ({ ...event, within: context.getStore() })),
      ),
    );
    const socket = await sockets.dial('tcp', 'nowhere:1');
    stream.unref = () => {
      throw new Error('unref failed');
    };
    await context.run("one user's", () => socket.close());
    expect(await lost).toMatchObject({
      cause: new Error('unref failed'),
      leased: false,
      within: undefined,
    });
    expect(stream.destroyed).toBe(true);
  });

  it('[V2] to two dials at once goes to one of them', async () => {
    const given = Promise.resolve(new PassThrough());
    const sockets = pool({ dialer: { dial: () => given } });
    const dials = await Promise.allSettled(
      [1, 2].map(() => sockets.dial('tcp', 'nowhere:1', { timeout: 500 })),
    );
    expect(dials.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
    expect(sockets.stats()).toMatchObject({ leased: 1, size: 1 });
  });

  it('[V2] and that connects still is waited for', async () => {
    const remote = await peer(countingConnections);
    const sockets = pool({ dialer: { dial: () => net.connect(remote.port, '127.0.0.1') } });
    await using socket = await sockets.dial('tcp', remote.address);
    expect([socket.remotePort, await ask(socket, 'a')]).toEqual([remote.port, '1:a']);
  });

  it('[V2] and that connects still, in vain, is a failed dial', async () => {
    const port = Number((await refusing()).split(':')[1]);
    const sockets = pool({ dialer: { dial: () => net.connect(port, '127.0.0.1') } });
    expect(await rejection(sockets.dial('tcp', 'device:1'))).toMatchObject({
      code: 'ERR_DIAL',
      cause: { code: 'ECONNREFUSED' },
    });
  });

  it('[V2] and whose TLS handshake is not over is waited for', async () => {
    const remote = await peer(countingConnections, { tls: certificate });
    const connect = (ca?: Buffer): tls.TLSSocket =>
      tls.connect({ port: remote.port, host: '127.0.0.1', servername: 'localhost', ca });
    const sockets = pool({ dialer: { dial: () => connect(certificate.cert) } });
    await using socket = await sockets.dial('tls', remote.address);
    expect([socket.authorized, await ask(socket, 'a')]).toEqual([true, '1:a']);
    const distrustful = pool({ dialer: { dial: () => connect() } });
    expect(await rejection(distrustful.dial('tls', remote.address))).toMatchObject({
      permanent: true,
      cause: { code: 'DEPTH_ZERO_SELF_SIGNED_CERT' },
    });
  });

  it('[V2] and that connects still is given up at connectTimeout', async () => {
    const mute = await peer(silent);
    const made: Socket[] = [];
    const dial = (): Socket => {
      const socket = tls.connect({ port: mute.port, host: '127.0.0.1' });
      made.push(socket);
      return socket;
    };
    const sockets = pool({ dialer: { dial }, connectTimeout: 30 });
    expect(await inTime(rejection(sockets.dial('tls', mute.address)))).toMatchObject({ code: 'ERR_DIAL' });
    await until(() => made[0]?.destroyed === true);
  });

  it('[V2] too late, and that connects still, is closed', async () => {
    const mute = await peer(silent);
    let give: (socket: Duplex) => void = () => undefined;
    const given = new Promise<Duplex>((resolve) => (give = resolve));
    const sockets = pool({ dialer: { dial: () => given }, connectTimeout: 10 });
    await inTime(rejection(sockets.dial('tls', mute.address)));
    const late = tls.connect({ port: mute.port, host: '127.0.0.1' });
    give(late);
    await until(() => late.destroyed, 5000).finally(() => late.destroy());
  });

  it('[V2] and that is paused is read all the same', async () => {
    const remote = await peer(countingConnections);
    const sockets = pool({ dialer: { dial: async () => (await connectTo(remote)).pause() } });
    await using socket = await sockets.dial('tcp', remote.address);
    expect(await inTime(ask(socket, 'a'))).toBe('1:a');
  });

  it.each<[string, (stream: Duplex) => void]>([
    ['corked', (stream) => stream.cork()],
    ['encoding', (stream) => stream.setEncoding('latin1')],
    ["'readable'", (stream) => stream.on('readable', () => undefined)],
  ])('[V2] and that nobody could use as it is is a failed dial that says why: %s', async (why, spoil) => {
    const dial = (): Duplex => {
      const stream = new PassThrough();
      spoil(stream);
      return stream;
    };
    const sockets = pool({ dialer: { dial } });
    const error = await rejection(sockets.dial('tcp', 'nowhere:1'));
    expect(error).toMatchObject({ code: 'ERR_DIAL' });
    expect(error.message).toContain(why);
  });
});

describe('a host that is slow to be rewritten', () => {
  const { pool, peer, dialled } = loopback();

  it.each(['connectTimeout', 'close'] as const)(
    '[V3] is not dialled any more after the end: %s',
    async (end) => {
      const remote = await peer(silent);
      for (const network of ['tcp', 'tls', 'udp'] as const) {
        let rewritten: (address: string) => void = () => undefined;
        const host = (): Promise<string> => new Promise((resolve) => (rewritten = resolve));
        const sockets = pool({ host, connectTimeout: end === 'close' ? '10s' : 20 });
        const dialling = rejection(sockets.dial(network, 'device:1'));
        if (end === 'close') await sockets.close({ drain: 0 });
        await inTime(dialling);
        rewritten(remote.address);
        await new Promise((resolve) => setImmediate(resolve));
      }
      expect(dialled).toHaveLength(0);
      // What had been dialled before would have come before.
      (await connectTo(remote)).destroy();
      await until(() => remote.accepted.length > 0);
      expect(remote.accepted).toHaveLength(1);
    },
  );

  it('[V2] [V3] is not given to the dialer any more', async () => {
    let rewritten: (address: string) => void = () => undefined;
    const asked: string[] = [];
    const sockets = pool({
      host: () => new Promise((resolve) => (rewritten = resolve)),
      dialer: { dial: (_, address) => (asked.push(address), new PassThrough()) },
      connectTimeout: 20,
    });
    await inTime(rejection(sockets.dial('tcp', 'device:1')));
    rewritten('elsewhere:1');
    await new Promise((resolve) => setImmediate(resolve));
    expect(asked).toEqual([]);
  });
});
