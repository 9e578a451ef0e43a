import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import http, { type IncomingMessage } from 'node:http';
import net, { type Socket } from 'node:net';
import { type Duplex, PassThrough, Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { setImmediate as turn } from 'node:timers/promises';
import tls from 'node:tls';
import { loopback } from './loopback.js';
import { echo, type Script, silent } from './peers.js';
import { ask, inTime } from './talk.js';
import { until } from './until.js';

/** What a peer sends, piece by piece, each in a turn of its own. */
const PIECES = ['one ', 'two ', 'three ', 'four ', 'x'.repeat(150_000), ' \u00fc', 'end'];
const LENGTH = PIECES.reduce((sum, each) => sum + Buffer.byteLength(each), 0);

const sending: Script = (socket) => {
  socket.on('data', () => undefined);
  void (async () => {
    for (const piece of PIECES) {
      socket.write(piece);
      await turn();
      await turn();
    }
    socket.end();
  })();
};

type Habit = (socket: Socket, log: (what: string) => void) => Promise<unknown>;

/** Everything that a stream's reader may do with it. Each logs what it has got, apart from where chunks are cut. */
const habits: Record<string, Habit> = {
  "on('data')": async (socket, log) => {
    let all = '';
    socket.on('data', (chunk: Buffer) => (all += chunk.toString('latin1')));
    await once(socket, 'end');
    log(all);
  },
  'on(data), paused after each chunk': async (socket, log) => {
    let all = '';
    let paused = false;
    socket.on('data', (chunk: Buffer) => {
      if (paused) log('data while it was paused');
      all += chunk.toString('latin1');
      socket.pause();
      paused = true;
      setImmediate(() => {
        paused = false;
        socket.resume();
      });
    });
    await once(socket, 'end');
    log(all);
  },
  'on(data), put back in part and read again': async (socket, log) => {
    let all = '';
    let isFirst = true;
    socket.on('data', (chunk: Buffer) => {
      if (isFirst && chunk.length > 2) {
        isFirst = false;
        socket.unshift(chunk.subarray(1));
        chunk = chunk.subarray(0, 1);
      }
      all += chunk.toString('latin1');
    });
    await once(socket, 'end');
    log(all);
  },
  'on(data), put back as a whole when it is much': async (socket, log) => {
    let all = '';
    let isFirst = true;
    socket.on('data', (chunk: Buffer) => {
      if (isFirst && chunk.length >= socket.readableHighWaterMark) {
        isFirst = false;
        socket.pause();
        socket.unshift(chunk);
        socket.resume();
      } else all += chunk.toString('latin1');
    });
    await once(socket, 'end');
    log(all);
  },
  'on(data), text from the second chunk on': async (socket, log) => {
    let all = '';
    let isText = false;
    socket.on('data', (chunk: Buffer | string) => {
      if (isText && typeof chunk !== 'string') log('no text');
      isText = socket.readableEncoding !== null;
      all += String(chunk);
      if (socket.readableEncoding === null) socket.setEncoding('utf8');
    });
    await once(socket, 'end');
    log(all);
  },
  'on(data), one that goes and another that comes': async (socket, log) => {
    const [first] = (await once(socket, 'data')) as [Buffer];
    let all = first.toString('latin1');
    await turn();
    socket.pause();
    await turn();
    socket.on('data', (chunk: Buffer) => (all += chunk.toString('latin1'))).resume();
    await once(socket, 'end');
    log(all);
  },
  "on('readable'), read by three bytes": async (socket, log) => {
    let all = '';
    socket.on('readable', () => {
      for (;;) {
        const chunk = (socket.read(Math.min(3, socket.readableLength)) ?? '') as Buffer | '';
        if (chunk.length === 0) return;
        all += chunk.toString('latin1');
      }
    });
    await once(socket, 'end');
    log(all);
  },
  'for await': async (socket, log) => {
    let all = '';
    for await (const chunk of socket as AsyncIterable<Buffer>) all += chunk.toString('latin1');
    log(all);
  },
  'pipe() into one that is slow': async (socket, log) => {
    let all = '';
    const slow = new PassThrough({ highWaterMark: 10 });
    await pipeline(socket, slow, async (source: AsyncIterable<Buffer>) => {
      for await (const chunk of source) {
        await turn();
        all += chunk.toString('latin1');
      }
    });
    log(all);
  },
  'on(data), then only waited for': async (socket, log) => {
    const [first] = (await once(socket, 'data')) as [Buffer];
    socket.pause();
    await until(() => socket.readableLength > 3);
    const then = socket.read() as Buffer;
    log(`${first.toString('latin1')}${then.toString('latin1')}`.slice(0, 8));
    socket.resume();
    await once(socket, 'end');
  },
};

describe('a plain socket of the pool, which is read into a buffer that all share', () => {
  const { pool, peer, dialled } = loopback();

  it.each(Object.entries(habits))("is to its borrower what Node's own is: %s", async (_name, habit) => {
    const remote = await peer(sending);
    const record = async (socket: Socket): Promise<unknown> => {
      const log: string[] = [];
      for (const event of ['end', 'close', 'error', 'pause', 'resume'])
        socket.on(event, () => void log.push(event));
      const closed = new Promise((resolve) => socket.once('close', resolve));
      await inTime(habit(socket, (what) => void log.push(what)));
      await inTime(closed);
      // How often it was paused depends on how the bytes have come.
      const counted = log.filter((what) => what !== 'pause' && what !== 'resume');
      return [counted, socket.readableDidRead, socket.readableEnded, socket.bytesRead, socket.readableLength];
    };
    const own = await record(net.connect(remote.port, '127.0.0.1'));
    const lease = await pool().acquire('tcp', remote.address);
    expect(await record(lease.detach())).toEqual(own);
    expect(own).toContainEqual(LENGTH);
  });

  it('gives chunks that are their own: what comes later, to whomever, leaves them as they are', async () => {
    const remote = await peer(echo);
    const sockets = pool({ maxIdle: 3 });
    const kept: Buffer[] = [];
    const wanted: string[] = [];
    const leases = await Promise.all([1, 2, 3].map(() => sockets.acquire('tcp', remote.address)));
    for (const { conn } of leases) conn.on('data', (chunk: Buffer) => kept.push(chunk));
    for (const length of [1, 64, 65, 4096, 9000]) {
      for (const [index, { conn }] of leases.entries()) {
        const text = String(index).repeat(length);
        const before = kept.reduce((sum, chunk) => sum + chunk.length, 0);
        conn.write(text);
        wanted.push(text);
        await until(() => kept.reduce((sum, chunk) => sum + chunk.length, 0) === before + length);
      }
    }
    expect(Buffer.concat(kept).toString()).toBe(wanted.join(''));
    // A thread that is given one takes nothing else along.
    for (const chunk of kept) {
      expect([chunk.byteOffset, chunk.buffer.byteLength]).toEqual([0, chunk.length]);
      structuredClone(chunk.buffer, { transfer: [chunk.buffer as ArrayBuffer] });
    }
    for (const { conn } of leases) conn.removeAllListeners('data');
    for (const lease of leases) lease.release();
  });

  it.each([
    [
      'read()',
      (socket: Duplex) => void socket.on('readable', () => undefined),
      (socket: Duplex) => void socket.read(3),
    ],
    [
      'resume(), and pause() at each chunk',
      (socket: Duplex) => void socket.on('data', () => socket.pause()),
      (socket: Duplex) => void socket.resume(),
    ],
  ])(
    'holds, of what is read by %s more slowly than it comes, no more than a socket does',
    async (_, begin, next) => {
      for (const way of ['acquire', 'dial'] as const) {
        const remote = await peer(silent);
        const sockets = pool();
        const socket: Duplex =
          way === 'dial'
            ? await sockets.dial('tcp', remote.address)
            : (await sockets.acquire('tcp', remote.address)).conn;
        const raw = dialled.at(-1) as Socket;
        const theirs = await remote.connection(remote.accepted.length || 1);
        begin(socket);
        // Many small ones first: each that is taken must not let a large one in.
        for (let sent = 1; sent <= 300; sent += 1) {
          theirs.write('x'.repeat(20));
          while (raw.bytesRead < 20 * sent) await turn();
        }
        theirs.write(Buffer.alloc(8 * 1024 * 1024));
        let held = 0;
        for (let step = 0; step < 300; step += 1) {
          next(socket);
          await turn();
          held = Math.max(held, raw.readableLength);
        }
        expect(held).toBeLessThanOrEqual(raw.readableHighWaterMark + 64 * 1024);
        raw.destroy();
      }
    },
  );

  it.each(['acquire', 'keep'] as const)(
    'is read on by whoever did not listen yet when much came: %s',
    async (how) => {
      const much = 300_000;
      const remote = await peer((socket) => {
        socket.on('data', (chunk) => socket.write(String(chunk) === 'all' ? 'y'.repeat(much) : chunk));
      });
      const sockets = pool({ idleData: 'keep' });
      const first = await sockets.acquire('tcp', remote.address);
      first.conn.write('a');
      await once(first.conn, 'data');
      if (how === 'keep') {
        first.release();
        (await remote.connection(1)).write('y'.repeat(much));
      } else first.conn.write('all');
      await until(() =>
        first.active ? first.conn.readableLength > 0 : (dialled.at(-1) as Socket).readableLength > 0,
      );
      const lease = first.active ? first : await sockets.acquire('tcp', remote.address);
      let got = 0;
      const reading = (async () => {
        for await (const chunk of lease.conn as AsyncIterable<Buffer>)
          if ((got += chunk.length) === much) return;
      })();
      await inTime(reading);
      expect(got).toBe(much);
      lease.discard();
    },
  );

  it("loses nothing when it flows past a listener of 'readable'", async () => {
    const remote = await peer(silent);
    const lease = await pool().acquire('tcp', remote.address);
    const socket = lease.detach();
    const theirs = await remote.connection(1);
    let got = '';
    const take = (): void => {
      for (let chunk: unknown = socket.read(); chunk !== null; chunk = socket.read()) got += String(chunk);
    };
    socket.once('readable', take);
    theirs.write('1');
    await until(() => got === '1');
    const other = (): void => undefined;
    socket.on('readable', take).on('readable', other);
    await turn();
    socket.off('readable', other).resume();
    await turn();
    theirs.write('2');
    await until(() => got === '12');
    socket.destroy();
  });

  it('pipes to two as any stream: the second is not held up once Node has let it flow again', async () => {
    const remote = await peer(silent);
    const socket = (await pool().acquire('tcp', remote.address)).detach();
    const theirs = await remote.connection(1);
    socket.once('data', () => undefined);
    theirs.write('0');
    await until(() => socket.bytesRead === 1);
    const waiting: (() => void)[] = [];
    const slow = new Writable({
      highWaterMark: 100,
      write: (_chunk, _encoding, done) => void waiting.push(done),
    });
    let got = 0;
    const quick = new Writable({
      highWaterMark: 10,
      write: (chunk: Buffer, _encoding, done) => {
        got += chunk.length;
        setImmediate(done);
      },
    });
    socket.pipe(slow);
    for (const sent of [61, 121]) {
      await turn();
      theirs.write(Buffer.alloc(60));
      await until(() => socket.bytesRead === sent);
    }
    await until(() => socket.isPaused());
    waiting.shift()?.();
    await turn();
    socket.pipe(quick);
    for (const sent of [11, 22, 33]) {
      await turn();
      theirs.write(Buffer.alloc(11));
      await inTime(until(() => got === sent));
    }
    socket.destroy();
  });

  it('may be made a TLS connection in the middle of what is said', async () => {
    const [key, cert, ca] = ['server.key', 'server.pem', 'ca.pem'].map((name) =>
      readFileSync(new URL(`../thrift/tls/${name}`, import.meta.url), 'utf8'),
    );
    const context = tls.createSecureContext({ key, cert });
    const remote = await peer((socket) => {
      socket.once('data', () => {
        socket.write('yes\n');
        const secure = new tls.TLSSocket(socket, { isServer: true, secureContext: context });
        secure.on('error', () => undefined).on('data', (chunk) => secure.write(chunk));
      });
    });
    const lease = await pool().acquire('tcp', remote.address);
    expect(await inTime(ask(lease.conn, 'tls?'))).toBe('yes');
    const secure = tls.connect({ socket: lease.detach(), ca, servername: 'localhost' });
    await inTime(once(secure, 'secureConnect'));
    for (const line of ['a', 'b'.repeat(100_000)]) expect(await inTime(ask(secure, line))).toBe(line);
    secure.destroy();
  });

  it('may be served by an HTTP server, which reads it past the stream', async () => {
    const requests: string[] = [];
    const server = http.createServer((request: IncomingMessage, response) => {
      requests.push(String(request.url));
      request.resume().on('end', () => response.end('ok'));
    });
    const remote = await peer(silent);
    const lease = await pool().acquire('tcp', remote.address);
    const socket = lease.detach();
    server.emit('connection', socket);
    const connection = await remote.connection(1);
    connection.write('GET /a HTTP/1.1\r\nhost: x\r\n\r\n');
    await until(() => requests.length === 1);
    connection.write(`POST /b HTTP/1.1\r\nhost: x\r\ncontent-length: 70000\r\n\r\n${'x'.repeat(70_000)}`);
    await until(() => requests.length === 2);
    expect(requests).toEqual(['/a', '/b']);
    socket.destroy();
  });
});
