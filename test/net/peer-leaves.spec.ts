import { once } from 'node:events';
import net, { type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { loopback } from './loopback.js';
import { type Peer, silent } from './peers.js';
import { inTime } from './talk.js';
import { until } from './until.js';

/** More than the kernel takes off a writer's hands. */
const FLOOD = Buffer.alloc(20_000_000, 'x');
const AN_ERROR = { code: expect.stringMatching(/^E[A-Z_]+$/) };
const EVENTS = ['end', 'finish', 'error', 'close'];

/** What a stream tells, in order. */
function heardFrom(socket: Duplex): string[] {
  const heard: string[] = [];
  for (const event of EVENTS) {
    socket.on(event, (error?: NodeJS.ErrnoException) => heard.push([event, error?.code].join(' ').trim()));
  }
  return heard;
}

/** The same is true of the control, a plain `net.Socket`. */
describe.each(['a pooled socket', 'a net.Socket'])('when its peer has gone, %s', (kind) => {
  const { pool, peer } = loopback();

  async function connect(remote: Peer): Promise<Duplex> {
    if (kind === 'a pooled socket') return pool({ max: 1 }).dial('tcp', remote.address);
    const plain = net.connect(remote.port, '127.0.0.1');
    await once(plain, 'connect');
    return plain;
  }

  /** Says that it will say nothing, and reads a little later. */
  const endingFirst = (socket: Socket): void => {
    socket.end();
    socket.pause();
  };

  it('delivers what is being written to a peer that has ended its own side, and then ends', async () => {
    const remote = await peer(endingFirst, { allowHalfOpen: true });
    const socket = await connect(remote);
    const heard = heardFrom(socket);
    const told: unknown[] = [];
    socket.write(FLOOD, (error) => told.push(error ?? 'flood'));
    socket.write('tail', (error) => told.push(error ?? 'tail'));
    await inTime(once(socket, 'end'));
    const theirs = (await remote.connection(1)).resume();
    await inTime(once(theirs, 'end'));
    expect(theirs.bytesRead).toBe(FLOOD.length + 4);
    await until(() => heard.includes('close'));
    expect(heard).toEqual(['end', 'finish', 'close']);
    expect(told).toEqual(['flood', 'tail']);
  });

  it('lets pipeline settle: all of it has arrived', async () => {
    const remote = await peer(endingFirst, { allowHalfOpen: true });
    const socket = await connect(remote);
    const chunks = Array.from({ length: 80 }, () => Buffer.alloc(100_000));
    const piped = pipeline(Readable.from(chunks, { objectMode: false }), socket).catch(
      (error: NodeJS.ErrnoException) => error.code,
    );
    const theirs = (await remote.connection(1)).resume();
    // The stream is cut short by the end, as it is of any socket, or has been written by then.
    expect([undefined, 'ERR_STREAM_PREMATURE_CLOSE', 'EPIPE', 'ERR_STREAM_WRITE_AFTER_END']).toContain(
      await inTime(piped),
    );
    await inTime(once(theirs, 'end'));
    await until(() => socket.destroyed);
  });

  it('tells a user who only writes, and reads nothing', async () => {
    const remote = await peer((theirs) => void theirs.once('data', () => theirs.end()));
    const socket = await connect(remote);
    const heard = heardFrom(socket);
    socket.write('a');
    await inTime(once(socket, 'close'));
    expect(heard).toEqual(['end', 'finish', 'close']);
    expect([socket.destroyed, socket.writable]).toEqual([true, false]);
    expect(await new Promise((resolve) => void socket.write('lost', resolve))).toMatchObject({
      code: 'EPIPE',
    });
  });

  it('delivers what is written while a byte of the peer is unread, its end behind it', async () => {
    const remote = await peer((theirs) => void theirs.end('X'), { allowHalfOpen: true });
    const socket = await connect(remote);
    const heard = heardFrom(socket);
    const theirs = await remote.connection(1);
    const got = once(theirs, 'data');
    await until(() => socket.readableLength === 1);
    // The end has come as well.
    await new Promise((resolve) => setTimeout(resolve, 20));
    const told = new Promise((resolve) => void socket.write('after', resolve));
    expect(String((await inTime(got))[0])).toBe('after');
    expect((await told) ?? null).toBeNull();
    expect(String(socket.read())).toBe('X');
    await until(() => heard.includes('close'));
    expect(heard).toEqual(['end', 'finish', 'close']);
  });

  it('gives all that is unread, and then the end, to one who reads late', async () => {
    const remote = await peer((theirs) => void theirs.end(FLOOD));
    const socket = await connect(remote);
    await until(() => socket.readableLength > 0);
    const heard = heardFrom(socket);
    let got = 0;
    socket.on('data', (chunk: Buffer) => (got += chunk.length));
    await until(() => heard.includes('close'));
    expect([got, ...heard]).toEqual([FLOOD.length, 'end', 'finish', 'close']);
  });
});

describe('when its peer has gone, a pooled socket', () => {
  const { pool, peer } = loopback();

  // Node calls a write that is cut off a success, unless it is the system that says so.
  it('tells a write that is under way when the peer resets the connection, and the socket', async () => {
    const remote = await peer((theirs) => void theirs.pause());
    const socket = await pool().dial('tcp', remote.address);
    const heard = heardFrom(socket);
    const told = new Promise((resolve) => void socket.write(FLOOD, resolve));
    const next = new Promise((resolve) => void socket.write('next', resolve));
    (await remote.connection(1)).resetAndDestroy();
    expect(await inTime(told)).toMatchObject(AN_ERROR);
    expect(await inTime(next)).toMatchObject(AN_ERROR);
    await until(() => heard.includes('close'));
    expect(heard.filter((event) => event !== 'finish')).toEqual([
      expect.stringMatching(/^error E(CONNRESET|PIPE)$/),
      'close',
    ]);
  });

  it('tells a write that is under way when its own user destroys it', async () => {
    const remote = await peer((theirs) => void theirs.pause());
    const socket = await pool().dial('tcp', remote.address);
    const heard = heardFrom(socket);
    const told = new Promise((resolve) => void socket.write(FLOOD, resolve));
    socket.destroy();
    expect(await inTime(told)).toMatchObject(AN_ERROR);
    await until(() => heard.includes('close'));
    expect(heard).toEqual(['close']);
  });

  it('is no connection of the pool any more, though nobody has closed it', async () => {
    const remote = await peer((theirs) => void theirs.once('data', () => theirs.end()));
    const sockets = pool({ max: 1 });
    const socket = await sockets.dial('tcp', remote.address);
    socket.write('a');
    await inTime(once(socket, 'close'));
    expect(sockets.size).toBe(0);
    await (await sockets.dial('tcp', remote.address)).close();
    await socket.close();
  });

  it('waits in close() for what is being written to a peer that has ended its side, and is not used again', async () => {
    const remote = await peer((theirs) => void theirs.pause(), { allowHalfOpen: true });
    const sockets = pool();
    const socket = await sockets.dial('tcp', remote.address);
    const theirs = await remote.connection(1);
    const told = new Promise((resolve) => void socket.write(FLOOD, resolve));
    const closing = socket.close();
    theirs.end();
    await new Promise((resolve) => setTimeout(resolve, 20));
    theirs.resume();
    await inTime(closing);
    expect((await told) ?? null).toBeNull();
    await inTime(once(theirs, 'end'));
    expect([theirs.bytesRead, sockets.size]).toEqual([FLOOD.length, 0]);
  });

  it('leaves its connection as it was: Node ends the next borrower of the raw socket with the peer', async () => {
    const remote = await peer(silent, { allowHalfOpen: true });
    const sockets = pool();
    await (await sockets.dial('tcp', remote.address)).close();
    const lease = await sockets.acquire('tcp', remote.address);
    expect([lease.reused, lease.conn.allowHalfOpen]).toEqual([true, false]);
    lease.release();
    const raw = (await sockets.dial('tcp', remote.address)).raw();
    expect(raw.allowHalfOpen).toBe(false);
    raw.destroy();
  });
});
