import { once } from 'node:events';
import net from 'node:net';
import type { Readable } from 'node:stream';
import { listenersOf } from './census.js';
import { loopback } from './loopback.js';
import { countingConnections, deaf, silent } from './peers.js';
import { ask, inTime, readAll, rejection, thrown } from './talk.js';
import { until } from './until.js';

describe('raw()', () => {
  const { pool, peer, dialled } = loopback();

  it('[V14] takes the socket out of the pool, which forgets it', async () => {
    const remote = await peer(countingConnections);
    const sockets = pool();
    const socket = await sockets.dial('tcp', remote.address);
    const raw = socket.raw();
    expect(raw).toBe(dialled[0]);
    expect(raw).toBeInstanceOf(net.Socket);
    expect([sockets.size, sockets.stats().totals.detached]).toEqual([0, 1]);
    expect(await ask(raw, 'a')).toBe('1:a');
    await sockets.close();
    expect(await ask(raw, 'b')).toBe('1:b');
    raw.destroy();
  });

  it('[V14] leaves no listener of the pool and no setting: it is as if Node had connected it', async () => {
    const { port, address } = await peer();
    const plain = net.connect(port, '127.0.0.1');
    await once(plain, 'connect');
    const sockets = pool();
    await (await sockets.dial('tcp', address)).close();
    const socket = await sockets.dial('tcp', address);
    socket.setTimeout(60_000);
    const raw = socket.raw();
    await new Promise((resolve) => setImmediate(resolve));
    const state = ({ readableFlowing, readableEncoding, destroyed }: net.Socket) => ({
      readableFlowing,
      readableEncoding,
      destroyed,
    });
    expect(listenersOf(raw)).toEqual(listenersOf(plain));
    expect(state(raw)).toEqual(state(plain));
    raw.destroy();
    plain.destroy();
  });

  it('[V14] leaves close() nothing to do, the addresses readable, and the rest closed', async () => {
    const remote = await peer();
    const sockets = pool({ name: 'devices' });
    const socket = await sockets.dial('tcp', remote.address);
    const raw = socket.raw();
    await socket.close();
    await socket.close();
    await socket[Symbol.asyncDispose]();
    expect(socket.destroyed).toBe(true);
    expect([socket.remotePort, socket.remoteAddress, socket.localPort]).toEqual([
      remote.port,
      '127.0.0.1',
      raw.localPort,
    ]);
    expect(await new Promise((resolve) => void socket.write('x', resolve))).toMatchObject({
      code: 'ERR_STREAM_DESTROYED',
    });
    socket.destroy();
    socket.setTimeout(1);
    socket.discard();
    expect([raw.destroyed, raw.timeout ?? 0]).toEqual([false, 0]);
    raw.destroy();
  });

  it('[V14] [V24] throws the second time, and after close()', async () => {
    const remote = await peer();
    const sockets = pool({ name: 'devices' });
    const socket = await sockets.dial('tcp', remote.address);
    const raw = socket.raw();
    const of = { pool: 'devices', network: 'tcp', address: remote.address };
    expect(thrown(() => socket.raw())).toMatchObject({ code: 'ERR_CONN_RAW_TAKEN', ...of });
    raw.destroy();
    const closed = await sockets.dial('tcp', remote.address);
    await closed.close();
    expect(thrown(() => closed.raw())).toMatchObject({ code: 'ERR_CONN_CLOSED', ...of });
    const destroyed = await sockets.dial('tcp', remote.address);
    destroyed.destroy();
    expect(thrown(() => destroyed.raw())).toMatchObject({ code: 'ERR_CONN_CLOSED', ...of });
  });

  it('[V14] loses no byte that has come: neither what the pooled socket holds nor what follows', async () => {
    const all = Buffer.from(Array.from({ length: 300_000 }, (_, i) => i % 251));
    const remote = await peer((connection) => void connection.end(all));
    const sockets = pool();
    const socket = await sockets.dial('tcp', remote.address);
    await once(socket, 'readable');
    const first = socket.read(1000) as Buffer;
    await until(() => (dialled[0] as net.Socket).readableLength > 0);
    const raw = socket.raw();
    const rest: Buffer[] = [];
    for await (const chunk of raw) rest.push(chunk as Buffer);
    expect(Buffer.concat([first, ...rest]).equals(all)).toBe(true);
  });

  it('[V14] is refused behind the end of the connection: what it has left is read from the pooled socket', async () => {
    const remote = await peer((connection) => void connection.end('hello\n'));
    const socket = await pool().dial('tcp', remote.address);
    socket.pause();
    await until(() => socket.bytesRead === 6);
    await until(() => (dialled[0] as net.Socket).readableEnded);
    expect(() => socket.raw()).toThrow(expect.objectContaining({ code: 'ERR_CONN_CLOSED' }) as Error);
    expect(await readAll(socket)).toBe('hello\n');
  });

  it('[V14] gives each byte once: nobody hears it from the pooled socket, too', async () => {
    const remote = await peer((connection) => void connection.write('hello\n'));
    const sockets = pool();
    const socket = await sockets.dial('tcp', remote.address);
    const heard: string[] = [];
    socket.on('data', (chunk) => heard.push(String(chunk))).pause();
    await until(() => socket.bytesRead === 6);
    const raw = socket.raw();
    expect(String(await new Promise((resolve) => raw.once('data', resolve)))).toBe('hello\n');
    expect(heard).toEqual([]);
    raw.destroy();
  });

  it.each(['hex', 'base64', 'utf8', 'latin1'] as const)(
    '[V14] gives the bytes as they came after setEncoding(%s)',
    async (encoding) => {
      const bytes = Buffer.from([0x68, 0xff, 0x69, 0xe2, 0x82]);
      const remote = await peer((connection) => void connection.end(bytes));
      const sockets = pool();
      const socket = await sockets.dial('tcp', remote.address);
      socket.setEncoding(encoding);
      await once(socket, 'readable');
      const raw = socket.raw();
      const got: Buffer[] = [];
      for await (const chunk of raw) got.push(chunk as Buffer);
      expect(Buffer.concat(got).toString('hex')).toBe(bytes.toString('hex'));
    },
  );

  it.each<[string, BufferEncoding, number[][], (socket: Readable) => string | undefined]>([
    ['a character in two pieces, nothing read', 'utf8', [[0xc3], [0xa9, 0x61, 0x62, 0x63]], () => undefined],
    ['half a character, and no more', 'utf8', [[0xc3]], () => undefined],
    [
      'half a character behind what is read',
      'utf8',
      [[0x61, 0x62, 0xe2, 0x82]],
      (socket) => String(socket.read()),
    ],
    [
      'bytes that are no text behind half a character',
      'utf8',
      [
        [0xe2, 0x82],
        [0x61, 0xff],
      ],
      () => undefined,
    ],
    ['single bytes', 'base64', [[1], [2]], () => undefined],
    ['an odd byte', 'utf16le', [[0x61, 0x00, 0x62]], () => undefined],
  ])('[V14] gives back what its decoder holds: %s', async (_, encoding, chunks, read) => {
    const remote = await peer(silent);
    const socket = (await pool().dial('tcp', remote.address)).setEncoding(encoding);
    const theirs = await remote.connection(1);
    let sent = 0;
    for (const chunk of chunks) {
      theirs.write(Buffer.from(chunk));
      sent += chunk.length;
      await until(() => socket.bytesRead === sent);
    }
    const seen = read(socket) ?? '';
    const raw = socket.raw();
    theirs.end();
    const got: Buffer[] = [Buffer.from(seen, encoding)];
    for await (const chunk of raw) got.push(chunk as Buffer);
    expect(Buffer.concat(got).toString('hex')).toBe(Buffer.from(chunks.flat()).toString('hex'));
  });

  it('[V14] waits for nothing: while writes are pending it throws, and can be asked again', async () => {
    const remote = await peer(deaf);
    const sockets = pool();
    const socket = await sockets.dial('tcp', remote.address);
    socket.write(Buffer.alloc(20_000_000));
    expect(thrown(() => socket.raw())).toMatchObject({
      code: 'ERR_CONN_BUSY',
      network: 'tcp',
      address: remote.address,
    });
    (await remote.connection(1)).resume();
    await inTime(until(() => socket.writableLength === 0));
    socket.raw().destroy();
  });

  it('[V14] makes room at once', async () => {
    const remote = await peer();
    const sockets = pool({ max: 1 });
    const raw = (await sockets.dial('tcp', remote.address)).raw();
    const next = await sockets.dial('tcp', remote.address);
    expect(await rejection(sockets.dial('tcp', remote.address))).toMatchObject({
      code: 'ERR_POOL_EXHAUSTED',
    });
    await next.close();
    raw.destroy();
  });
});
