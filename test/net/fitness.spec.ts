import { once } from 'node:events';
import type { Socket } from 'node:net';
import type { PooledSocket, SocketPool } from 'nestjs-conn-pool/net';
import { loopback } from './loopback.js';
import { answering, countingConnections, deaf, type Peer, silent } from './peers.js';
import { ask, inTime } from './talk.js';
import { until } from './until.js';

/** More than the kernel takes off a writer's hands. */
const FLOOD = Buffer.alloc(20_000_000, 'x');

describe('close() gives back', () => {
  const { pool, peer } = loopback();

  it('[V11] a connection that was not used, and one whose exchange is complete', async () => {
    const remote = await peer(countingConnections);
    const sockets = pool();
    await (await sockets.dial('tcp', remote.address)).close();
    for (const line of ['a', 'b']) {
      const socket = await sockets.dial('tcp', remote.address);
      expect(await ask(socket, line)).toBe(`1:${line}`);
      await socket.close();
    }
    expect(sockets.stats().totals).toMatchObject({ dialed: 1, reused: 2 });
  });

  it('[V11] one that was only written to, by somebody who never reads', async () => {
    const remote = await peer(silent);
    const sockets = pool();
    for (const line of ['a', 'b', 'c']) {
      await using socket = await sockets.dial('tcp', remote.address);
      socket.write(`${line}\n`);
    }
    const connection = await remote.connection(1);
    await until(() => connection.bytesRead === 6);
    expect(sockets.stats().totals).toMatchObject({ dialed: 1, reused: 2 });
  });

  it('[V11] one with a pending write once all of it is written, before what the next borrower writes', async () => {
    const remote = await peer(deaf);
    const sockets = pool({ maxIdle: 1 });
    const socket = await sockets.dial('tcp', remote.address);
    socket.write(FLOOD);
    socket.write('the end');
    const closed = socket.close();
    const connection = await remote.connection(1);
    const got: Buffer[] = [];
    connection.on('data', (chunk: Buffer) => got.push(chunk));
    connection.resume();
    await closed;
    await until(() => sockets.idleCount('tcp', remote.address) === 1);
    const next = await sockets.dial('tcp', remote.address);
    expect(next.reused).toBe(true);
    next.write('next');
    await until(() => connection.bytesRead === FLOOD.length + 11);
    expect(Buffer.concat(got).subarray(FLOOD.length).toString()).toBe('the endnext');
    await next.close();
  });
});

describe('close() closes', () => {
  const { pool, peer } = loopback();

  /** The connection is closed, the peer sees it, and the next dial makes a new one. */
  async function expectClosed(sockets: SocketPool, remote: Peer) {
    expect(sockets.idleCount('tcp', remote.address)).toBe(0);
    await until(() => remote.open.length === 0);
    await using next = await sockets.dial('tcp', remote.address);
    expect(next.reused).toBe(false);
    expect(sockets.size).toBe(1);
  }

  it('[V12] a connection that was discarded; it works until then', async () => {
    const remote = await peer(countingConnections);
    const sockets = pool();
    const events: unknown[] = [];
    sockets.events$.subscribe((event) => event.type === 'close' && events.push([event.reason, event.cause]));
    const socket = await sockets.dial('tcp', remote.address);
    socket.discard('I say so');
    expect(await ask(socket, 'a')).toBe('1:a');
    expect(sockets.size).toBe(1);
    await socket.close();
    expect(sockets.size).toBe(0);
    expect(events).toEqual([['discarded', 'I say so']]);
    await expectClosed(sockets, remote);
  });

  it('[V11] one whose writing side was ended', async () => {
    const remote = await peer(silent, { allowHalfOpen: true });
    const sockets = pool();
    const socket = await sockets.dial('tcp', remote.address);
    socket.end('bye\n');
    await once(socket, 'finish');
    await socket.close();
    (await remote.connection(1)).end();
    await expectClosed(sockets, remote);
  });

  it('[V11] one that was destroyed, with an error or without', async () => {
    const remote = await peer();
    const sockets = pool();
    for (const error of [undefined, new Error('broken')]) {
      const socket = await sockets.dial('tcp', remote.address);
      const heard = error && once(socket, 'error');
      socket.destroy(error);
      if (heard) expect(await heard).toEqual([error]);
      await socket.close();
      await expectClosed(sockets, remote);
      await sockets.closeIdle();
    }
  });

  it('[V11] one whose peer has reset it', async () => {
    const remote = await peer();
    const sockets = pool();
    const socket = await sockets.dial('tcp', remote.address);
    await ask(socket, 'a');
    const failed = once(socket, 'error');
    remote.accepted[0]?.resetAndDestroy();
    expect((await failed)[0]).toMatchObject({ code: 'ECONNRESET' });
    expect(socket.destroyed).toBe(true);
    await socket.close();
    await expectClosed(sockets, remote);
  });

  it('[V11] one that holds an answer nobody has read', async () => {
    const remote = await peer();
    const sockets = pool();
    const socket = await sockets.dial('tcp', remote.address);
    socket.write('answer\n');
    await arrived(socket, 7);
    await socket.close();
    await expectClosed(sockets, remote);
  });

  it('[V11] one that holds the rest of an answer', async () => {
    const remote = await peer();
    const sockets = pool();
    const socket = await sockets.dial('tcp', remote.address);
    socket.write('answer\n');
    await once(socket, 'readable');
    expect(String(socket.read(3))).toBe('ans');
    await socket.close();
    await expectClosed(sockets, remote);
  });

  it('[V11] one that holds more than its reader could take in', async () => {
    const remote = await peer((connection) => void connection.write(Buffer.alloc(200_000)));
    const sockets = pool();
    const socket = await sockets.dial('tcp', remote.address);
    await once(socket, 'readable');
    for (let read = 0; read < 16_000; read += 1000) socket.read(1000);
    await socket.close();
    await expectClosed(sockets, remote);
  });

  it('[V11] one whose user waits for an answer', async () => {
    const remote = await peer(silent);
    const sockets = pool();
    for (const event of ['data', 'readable']) {
      const socket = await sockets.dial('tcp', remote.address);
      socket.on(event, () => undefined);
      socket.write('question\n');
      await until(() => remote.accepted.at(-1)?.bytesRead === 9);
      await socket.close();
      await expectClosed(sockets, remote);
      await sockets.closeIdle();
    }
  });

  it('[V11] one whose user has waited for an answer and given up: it may come yet', async () => {
    const remote = await peer(silent);
    const sockets = pool();
    const socket = await sockets.dial('tcp', remote.address);
    const answer = once(socket, 'data', { signal: AbortSignal.timeout(20) });
    socket.write('question\n');
    await expect(answer).rejects.toThrow('aborted');
    await socket.close();
    await expectClosed(sockets, remote);
  });

  it('[V11] one of whose answers the first half was read, when the second arrived and was lost', async () => {
    const remote = await peer(answering((line) => line.repeat(2)));
    const sockets = pool();
    const socket = await sockets.dial('tcp', remote.address);
    socket.write('one\n');
    await once(socket, 'data');
    const before = socket.bytesRead;
    (remote.accepted[0] as Socket).write('and more\n');
    await arrived(socket, before + 9);
    await socket.close();
    await expectClosed(sockets, remote);
  });

  it('one that was half closed by its peer, which ends it for its user', async () => {
    const remote = await peer(countingConnections);
    const sockets = pool();
    const socket = await sockets.dial('tcp', remote.address);
    await ask(socket, 'a');
    const closed = once(socket, 'close');
    remote.accepted[0]?.end();
    await once(socket.resume(), 'end');
    await closed;
    await socket.close();
    await expectClosed(sockets, remote);
  });

  /** So many bytes have come to the connection; whoever reads it has had the time to. */
  async function arrived(socket: PooledSocket, bytes: number): Promise<void> {
    await until(() => socket.bytesRead >= bytes);
    await new Promise((resolve) => setImmediate(resolve));
  }
});

describe('close() with a pending write', () => {
  const { pool, peer, dialled } = loopback();

  it('[V11] ends also when the peer never reads it, by resetTimeout', async () => {
    const remote = await peer(deaf);
    const sockets = pool({ resetTimeout: 100 });
    const socket = await sockets.dial('tcp', remote.address);
    socket.on('error', () => undefined);
    socket.write(FLOOD);
    await inTime(socket.close());
    await until(() => sockets.size === 0);
  });

  it('ends also when the peer resets the connection, and throws nothing that nobody can catch', async () => {
    const remote = await peer(deaf);
    const sockets = pool();
    const socket = await sockets.dial('tcp', remote.address);
    socket.write(FLOOD);
    const closed = socket.close().catch(() => undefined);
    (await remote.connection(1)).resetAndDestroy();
    await inTime(closed);
    expect(sockets.size).toBe(0);
  });

  it('ends also when the peer hangs up', async () => {
    const remote = await peer(deaf);
    const sockets = pool();
    const socket = await sockets.dial('tcp', remote.address);
    socket.on('error', () => undefined);
    socket.write(FLOOD);
    const closed = socket.close().catch(() => undefined);
    const connection = await remote.connection(1);
    connection.end();
    connection.destroy();
    await inTime(closed);
    expect(sockets.size).toBe(0);
  });

  it.each(['discarded', 'ended'])('loses nothing of it when the connection was %s', async (how) => {
    let got = 0;
    const remote = await peer(deaf);
    const sockets = pool();
    const socket = await sockets.dial('tcp', remote.address);
    const connection = await remote.connection(1);
    connection.on('data', (chunk: Buffer) => (got += chunk.length));
    connection.pause();
    const chunk = Buffer.alloc(1000, 'x');
    let sent = 0;
    // Until the kernel takes no more: what follows waits in the connection's own buffer.
    for (let more = 3; more > 0; more -= Number((dialled[0] as Socket).writableLength > 0)) {
      socket.write(chunk);
      sent += chunk.length;
    }
    if (how === 'discarded') socket.discard();
    else socket.end();
    const ended = once(connection, 'end');
    const closed = socket.close();
    connection.resume();
    await inTime(closed);
    await inTime(ended);
    expect(got).toBe(sent);
  });

  it('ends also after end(), when nobody reads what the peer sends meanwhile', async () => {
    const remote = await peer((connection) => void connection.resume().write('hello'));
    const sockets = pool();
    const socket = await sockets.dial('tcp', remote.address);
    socket.end(FLOOD);
    await inTime(socket.close());
    const connection = await remote.connection(1);
    await until(() => connection.bytesRead === FLOOD.length);
    expect(sockets.size).toBe(0);
  });
});
