import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import http2 from 'node:http2';
import http, { type AgentOptions, type ClientRequestArgs, type IncomingMessage } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { Duplex, finished, PassThrough, Readable, Transform, Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import tls, { type TLSSocket } from 'node:tls';
import mysql from 'mysql2';
import type { PooledSocket, SocketPool } from 'nestjs-conn-pool/net';
import { loopback } from './loopback.js';
import { countingConnections, deaf, silent } from './peers.js';
import { ask, inTime, readAll } from './talk.js';
import { until } from './until.js';

const MEBIBYTE = 1024 * 1024;

describe('node:http', () => {
  const { pool, closeLater } = loopback();

  async function serve(listener: http.RequestListener) {
    const connections = new Set<Socket>();
    const server = http.createServer(listener).on('connection', (socket: Socket) => connections.add(socket));
    await once(server.listen(0, '127.0.0.1'), 'listening');
    const stop = async (): Promise<void> => {
      server.closeAllConnections();
      if (server.listening) await new Promise((resolve) => server.close(resolve));
    };
    closeLater(stop);
    return { server, port: (server.address() as AddressInfo).port, connections, stop };
  }

  const echoing: http.RequestListener = (request, response) => {
    const body: Buffer[] = [];
    request.on('data', (chunk: Buffer) => body.push(chunk));
    request.on('end', () => response.end(`${request.method} ${request.url} ${Buffer.concat(body)}`));
  };

  /** An agent whose connections come from a socket pool, which keeps them between the requests. */
  class PoolAgent extends http.Agent {
    constructor(
      private readonly source: SocketPool,
      options?: AgentOptions,
    ) {
      super(options);
    }

    override createConnection(
      { host, port }: ClientRequestArgs,
      connected?: (error: Error | null, socket: Duplex) => void,
    ): undefined {
      this.source.dial('tcp', `${host}:${port}`).then(
        (socket) => connected?.(null, socket),
        (error: Error) => connected?.(error, undefined as never),
      );
      return undefined;
    }
  }

  /** Gives each connection back to the pool as soon as its response is read, where another request can have it. */
  class ReturningAgent extends PoolAgent {
    override keepSocketAlive(socket: Duplex): boolean {
      void (socket as PooledSocket).close();
      return false;
    }
  }

  async function request(port: number, agent: http.Agent, path = '/', body?: string): Promise<string> {
    const sent = http.request({
      port,
      host: '127.0.0.1',
      agent,
      path,
      method: body === undefined ? 'GET' : 'POST',
    });
    sent.end(body);
    const [response] = (await once(sent, 'response')) as [IncomingMessage];
    return readAll(response);
  }

  it('keeps a connection of the pool in a keep-alive agent for request after request', async () => {
    const { port, connections } = await serve(echoing);
    const sockets = pool();
    const agent = new PoolAgent(sockets, { keepAlive: true });
    for (let i = 0; i < 5; i += 1) {
      expect(await request(port, agent, `/${i}`, `body ${i}`)).toBe(`POST /${i} body ${i}`);
    }
    expect(connections.size).toBe(1);
    const several = Array.from({ length: 3 }, (_, i) => request(port, agent, `/${i}`));
    expect(await Promise.all(several)).toEqual(['GET /0 ', 'GET /1 ', 'GET /2 ']);
    const { size } = connections;
    expect(size).toBeLessThanOrEqual(3);
    expect(sockets.stats()).toMatchObject({ leased: size, totals: { dialed: size, acquired: size } });
    agent.destroy();
    await until(() => sockets.size === 0);
  });

  it('gives the connection of each request back to the pool with an agent that does so, and it is reused', async () => {
    const { port, connections } = await serve(echoing);
    const sockets = pool();
    const agent = new ReturningAgent(sockets, { keepAlive: true });
    for (let i = 0; i < 5; i += 1) {
      expect(await request(port, agent, `/${i}`, `body ${i}`)).toBe(`POST /${i} body ${i}`);
      await until(() => sockets.stats().idle === 1);
    }
    expect(connections.size).toBe(1);
    expect(sockets.stats()).toMatchObject({ leased: 0, totals: { dialed: 1, acquired: 5, reused: 4 } });
    await Promise.all(Array.from({ length: 4 }, (_, i) => request(port, agent, `/${i}`)));
    await until(() => sockets.stats().leased === 0);
    expect(sockets.stats().idle).toBe(2);
  });

  it('closes the connection after each request with an agent that keeps none alive', async () => {
    const { port, connections } = await serve(echoing);
    const sockets = pool();
    const agent = new PoolAgent(sockets, { keepAlive: false });
    for (let i = 0; i < 3; i += 1) expect(await request(port, agent, `/${i}`)).toBe(`GET /${i} `);
    await until(() => sockets.size === 0);
    expect(connections.size).toBe(3);
    expect(sockets.stats().totals).toMatchObject({ dialed: 3, reused: 0 });
  });

  it('replaces a connection that the server has closed while it was idle in the pool', async () => {
    const { port, connections } = await serve(echoing);
    const sockets = pool();
    const agent = new ReturningAgent(sockets, { keepAlive: true });
    await request(port, agent);
    await until(() => sockets.stats().idle === 1);
    for (const socket of connections) socket.destroy();
    await until(() => sockets.size === 0);
    expect(await request(port, agent, '/again')).toBe('GET /again ');
    expect(connections.size).toBe(2);
  });

  it('carries large bodies both ways', async () => {
    const body = randomBytes(4 * MEBIBYTE);
    const { port } = await serve((request, response) => void request.pipe(response));
    const sockets = pool();
    const agent = new ReturningAgent(sockets, { keepAlive: true });
    const sent = http.request({ port, host: '127.0.0.1', agent, method: 'POST' });
    sent.end(body);
    const [response] = (await once(sent, 'response')) as [IncomingMessage];
    const got: Buffer[] = [];
    for await (const chunk of response) got.push(chunk as Buffer);
    expect(Buffer.concat(got).equals(body)).toBe(true);
    await until(() => sockets.stats().idle === 1);
  });

  it('is told by the agent when nobody can be dialled', async () => {
    const { port, stop } = await serve(echoing);
    await stop();
    const agent = new PoolAgent(pool());
    await expect(request(port, agent)).rejects.toMatchObject({ code: 'ERR_DIAL' });
  });

  it('gives up a request by its timeout, and the connection with it', async () => {
    const { port } = await serve(() => undefined);
    const sockets = pool();
    const agent = new PoolAgent(sockets, { keepAlive: true });
    const sent = http.get({ port, host: '127.0.0.1', agent, timeout: 50 });
    sent.on('error', () => undefined);
    await inTime(once(sent, 'timeout'));
    sent.destroy();
    await until(() => sockets.size === 0);
  });

  it('hands the socket over on an upgrade, with what has come behind the headers', async () => {
    const { port, server } = await serve(echoing);
    server.on('upgrade', (_request, socket: Duplex) => {
      socket.write('HTTP/1.1 101 Switching Protocols\r\nUpgrade: echo\r\nConnection: Upgrade\r\n\r\nhello\n');
      socket.pipe(socket);
    });
    const sockets = pool();
    const agent = new PoolAgent(sockets);
    const sent = http.get({
      port,
      host: '127.0.0.1',
      agent,
      headers: { Connection: 'Upgrade', Upgrade: 'echo' },
    });
    const [, socket, head] = (await once(sent, 'upgrade')) as [IncomingMessage, Duplex, Buffer];
    expect(String(head)).toBe('hello\n');
    expect(await inTime(ask(socket, 'a'))).toBe('a');
    socket.destroy();
    await until(() => sockets.size === 0);
  });
});

describe('streams', () => {
  const { pool, peer, dialled } = loopback();

  it('readline reads it line by line, and leaves it to be given back', async () => {
    const remote = await peer(
      (socket) => void socket.on('data', (chunk) => socket.write(`${chunk}one\ntwo\r\nthree\n`)),
    );
    const sockets = pool();
    for (const reused of [false, true]) {
      const socket = await sockets.dial('tcp', remote.address);
      const lines: string[] = [];
      const reader = createInterface({ input: socket, crlfDelay: Infinity }).on('line', (line) =>
        lines.push(line),
      );
      socket.write('zero\n');
      await until(() => lines.length === 4);
      expect(lines).toEqual(['zero', 'one', 'two', 'three']);
      reader.close();
      expect(socket.reused).toBe(reused);
      await socket.close();
      expect(sockets.stats().idle).toBe(1);
    }
  });

  it('pipeline carries 10 MB to a peer that reads slowly, in bounded memory, and ends the connection', async () => {
    const remote = await peer(deaf);
    const sockets = pool();
    const socket = await sockets.dial('tcp', remote.address);
    const theirs = await remote.connection(1);
    const [sent, got] = [createHash('sha256'), createHash('sha256')];
    let produced = 0;
    let held = 0;
    const source = new Readable({
      read() {
        if (produced === 10 * MEBIBYTE) return void this.push(null);
        const chunk = randomBytes(MEBIBYTE / 16);
        produced += chunk.length;
        sent.update(chunk);
        held = Math.max(held, socket.writableLength + (dialled[0] as Socket).writableLength);
        this.push(chunk);
      },
    });
    const piped = pipeline(source, socket);
    await until(() => socket.writableNeedDrain || socket.writableLength > 0);
    await slowly(theirs, got);
    await inTime(piped, 15_000);
    expect(got.digest('hex')).toBe(sent.digest('hex'));
    expect(held).toBeLessThan(MEBIBYTE / 2);
    theirs.end();
    await socket.close();
    expect(sockets.size).toBe(0);
  });

  it('pipeline carries 10 MB from a peer to a slow reader, in bounded memory', async () => {
    const body = randomBytes(10 * MEBIBYTE);
    const remote = await peer((socket) => void socket.end(body));
    const sockets = pool();
    const socket = await sockets.dial('tcp', remote.address);
    const got = createHash('sha256');
    let held = 0;
    const sink = new Writable({
      highWaterMark: 1024,
      write(chunk: Buffer, _encoding, done) {
        got.update(chunk);
        const conn = dialled[0] as Socket;
        held = Math.max(held, socket.readableLength + conn.readableLength + this.writableLength);
        setImmediate(done);
      },
    });
    await inTime(pipeline(socket, sink), 15_000);
    expect(got.digest('hex')).toBe(createHash('sha256').update(body).digest('hex'));
    expect(held).toBeLessThan(MEBIBYTE / 2);
    await socket.close();
    await until(() => sockets.size === 0);
  });

  it('takes in no more than a reader has room for who does not read at all', async () => {
    const remote = await peer((socket) => void socket.write(Buffer.alloc(10 * MEBIBYTE)));
    const sockets = pool();
    const socket = await sockets.dial('tcp', remote.address);
    const conn = dialled[0] as Socket;
    await until(() => socket.bytesRead > 0);
    let before: number;
    do {
      before = socket.bytesRead;
      await new Promise((resolve) => setTimeout(resolve, 20));
    } while (socket.bytesRead > before);
    expect(socket.readableLength + conn.readableLength).toBeLessThan(MEBIBYTE / 2);
    expect(socket.bytesRead).toBeLessThan(MEBIBYTE / 2);
    let all = 0;
    socket.on('data', (chunk: Buffer) => (all += chunk.length));
    await until(() => all === 10 * MEBIBYTE);
    await socket.close();
  });

  it('pipeline goes through it both ways', async () => {
    const remote = await peer(undefined, { allowHalfOpen: true });
    const sockets = pool();
    const socket = await sockets.dial('tcp', remote.address);
    (await remote.connection(1)).on('end', () => remote.accepted[0]?.end());
    const body = randomBytes(2 * MEBIBYTE);
    const got = new PassThrough();
    const all: Buffer[] = [];
    got.on('data', (chunk: Buffer) => all.push(chunk));
    await inTime(
      pipeline(
        Readable.from(slices(body)),
        new Transform({ transform: (chunk, _encoding, done) => done(null, chunk) }),
        socket,
        got,
      ),
      15_000,
    );
    expect(Buffer.concat(all).equals(body)).toBe(true);
    await socket.close();
  });

  it('pipes to and from with pipe(), without ending it', async () => {
    const remote = await peer(countingConnections);
    const sockets = pool();
    const socket = await sockets.dial('tcp', remote.address);
    const [source, sink] = [new PassThrough(), new PassThrough()];
    source.pipe(socket, { end: false });
    socket.pipe(sink);
    expect(await ask(Duplex.from({ readable: sink, writable: source }), 'a')).toBe('1:a');
    source.unpipe(socket);
    socket.unpipe(sink);
    await socket.close();
    await using again = await sockets.dial('tcp', remote.address);
    expect([await ask(again, 'b'), again.reused]).toEqual(['1:b', true]);
  });

  it('is read by for await, and is left by break without harm where the iterator says so', async () => {
    const remote = await peer((socket) => void socket.write('one\n'));
    const sockets = pool();
    const socket = await sockets.dial('tcp', remote.address);
    for await (const chunk of socket.iterator({ destroyOnReturn: false })) {
      expect(String(chunk)).toBe('one\n');
      break;
    }
    await socket.close();
    expect(sockets.stats().idle).toBe(1);
    const again = await sockets.dial('tcp', remote.address);
    setTimeout(() => remote.accepted[0]?.end('two\nthree\n'), 1);
    expect(await readAll(again)).toBe('two\nthree\n');
    await until(() => sockets.size === 0);
  });

  it('is left by break in for await as any stream: destroyed', async () => {
    const remote = await peer((socket) => void socket.write('one\n'));
    const sockets = pool();
    const socket = await sockets.dial('tcp', remote.address);
    for await (const chunk of socket) {
      expect(String(chunk)).toBe('one\n');
      break;
    }
    expect([socket.destroyed, sockets.size]).toEqual([true, 0]);
  });

  it('gives text after setEncoding, also where a character comes in two pieces, and bytes to the next', async () => {
    const euro = Buffer.from('€');
    const remote = await peer((socket) => {
      socket.on('data', () => {
        socket.write(euro.subarray(0, 1));
        setTimeout(() => socket.write(Buffer.concat([euro.subarray(1), Buffer.from('\n')])), 5);
      });
    });
    const sockets = pool();
    const socket = await sockets.dial('tcp', remote.address);
    socket.setEncoding('utf8').write('?');
    let got = '';
    for await (const chunk of socket.iterator({ destroyOnReturn: false })) {
      expect(typeof chunk).toBe('string');
      got += chunk as string;
      if (got.endsWith('\n')) break;
    }
    expect(got).toBe('€\n');
    await socket.close();
    const next = await sockets.dial('tcp', remote.address);
    next.write('?');
    expect([Buffer.isBuffer((await once(next, 'data'))[0]), next.reused]).toEqual([true, true]);
    next.destroy();
  });

  it('ends its side and goes on reading where the peer answers at the end', async () => {
    const remote = await peer(
      (socket) => {
        let got = '';
        socket.on('data', (chunk) => (got += String(chunk)));
        socket.on('end', () => setTimeout(() => socket.end(`answer to ${got}`), 10));
      },
      { allowHalfOpen: true },
    );
    const sockets = pool();
    const socket = await sockets.dial('tcp', remote.address);
    socket.end('question');
    expect(await inTime(readAll(socket))).toBe('answer to question');
    await until(() => sockets.size === 0);
    await socket.close();
  });

  it('ends for its user when the peer ends, and takes no more', async () => {
    const remote = await peer((socket) => void socket.end('bye\n'), { allowHalfOpen: true });
    const sockets = pool();
    const socket = await sockets.dial('tcp', remote.address);
    expect(await readAll(socket)).toBe('bye\n');
    await until(() => socket.destroyed);
    expect(socket.writableEnded).toBe(true);
    await until(() => sockets.size === 0);
  });

  it.each([
    ['when it is given back', (socket: PooledSocket) => socket.close(), undefined],
    [
      'when it is destroyed with an error',
      (socket: PooledSocket) => socket.destroy(new Error('mine')),
      'mine',
    ],
  ])('finished() is told %s', async (_, end, message) => {
    const remote = await peer(silent);
    const sockets = pool();
    const socket = await sockets.dial('tcp', remote.address);
    const told = new Promise<Error | null | undefined>((resolve) => finished(socket, resolve));
    await end(socket);
    const error = await inTime(told);
    if (message !== undefined) expect(error?.message).toBe(message);
    expect(sockets.stats().leased).toBe(0);
  });

  it('write callbacks come in order, each once, with cork and without', async () => {
    const remote = await peer(silent);
    const sockets = pool();
    const socket = await sockets.dial('tcp', remote.address);
    const called: number[] = [];
    for (let i = 0; i < 10; i += 1) {
      if (i === 3) socket.cork();
      if (i === 6) socket.uncork();
      socket.write(Buffer.alloc(i * 1000), () => called.push(i));
    }
    await until(() => called.length === 10);
    expect(called).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    const theirs = await remote.connection(1);
    await until(() => theirs.bytesRead === 45_000);
    await socket.close();
  });

  it('changes nothing of what was written, and may be written to again at once', async () => {
    const remote = await peer();
    const sockets = pool();
    const socket = await sockets.dial('tcp', remote.address);
    const chunk = Buffer.from('abc');
    socket.write(chunk);
    socket.write(new Uint8Array([0x64, 0x65]));
    socket.write('6667', 'hex');
    socket.write('é\n', 'latin1');
    let got = Buffer.alloc(0);
    socket.on('data', (part: Buffer) => (got = Buffer.concat([got, part])));
    await until(() => got.length === 9);
    expect([got.toString('latin1'), chunk.toString()]).toEqual(['abcdefgé\n', 'abc']);
    await socket.close();
  });

  function slices(body: Buffer): Buffer[] {
    return Array.from({ length: Math.ceil(body.length / 50_000) }, (_, i) =>
      body.subarray(i * 50_000, (i + 1) * 50_000),
    );
  }

  /** Reads all, a chunk each turn of the event loop. */
  async function slowly(socket: Socket, hash: ReturnType<typeof createHash>): Promise<void> {
    socket.on('data', (chunk: Buffer) => {
      hash.update(chunk);
      socket.pause();
      setImmediate(() => socket.resume());
    });
    const ended = once(socket, 'end');
    socket.resume();
    await ended;
  }
});

describe('TLS over it', () => {
  const { pool, peer } = loopback();
  const pem = (name: string): string =>
    readFileSync(new URL(`../thrift/tls/${name}`, import.meta.url), 'utf8');

  it('shakes hands, carries bytes, and ends', async () => {
    const remote = await peer(countingConnections, {
      tls: { key: pem('server.key'), cert: pem('server.pem') },
    });
    const sockets = pool();
    const socket = await sockets.dial('tcp', remote.address);
    const secure: TLSSocket = tls.connect({ socket, ca: pem('ca.pem'), servername: 'localhost' });
    await inTime(once(secure, 'secureConnect'));
    expect([secure.authorized, await ask(secure, 'a'), await ask(secure, 'b')]).toEqual([true, '1:a', '1:b']);
    const body = 'x'.repeat(300_000);
    expect(await inTime(ask(secure, body))).toBe(`1:${body}`);
    secure.end();
    await inTime(once(secure, 'close'));
    await until(() => sockets.size === 0);
  });

  it('tells when the certificate is not accepted', async () => {
    const remote = await peer(countingConnections, {
      tls: { key: pem('server.key'), cert: pem('server.pem') },
    });
    const sockets = pool();
    const socket = await sockets.dial('tcp', remote.address);
    const secure = tls.connect({ socket, servername: 'localhost' });
    const [error] = await inTime(once(secure, 'error'));
    expect(error).toMatchObject({ code: 'UNABLE_TO_VERIFY_LEAF_SIGNATURE' });
    await until(() => sockets.size === 0);
  });
});

describe('node:http2', () => {
  const { pool, closeLater } = loopback();

  it('opens a session on it, with streams side by side', async () => {
    const server = http2.createServer((request, response) => void request.pipe(response));
    await once(server.listen(0, '127.0.0.1'), 'listening');
    closeLater(() => new Promise((resolve) => server.close(resolve)));
    const { port } = server.address() as AddressInfo;
    const sockets = pool();
    const socket = await sockets.dial('tcp', `127.0.0.1:${port}`);
    const session = http2.connect(`http://127.0.0.1:${port}`, { createConnection: () => socket });
    const post = async (body: string): Promise<string> => {
      const stream = session.request({ ':method': 'POST' });
      stream.end(body);
      return readAll(stream);
    };
    const long = 'x'.repeat(300_000);
    expect(await inTime(Promise.all([post('a'), post(long), post('c')]))).toEqual(['a', long, 'c']);
    session.close();
    await inTime(once(session, 'close'));
    await until(() => sockets.size === 0);
    expect(sockets.stats().totals.dialed).toBe(1);
  });
});

describe('mysql2', () => {
  const { pool, closeLater } = loopback();

  it('talks through a socket of the pool given as its stream', async () => {
    const { address, connections } = await serveMysql();
    const sockets = pool();
    const socket = await sockets.dial('tcp', address);
    const client = mysql.createConnection({
      user: 'me',
      password: 'secret',
      database: 'test',
      stream: socket,
    });
    const query = (sql: string): Promise<unknown> =>
      new Promise((resolve, reject) =>
        client.query(sql, (error, rows) => (error === null ? resolve(rows) : reject(error))),
      );
    expect(await inTime(query('select 1'))).toEqual([{ sql: 'select 1' }]);
    const long = `select '${'x'.repeat(200_000)}'`;
    expect(await inTime(Promise.all([query('select 2'), query(long)]))).toEqual([
      [{ sql: 'select 2' }],
      [{ sql: long }],
    ]);
    await expect(inTime(query('fail'))).rejects.toMatchObject({ errno: 1064 });
    expect([connections(), sockets.stats().leased]).toEqual([1, 1]);
    await inTime(new Promise((resolve) => client.end(resolve)));
    await until(() => sockets.size === 0);
  });

  it('is told when its server goes', async () => {
    const { address, kill } = await serveMysql();
    const sockets = pool();
    const client = mysql.createConnection({
      user: 'me',
      password: 'secret',
      stream: await sockets.dial('tcp', address),
    });
    await inTime(new Promise((resolve) => client.connect(resolve)));
    const failed = once(client, 'error');
    kill();
    expect((await inTime(failed))[0]).toMatchObject({ code: 'PROTOCOL_CONNECTION_LOST' });
    await until(() => sockets.size === 0);
  });

  /** mysql2's own server: answers each query with its text, and `fail` with an error. */
  async function serveMysql() {
    interface ServerConnection {
      stream: Socket;
      serverHandshake(options: object): void;
      writeColumns(columns: object[]): void;
      writeTextRow(row: unknown[]): void;
      writeEof(): void;
      writeOk(options?: object): void;
      writeError(error: object): void;
      on(event: string, listener: (...args: never[]) => void): void;
    }
    interface Server {
      on(event: 'connection', listener: (connection: ServerConnection) => void): void;
      listen(port: number, host: string, listening: () => void): void;
      close(closed: () => void): void;
      _server: { address(): AddressInfo };
    }
    const server = (mysql as unknown as { createServer(): Server }).createServer();
    const all: ServerConnection[] = [];
    server.on('connection', (connection) => {
      all.push(connection);
      connection.stream.setNoDelay(true);
      connection.on('error', () => undefined);
      connection.serverHandshake({
        protocolVersion: 10,
        serverVersion: '8.0.0',
        connectionId: all.length,
        statusFlags: 2,
        characterSet: 8,
        capabilityFlags: 0xffffff ^ 0x800 ^ 0x20,
        authCallback: (_: unknown, done: (error: null) => void) => done(null),
      });
      connection.on('query', (sql: string) => {
        if (sql === 'fail') return connection.writeError({ message: 'no', code: 1064 });
        connection.writeColumns([
          {
            catalog: 'def',
            schema: 'test',
            table: '',
            orgTable: '',
            name: 'sql',
            orgName: 'sql',
            characterSet: 33,
            columnLength: 1_000_000,
            columnType: 253,
            flags: 0,
            decimals: 0,
          },
        ]);
        connection.writeTextRow([sql]);
        connection.writeEof();
      });
      connection.on('quit', () => connection.stream.end());
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const kill = (): void => all.forEach(({ stream }) => stream.destroy());
    closeLater(async () => {
      kill();
      await new Promise<void>((resolve) => server.close(resolve));
    });
    return { address: `127.0.0.1:${server._server.address().port}`, connections: () => all.length, kill };
  }
});
