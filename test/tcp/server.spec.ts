import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { jest } from '@jest/globals';
import {
  InvalidPackageSizeError,
  InvalidTcpOptionsError,
  loadKeyCert,
  TcpConn,
  TcpServer,
  TcpServerError,
  tcpSendRecv,
  tcpSendRecvPkg,
} from 'nestjs-conn-pool/tcp';
import { inTime, rejection, thrown } from '../net/talk.js';
import { until } from '../net/until.js';
import { certificates } from './certificates.js';
import { loopback } from './loopback.js';

const text = async (bytes: Promise<Buffer>): Promise<string> => String(await inTime(bytes));

const thrower = (): never => {
  throw new Error('worse');
};

/** With timers that stand still. */
const turns = async (isDone: () => boolean): Promise<void> => {
  for (let turn = 0; turn < 100_000 && !isDone(); turn += 1)
    await new Promise((resolve) => setImmediate(resolve));
  expect(isDone()).toBe(true);
};

const echoPackages = async (conn: TcpConn): Promise<void> => {
  for await (const data of conn.packages()) await conn.sendPkg(data);
};

describe('a server', () => {
  const { server, connect: dial, pool } = loopback();

  it('[G17] serves each connection with its handler, and knows its port and address', async () => {
    const served = await server(echoPackages);
    expect(served.port).toBeGreaterThan(0);
    expect(served.address).toBe(`127.0.0.1:${served.port}`);
    const conns = await Promise.all([1, 2, 3].map(() => dial(served.address)));
    const answers = await Promise.all(conns.map((conn, number) => text(conn.sendRecvPkg(`${number}`))));
    expect(answers).toEqual(['0', '1', '2']);
    expect(served.connections).toBe(3);
  });

  it('[G17] is not listening before listen() and after close()', async () => {
    const served = new TcpServer({ address: '127.0.0.1:0', handler: echoPackages });
    expect([served.port, served.address, served.connections]).toEqual([-1, '127.0.0.1:0', 0]);
    expect(await served.listen()).toBe(served);
    const { port } = served;
    expect(await served.listen()).toBe(served);
    expect(served.port).toBe(port);
    expect(await served.close()).toEqual({ closed: 0, forced: 0 });
    expect([served.port, served.connections]).toEqual([-1, 0]);
    expect(await rejection(TcpConn.connect(`127.0.0.1:${port}`))).toMatchObject({ code: 'ECONNREFUSED' });
    expect(await served.close()).toEqual({ closed: 0, forced: 0 });
    await served.listen();
    expect(await text(tcpSendRecvPkg(served.address, 'again'))).toBe('again');
    await served.close();
  });

  it('[G17] without a handler it does not start, and may be given one', async () => {
    const served = new TcpServer({ address: '127.0.0.1:0' });
    const error = await rejection(served.listen());
    expect(error).toBeInstanceOf(InvalidTcpOptionsError);
    expect(error.message).toMatch(/TcpServer was given a bad option:\n {2}handler: got undefined/);
    await served.setHandler(echoPackages).listen();
    expect(await text(tcpSendRecvPkg(served.address, 'a'))).toBe('a');
    await served.close();
    expect(() => served.setHandler(7 as never)).toThrow(InvalidTcpOptionsError);
  });

  it('[G17] listens on every address of the machine', async () => {
    const served = await server(echoPackages, { address: ':0' });
    expect(served.address).toBe(`:${served.port}`);
    expect(await text(tcpSendRecvPkg(`127.0.0.1:${served.port}`, 'a'))).toBe('a');
  });

  it('[G17] listens on IPv6', async () => {
    const served = await server(echoPackages, { address: '[::1]:0' });
    expect(served.address).toBe(`[::1]:${served.port}`);
    expect(await text(tcpSendRecvPkg(served.address, 'a'))).toBe('a');
  });

  it('[G17] tells when its address is taken', async () => {
    const one = await server(echoPackages);
    const other = new TcpServer({ address: one.address, handler: echoPackages });
    const error = await rejection(other.listen());
    expect(error).toBeInstanceOf(TcpServerError);
    expect(error).toMatchObject({
      code: 'ERR_TCP_SERVER',
      address: one.address,
      cause: { code: 'EADDRINUSE' },
    });
    expect(other.port).toBe(-1);
    await one.close();
    await other.listen();
    await other.close();
  });

  it.each([
    [{ address: 'nowhere' }, /address: got "nowhere"; allowed: host:port, \[v6\]:port or :port/],
    [{}, /address: got undefined/],
    [{ address: '127.0.0.1:70000' }, /address/],
    [{ address: '[1]:80' }, /address/],
    [{ address: ':0', handler: 7 }, /handler: got 7; allowed: a function/],
    [{ address: ':0', onError: 'x' }, /onError/],
    [{ address: ':0', tls: 7 }, /tls/],
    [{ address: ':0', maxConnections: 0 }, /maxConnections/],
    [{ address: ':0', drain: -1 }, /drain/],
    [{ address: ':0', name: 'x' }, /name: no option of this name/],
    [7, /options: got 7/],
  ])('[G17] refuses %p', (options, message) => {
    const error = thrown(() => new TcpServer(options as never));
    expect(error).toBeInstanceOf(InvalidTcpOptionsError);
    expect(error.message).toMatch(message);
  });

  it('[G17] closes the connection when its handler is done', async () => {
    const served = await server(async (conn) => {
      await conn.send('bye');
    });
    const conn = await dial(served.address);
    expect(await text(conn.recv(3))).toBe('bye');
    expect(await rejection(inTime(conn.recv(1)))).toMatchObject({ code: 'ERR_EOF' });
    await until(() => served.connections === 0);
  });

  it('[G17] answers a peer that has ended its side', async () => {
    const served = await server(async (conn) => {
      const lines: string[] = [];
      for await (const line of conn.lines()) lines.push(String(line));
      await conn.send(lines.join('+'));
    });
    const socket = connect(served.port, '127.0.0.1');
    socket.end('one\ntwo\n');
    const [answer] = (await once(socket, 'data')) as [Buffer];
    expect(String(answer)).toBe('one+two');
    await once(socket, 'close');
  });

  it('refuses more connections than it may have', async () => {
    const served = await server(echoPackages, { maxConnections: 1 });
    const first = await dial(served.address);
    expect(await text(first.sendRecvPkg('a'))).toBe('a');
    const second = await dial(served.address);
    await rejection(inTime(second.recvPkg()));
    expect(await text(first.sendRecvPkg('b'))).toBe('b');
  });

  it('serves a pool', async () => {
    const served = await server(echoPackages);
    const pooled = pool();
    for (let round = 0; round < 3; round += 1) {
      await using conn = await pooled.get(served.address);
      expect(await text(conn.sendRecvPkg('a', { timeout: '5s' }))).toBe('a');
    }
    expect(served.connections).toBe(1);
  });

  it('await using closes it', async () => {
    let port: number;
    {
      await using served = await new TcpServer({ address: '127.0.0.1:0', handler: echoPackages }).listen();
      ({ port } = served);
    }
    expect(await rejection(TcpConn.connect(`127.0.0.1:${port}`))).toMatchObject({ code: 'ECONNREFUSED' });
  });
});

describe('what a handler throws', () => {
  const { server, peer, connect: dial } = loopback();

  it.each<[string, () => unknown]>([
    ['rejects', () => Promise.reject(new Error('no'))],
    [
      'throws',
      () => {
        throw new Error('no');
      },
    ],
  ])('[G17] is told, and ends its connection only: %s', async (_what, fail) => {
    const errors: unknown[][] = [];
    const served = await server(
      async (conn) => {
        for await (const data of conn.packages()) {
          if (String(data) === 'fail') await fail();
          await conn.sendPkg(data);
        }
      },
      { onError: (...args) => void errors.push(args) },
    );
    const [good, bad] = [await dial(served.address), await dial(served.address)];
    await bad.sendPkg('fail');
    expect(await rejection(inTime(bad.recvPkg()))).toBeDefined();
    expect(await text(good.sendRecvPkg('a'))).toBe('a');
    await until(() => errors.length === 1);
    expect(errors[0]?.[0]).toMatchObject({ message: 'no' });
    expect(errors[0]?.[1]).toBeInstanceOf(TcpConn);
  });

  it('[G17] is told of a peer that breaks the protocol, but not of one that hangs up', async () => {
    const errors: unknown[] = [];
    const served = await server(
      async (conn) => {
        for (;;) await conn.sendPkg(await conn.recvPkg({ maxDataSize: 10 }));
      },
      { onError: (error) => void errors.push(error) },
    );
    const polite = await dial(served.address);
    expect(await text(polite.sendRecvPkg('a'))).toBe('a');
    await polite.close();
    await until(() => served.connections === 0);
    expect(errors).toEqual([]);
    const rude = await dial(served.address);
    await rude.send(Buffer.from('ffff', 'hex'));
    await until(() => errors.length === 1);
    expect(errors[0]).toBeInstanceOf(InvalidPackageSizeError);
    const hasty = await dial(served.address);
    await hasty.send(Buffer.from('0005ff', 'hex'));
    await hasty.close();
    await until(() => errors.length === 2);
    expect(errors[1]).toMatchObject({ code: 'ERR_EOF', truncated: true });
  });

  /** What handlers fail by that is no fault of their peers. */
  const FAILURES: [string, (addresses: { gone: string; ending: string }) => Promise<unknown>, string][] = [
    [
      'a database that is down',
      ({ gone }) => once(connect(Number(gone.split(':')[1]), '127.0.0.1'), 'connect'),
      'ECONNREFUSED',
    ],
    ['a server that is down', ({ gone }) => tcpSendRecv(gone, 'a', 1), 'ECONNREFUSED'],
    ['a server that hangs up', ({ ending }) => tcpSendRecv(ending, 'a', 1), 'ERR_EOF'],
    [
      'a connection that was closed',
      async ({ ending }) => {
        const other = await TcpConn.connect(ending);
        await other.close();
        await other.send('a');
      },
      'ERR_CONN_CLOSED',
    ],
  ];
  const failing = async (): Promise<{ gone: string; ending: string }> => {
    const gone = await peer();
    const { address } = gone;
    await gone.close();
    return { gone: address, ending: (await peer((socket) => void socket.resume().end())).address };
  };

  it.each(FAILURES)(
    '[G17] is told when it is about another connection than its own: %s',
    async (_what, fail, code) => {
      const errors: unknown[] = [];
      const addresses = await failing();
      const served = await server(() => fail(addresses), { onError: (error) => void errors.push(error) });
      await rejection(inTime((await dial(served.address)).recv(1)));
      await until(() => errors.length === 1);
      expect(errors).toMatchObject([{ code }]);
    },
  );

  describe('when nobody can be told', () => {
    let warn: jest.SpiedFunction<typeof process.emitWarning>;
    beforeEach(() => {
      warn = jest.spyOn(process, 'emitWarning').mockImplementation(() => undefined);
    });
    afterEach(() => warn.mockRestore());

    it('[G17] is a warning, without an onError', async () => {
      const served = await server(() => Promise.reject(new Error('no')));
      const conn = await dial(served.address);
      await rejection(inTime(conn.recv(1)));
      await until(() => warn.mock.calls.length === 1);
      const [text, options] = warn.mock.calls[0] as unknown as [string, object];
      expect(text).toMatch(/^A TcpServer has failed at 127\.0\.0\.1:\d+: Error: no/);
      expect(options).toEqual({ code: 'CONN_POOL_TCP_SERVER' });
    });

    it.each<[string, () => unknown]>([
      ['throws', () => thrower()],
      ['rejects', () => Promise.reject(new Error('worse'))],
    ])('[G17] is a warning, with an onError that %s', async (_what, onError) => {
      const served = await server(() => Promise.reject(new Error('no')), { onError });
      await rejection(inTime((await dial(served.address)).recv(1)));
      await until(() => warn.mock.calls.length === 1);
      expect(String(warn.mock.calls[0]?.[0])).toMatch(/^onError of a TcpServer has failed: Error: worse/);
    });

    it.each(FAILURES)(
      '[G17] is a warning when it is about another connection: %s',
      async (_what, fail, code) => {
        const addresses = await failing();
        const served = await server(() => fail(addresses));
        await rejection(inTime((await dial(served.address)).recv(1)));
        await until(() => warn.mock.calls.length === 1);
        expect(String(warn.mock.calls[0]?.[0])).toContain(code === 'ERR_EOF' ? 'EofError' : 'Error');
      },
    );

    it('[G17] is a warning when it is an answer that is too long', async () => {
      const served = await server((conn) => conn.sendPkg('long', { maxDataSize: 1 }));
      await rejection(inTime((await dial(served.address)).recv(1)));
      await until(() => warn.mock.calls.length === 1);
      expect(String(warn.mock.calls[0]?.[0])).toContain('PackageTooLargeError');
    });

    it.each<[string, (signal: AbortSignal, conn: TcpConn) => Promise<unknown>]>([
      ['itself', (signal, conn) => conn.recv(1, { signal })],
      ["as the cause of Node's", (signal) => once(process, 'never', { signal })],
    ])('[G17] is no warning when it is what the closing has ended: %s', async (_what, wait) => {
      const served = await server((conn, { signal }) => wait(signal, conn));
      await dial(served.address);
      await until(() => served.connections === 1);
      expect(await inTime(served.close())).toEqual({ closed: 1, forced: 0 });
      expect(warn).not.toHaveBeenCalled();
    });

    it('[G17] is no warning when it is the peer that breaks the protocol', async () => {
      const served = await server((conn) => conn.recvPkg({ maxDataSize: 1 }));
      const conn = await dial(served.address);
      await conn.send(Buffer.from('ffff', 'hex'));
      await rejection(inTime(conn.recv(1)));
      await until(() => served.connections === 0);
      expect(warn).not.toHaveBeenCalled();
    });
  });
});

describe('closing', () => {
  const { server, connect: dial } = loopback();

  it('[G17] waits for the handler that is at work', async () => {
    let go: () => void = () => undefined;
    const atWork = new Promise<void>((resolve) => (go = resolve));
    const served = await server(async (conn) => {
      const data = await conn.recvPkg();
      await atWork;
      await conn.sendPkg(data);
    });
    const conn = await dial(served.address);
    const answer = conn.sendRecvPkg('late');
    await until(() => served.connections === 1);
    const closing = served.close();
    expect(await rejection(TcpConn.connect(`127.0.0.1:${conn.remotePort}`))).toMatchObject({
      code: 'ECONNREFUSED',
    });
    go();
    expect(await text(answer)).toBe('late');
    expect(await inTime(closing)).toEqual({ closed: 1, forced: 0 });
  });

  it('[G17] ends at once connections that wait for the next message', async () => {
    const served = await server(echoPackages, { drain: '1h' });
    const conns = [await dial(served.address), await dial(served.address)];
    expect(await text((conns[0] as TcpConn).sendRecvPkg('a'))).toBe('a');
    await until(() => served.connections === 2);
    expect(await inTime(served.close())).toEqual({ closed: 2, forced: 0 });
    for (const conn of conns)
      expect(await rejection(inTime(conn.recvPkg()))).toMatchObject({ code: 'ERR_EOF' });
  });

  it('[G17] answers what has come, and then ends', async () => {
    let go: () => void = () => undefined;
    const atWork = new Promise<void>((resolve) => (go = resolve));
    const served = await server(
      async (conn) => {
        for await (const data of conn.packages()) {
          await atWork;
          await conn.sendPkg(data);
        }
      },
      { drain: '1h' },
    );
    const conn = await dial(served.address);
    await conn.sendPkgs(['one', 'two']);
    await until(() => served.connections === 1);
    const one = conn.recvPkg();
    const closing = served.close();
    go();
    expect([await text(one), await text(conn.recvPkg())]).toEqual(['one', 'two']);
    expect(await inTime(closing)).toEqual({ closed: 1, forced: 0 });
  });

  it('[G17] forces what is left when drain is over, and says how many', async () => {
    const served = await server(() => new Promise(() => undefined));
    const conn = await dial(served.address);
    await until(() => served.connections === 1);
    const begun = performance.now();
    expect(await inTime(served.close({ drain: 50 }))).toEqual({ closed: 1, forced: 1 });
    expect(performance.now() - begun).toBeGreaterThanOrEqual(48);
    await rejection(inTime(conn.recv(1)));
  });

  it('[G17] with a drain of 0 forces at once, also when it was closing already', async () => {
    const served = await server(() => new Promise(() => undefined), { drain: '1h' });
    await dial(served.address);
    await until(() => served.connections === 1);
    const closing = served.close();
    expect(await inTime(served.close({ drain: 0 }))).toEqual({ closed: 1, forced: 1 });
    expect(await closing).toEqual({ closed: 1, forced: 1 });
  });

  it('[G17] tells its handlers by a signal', async () => {
    const served = await server(async (conn, { signal }) => {
      await once(signal, 'abort');
      await conn.send('bye');
    });
    const conn = await dial(served.address);
    await until(() => served.connections === 1);
    const report = served.close();
    expect(await text(conn.recv(3))).toBe('bye');
    expect(await inTime(report)).toEqual({ closed: 1, forced: 0 });
  });

  it('[G17] ends at once connections of a server that never answers', async () => {
    const lines: string[] = [];
    const served = await server(
      async (conn) => {
        for await (const line of conn.lines()) lines.push(String(line));
      },
      { drain: '1h' },
    );
    await (await dial(served.address)).send('one\n');
    await until(() => lines.length === 1);
    expect(await inTime(served.close())).toEqual({ closed: 1, forced: 0 });
  });

  it('[G17] a server that answers does not forget whom it owes an answer', async () => {
    let go: () => void = () => undefined;
    const atWork = new Promise<void>((resolve) => (go = resolve));
    const served = await server(
      async (conn) => {
        const pending: Promise<void>[] = [];
        for await (const data of conn.packages()) {
          const isSlow = String(data) === 'slow';
          pending.push((isSlow ? atWork : Promise.resolve()).then(() => conn.sendPkg(data)));
        }
        await Promise.all(pending);
      },
      { drain: '1h' },
    );
    expect(await text(tcpSendRecvPkg(served.address, 'quick'))).toBe('quick');
    await until(() => served.connections === 0);
    const conn = await dial(served.address);
    await conn.sendPkg('slow');
    await until(() => served.connections === 1);
    await delay(10);
    const closing = served.close();
    await delay(10);
    go();
    expect(await text(conn.recvPkg())).toBe('slow');
    await conn.close();
    expect(await inTime(closing)).toEqual({ closed: 1, forced: 0 });
  });

  it('[G17] waits for a handler that is at work although its peer is gone', async () => {
    let go: () => void = () => undefined;
    const atWork = new Promise<void>((resolve) => (go = resolve));
    let isDone = false;
    const served = await server(async (conn) => {
      await conn.recv(1);
      await atWork;
      isDone = true;
    });
    const socket = connect(served.port, '127.0.0.1');
    socket.write('a');
    await until(() => served.connections === 1);
    socket.resetAndDestroy();
    await delay(20);
    setTimeout(go, 20);
    expect(await inTime(served.close())).toEqual({ closed: 1, forced: 0 });
    expect(isDone).toBe(true);
  });

  it('[G17] does not wait beyond drain for a handler whose peer is gone', async () => {
    const served = await server(() => new Promise(() => undefined));
    const conn = await dial(served.address);
    await until(() => served.connections === 1);
    conn.destroy();
    expect(await inTime(served.close({ drain: 30 }))).toEqual({ closed: 1, forced: 1 });
  });

  it('[G17] an answer nobody has waited for has the whole drain', async () => {
    jest.useFakeTimers({ doNotFake: ['setImmediate', 'nextTick', 'queueMicrotask', 'performance', 'Date'] });
    try {
      const outcomes: unknown[] = [];
      const served = await server(async (conn) => {
        await conn.recvLine();
        conn.send(Buffer.alloc(32 * 2 ** 20)).catch(({ code }: { code: string }) => outcomes.push(code));
      });
      const socket = connect(served.port, '127.0.0.1').on('error', () => undefined);
      socket.pause().write('go\n');
      await turns(() => served.connections === 1);
      const closing = served.close();
      await turns(() => jest.getTimerCount() > 1);
      await jest.advanceTimersByTimeAsync(9_900);
      expect(served.connections).toBe(1);
      await jest.advanceTimersByTimeAsync(200);
      expect(await closing).toEqual({ closed: 1, forced: 1 });
      socket.destroy();
    } finally {
      jest.useRealTimers();
    }
  });

  it('[G17] listening while it closes begins when that is done', async () => {
    let go: () => void = () => undefined;
    const atWork = new Promise<void>((resolve) => (go = resolve));
    const served = await server(async (conn) => {
      for await (const data of conn.packages()) {
        if (String(data) === 'wait') await atWork;
        await conn.sendPkg(data);
      }
    });
    const conn = await dial(served.address);
    await conn.sendPkg('wait');
    await until(() => served.connections === 1);
    const closing = served.close();
    const listening = [served.listen(), served.listen()];
    go();
    await inTime(Promise.all([closing, ...listening]));
    expect(await text(tcpSendRecvPkg(served.address, 'again'))).toBe('again');
    const last = [served.close(), served.listen(), served.close()];
    await inTime(Promise.all(last));
    expect(served.port).toBe(-1);
  });

  it('[G17] what a peer sends on does not cut the answer that it has not fetched yet', async () => {
    let isSent = false;
    const served = await server(async (conn) => {
      await conn.recvLine();
      await conn.send(Buffer.alloc(2 ** 20));
      isSent = true;
    });
    const socket = connect(served.port, '127.0.0.1');
    socket.pause().write('go\n');
    await until(() => isSent && served.connections === 0);
    socket.write('next\n');
    await delay(20);
    let received = 0;
    socket.on('data', ({ length }) => (received += length)).resume();
    await once(socket, 'close');
    expect(received).toBe(2 ** 20);
  });

  it('[G17] a peer that does not end holds nothing up for long', async () => {
    const served = await server((conn) => conn.send('bye'), { drain: '1h' });
    const socket = connect({ port: served.port, host: '127.0.0.1', allowHalfOpen: true });
    await once(socket.resume(), 'end');
    expect(await inTime(served.close())).toMatchObject({ forced: 0 });
    socket.destroy();
  });

  it('[G17] refuses a bad drain', async () => {
    const served = await server(echoPackages);
    expect(await rejection(served.close({ drain: -1 }))).toMatchObject({ code: 'ERR_INVALID_OPTIONS' });
  });
});

describe('with TLS', () => {
  const { server, connect: dial, pool } = loopback();

  it('[G1] [G10] [G17] connections, pools and calls are secure', async () => {
    const { ca, ...own } = certificates;
    const served = await server(echoPackages, { tls: own });
    const address = served.address;
    const conn = await dial(address, { tls: { ca } });
    expect(await text(conn.sendRecvPkg('a'))).toBe('a');
    const pooled = pool({ tls: { ca } });
    for (const reused of [false, true]) {
      await using each = await pooled.get(address);
      expect(each.reused).toBe(reused);
      expect(await text(each.sendRecvPkg(Buffer.alloc(50_000, 'b')))).toHaveLength(50_000);
    }
    expect(pooled.idleCount(address)).toBe(1);
    const distrustful = await rejection(TcpConn.connect(address, { tls: { ca: [] } }));
    expect(distrustful).toMatchObject({ name: 'TcpDialError', code: 'UNABLE_TO_VERIFY_LEAF_SIGNATURE' });
    expect(await text(tcpSendRecvPkg(address, 'c', { tls: { ca } }))).toBe('c');
    const plain = pool();
    await using secure = await plain.get(address, { tls: { ca } });
    expect(await text(secure.sendRecvPkg('d'))).toBe('d');
  });

  it('[G1] [G17] certificates may come from files', async () => {
    const { ca, cert, key } = certificates;
    const folder = await mkdtemp(join(tmpdir(), 'tcp-'));
    const [certFile, keyFile] = [join(folder, 'a.crt'), join(folder, 'a.key')];
    await Promise.all([writeFile(certFile, cert), writeFile(keyFile, key)]);
    const served = await server(echoPackages, { tls: await loadKeyCert(certFile, keyFile) });
    expect(await text(tcpSendRecv(served.address, Buffer.from('000161', 'hex'), 3, { tls: { ca } }))).toBe(
      '\0\x01a',
    );
    expect(await rejection(loadKeyCert(join(folder, 'none'), keyFile))).toMatchObject({ code: 'ENOENT' });
    await rm(folder, { recursive: true });
  });

  it('[G17] bad TLS options are told at listen()', async () => {
    const served = new TcpServer({
      address: '127.0.0.1:0',
      handler: echoPackages,
      tls: { cert: 'nonsense', key: 'x' },
    });
    const error = await rejection(served.listen());
    expect(error).toBeInstanceOf(TcpServerError);
    expect(error.message).toMatch(/cannot use its TLS options/);
  });

  it('[G17] a peer that speaks no TLS is told of, and holds nothing up', async () => {
    const errors: unknown[] = [];
    const { ca: _ca, ...own } = certificates;
    const served = await server(echoPackages, { tls: own, onError: (error) => void errors.push(error) });
    const plain = await dial(served.address);
    await plain.send('hello there, this is no handshake');
    await until(() => errors.length === 1);
    const silent = await dial(served.address);
    expect(await inTime(served.close({ drain: 20 }))).toEqual({ closed: 0, forced: 0 });
    await rejection(inTime(silent.recv(1)));
  });

  it('[G17] a peer that is silent in its handshake does not hold up close()', async () => {
    const { ca, ...own } = certificates;
    const served = await server(echoPackages, { tls: own, drain: '1h' });
    const conn = await dial(served.address, { tls: { ca } });
    expect(await text(conn.sendRecvPkg('a'))).toBe('a');
    const silent = await dial(served.address);
    await delay(20);
    expect(await inTime(served.close())).toEqual({ closed: 1, forced: 0 });
    await rejection(inTime(silent.recv(1)));
  });
});
