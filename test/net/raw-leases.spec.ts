import { once } from 'node:events';
import net, { type Socket } from 'node:net';
import { LeaseEndedError } from 'nestjs-conn-pool/core';
import { listenersOf } from './census.js';
import { loopback } from './loopback.js';
import { countingConnections, deaf, silent } from './peers.js';
import { ask, inTime, readLine } from './talk.js';
import { until } from './until.js';

describe('acquire', () => {
  const { pool, peer, dialled } = loopback();

  it('[V10] [V13] lends the socket itself under a lease, and shares the idle ones with dial', async () => {
    const remote = await peer(countingConnections);
    const sockets = pool();
    const lease = await sockets.acquire('tcp', remote.address);
    expect(lease.conn).toBeInstanceOf(net.Socket);
    expect([lease.reused, await ask(lease.conn, 'a')]).toEqual([false, '1:a']);
    lease.release();
    await using socket = await sockets.dial('tcp', remote.address);
    expect([socket.reused, await ask(socket, 'b')]).toEqual([true, '1:b']);
    await socket.close();
    {
      using again = await sockets.acquire('tcp', remote.address);
      expect([again.reused, await ask(again.conn, 'c'), again.conn === dialled[0]]).toEqual([
        true,
        '1:c',
        true,
      ]);
    }
    expect(() => lease.conn).toThrow(LeaseEndedError);
    expect(sockets.stats()).toMatchObject({ idle: 1, totals: { dialed: 1, acquired: 3, reused: 2 } });
  });

  it('[V8] dials with fresh, within a deadline, under a signal', async () => {
    const remote = await peer(countingConnections);
    const sockets = pool();
    (await sockets.acquire('tcp', remote.address)).release();
    const lease = await sockets.acquire('tcp', remote.address, { fresh: true });
    expect([lease.reused, await ask(lease.conn, 'a')]).toEqual([false, '2:a']);
    const reason = new Error('enough');
    await expect(
      sockets.acquire('tcp', remote.address, { signal: AbortSignal.abort(reason), timeout: '1s' }),
    ).rejects.toBe(reason);
    lease.release();
  });

  it("[V15] takes the borrower's listeners off, all of them and nobody else's", async () => {
    const remote = await peer(countingConnections);
    const sockets = pool();
    const lease = await sockets.acquire('tcp', remote.address);
    const { conn } = lease;
    const heard: string[] = [];
    const events = ['data', 'readable', 'end', 'error', 'close', 'timeout', 'drain', 'finish', 'mine'];
    for (const event of events) {
      conn.on(event, () => heard.push(event));
      conn.once(event, () => heard.push(event));
      conn.prependListener(event, () => heard.push(event));
    }
    lease.release();
    await until(() => sockets.stats().idle === 1);
    const atRest = listenersOf(conn);
    (await sockets.acquire('tcp', remote.address)).release();
    await (await sockets.dial('tcp', remote.address)).close();
    expect(listenersOf(conn)).toEqual(atRest);
    const next = await sockets.dial('tcp', remote.address);
    expect(await ask(next, 'a')).toBe('1:a');
    await next.close();
    remote.accepted[0]?.resetAndDestroy();
    await until(() => sockets.size === 0);
    expect(heard).toEqual([]);
  });

  it('[V15] takes them off also where an event has no name', async () => {
    const remote = await peer(countingConnections);
    const sockets = pool();
    const lease = await sockets.acquire('tcp', remote.address);
    const { conn } = lease;
    for (const event of [undefined as unknown as string, 'timeout', 'mine']) conn.on(event, () => undefined);
    lease.release();
    expect(['undefined', 'timeout', 'mine'].map((event) => conn.listenerCount(event))).toEqual([0, 0, 0]);
  });

  it.each<[string, (conn: Socket) => unknown]>([
    ['all listeners', (conn) => conn.removeAllListeners()],
    ['all error listeners', (conn) => conn.removeAllListeners('error')],
    ['all close listeners', (conn) => conn.removeAllListeners('close')],
  ])('[V16] still watches a socket whose borrower has removed %s, or has closed it', async (_, remove) => {
    const remote = await peer(countingConnections);
    const sockets = pool();
    for (const death of ['write', 'end', 'resetAndDestroy'] as const) {
      const lease = await sockets.acquire('tcp', remote.address);
      const theirs = await remote.connection(remote.accepted.length || 1);
      remove(lease.conn);
      lease.release();
      await until(() => sockets.stats().checking === 0);
      if (death === 'write') theirs.write('!');
      else theirs[death]();
      await inTime(until(() => sockets.size === 0));
    }
  });

  it('[V15] does not take a listener of the borrower for one of its own', async () => {
    const remote = await peer(countingConnections);
    const sockets = pool();
    const lease = await sockets.acquire('tcp', remote.address);
    const { conn } = lease;
    const heard: unknown[] = [];
    conn.removeAllListeners('error').on('error', (error) => heard.push(error));
    lease.release();
    await until(() => sockets.stats().checking === 0);
    remote.accepted[0]?.resetAndDestroy();
    await until(() => sockets.size === 0);
    expect(heard).toEqual([]);
  });

  it('[V15] takes the encoding off, and the timeout', async () => {
    const remote = await peer(countingConnections);
    const sockets = pool();
    const lease = await sockets.acquire('tcp', remote.address);
    lease.conn.setEncoding('hex').setTimeout(10_000);
    lease.conn.write('a\n');
    expect(await once(lease.conn, 'data')).toEqual([Buffer.from('1:a\n').toString('hex')]);
    lease.release();
    const next = await sockets.acquire('tcp', remote.address);
    expect([next.reused, next.conn.readableEncoding, next.conn.timeout]).toEqual([true, null, 0]);
    next.conn.write('b\n');
    expect(await once(next.conn, 'data')).toEqual([Buffer.from('1:b\n')]);
    next.release();
    const socket = await sockets.dial('tcp', remote.address);
    expect([await ask(socket, 'c'), socket.reused]).toEqual(['1:c', true]);
    await socket.close();
  });

  it('[V15] takes off what its borrower has set for writing: cork() and the encoding', async () => {
    const remote = await peer(countingConnections);
    const sockets = pool();
    const lease = await sockets.acquire('tcp', remote.address);
    const { conn } = lease;
    conn.cork();
    conn.cork();
    conn.write('held back\n');
    conn.setDefaultEncoding('hex');
    lease.release();
    await until(() => remote.accepted[0]?.bytesRead === 10);
    await until(() => sockets.size === 0 || sockets.stats().idle === 1);
    const next = await sockets.acquire('tcp', remote.address);
    expect([conn.writableCorked, conn.writableLength]).toEqual([0, 0]);
    next.discard();
    const again = await sockets.acquire('tcp', remote.address);
    again.conn.setDefaultEncoding('hex').cork();
    again.release();
    const last = await sockets.acquire('tcp', remote.address);
    expect([await inTime(ask(last.conn, '6869')), last.reused]).toEqual([
      `${remote.accepted.length}:6869`,
      true,
    ]);
    last.release();
  });

  it.each(['data', 'pipe', 'pause', 'async iterator'])(
    'leaves the socket readable for the next, however its borrower has read: %s',
    async (how) => {
      const remote = await peer(countingConnections);
      const sockets = pool();
      const lease = await sockets.acquire('tcp', remote.address);
      const { conn } = lease;
      if (how === 'async iterator') {
        conn.write('a\n');
        for await (const chunk of conn.iterator({ destroyOnReturn: false })) {
          expect(String(chunk)).toBe('1:a\n');
          break;
        }
      } else if (how === 'pipe') {
        const sink = new net.Socket();
        sink.write = (() => false) as never;
        conn.pipe(sink);
        conn.write('a\n');
        await until(() => conn.bytesRead === 4);
        sink.destroy();
      } else {
        expect(await ask(conn, 'a')).toBe('1:a');
        if (how === 'pause') conn.pause();
      }
      lease.release();
      await until(() => sockets.stats().idle === 1);
      const raw = await sockets.acquire('tcp', remote.address);
      expect([raw.reused, await inTime(ask(raw.conn, 'b'))]).toEqual([true, '1:b']);
      raw.release();
      const socket = await sockets.dial('tcp', remote.address);
      expect([socket.reused, await inTime(ask(socket, 'c'))]).toEqual([true, '1:c']);
      await socket.close();
      const again = await sockets.acquire('tcp', remote.address);
      expect(await inTime(ask(again.conn, 'd'))).toBe('1:d');
      again.release();
    },
  );

  it.each([
    ['holds unread bytes', 'unread'],
    ['holds the rest of an answer', 'half'],
    ['waits for an answer', 'awaited'],
    ['was ended', 'ended'],
    ['was destroyed', 'destroyed'],
    ['was discarded', 'discarded'],
  ])('[V11] [V12] closes a socket that %s', async (_, how) => {
    const remote = await peer(how === 'awaited' ? silent : countingConnections);
    const sockets = pool();
    const lease = await sockets.acquire('tcp', remote.address);
    const { conn } = lease;
    if (how === 'unread' || how === 'half') {
      conn.write('a\n');
      await once(conn, 'readable');
      if (how === 'half') conn.read(1);
    } else if (how === 'awaited') {
      conn.on('data', () => undefined).write('a\n');
      await until(() => remote.accepted[0]?.bytesRead === 2);
    } else if (how === 'ended') conn.end();
    else if (how === 'destroyed') conn.destroy();
    if (how === 'discarded') lease.discard();
    else lease.release();
    await until(() => sockets.size === 0);
    await until(() => remote.open.length === 0);
    await using next = await sockets.dial('tcp', remote.address);
    expect(next.reused).toBe(false);
  });

  it('[V11] waits for a pending write up to resetTimeout, then closes', async () => {
    const remote = await peer(deaf);
    const sockets = pool({ resetTimeout: 50 });
    const lease = await sockets.acquire('tcp', remote.address);
    lease.conn.write(Buffer.alloc(20_000_000));
    lease.release();
    expect(sockets.stats()).toMatchObject({ leased: 1, idle: 0 });
    await inTime(until(() => sockets.size === 0));
    expect(sockets.stats().totals.closed.discarded).toBe(1);
  });

  it('[V11] lends a socket with a pending write once that is written', async () => {
    const remote = await peer(deaf);
    const sockets = pool();
    const lease = await sockets.acquire('tcp', remote.address);
    lease.conn.write(Buffer.alloc(20_000_000));
    lease.release();
    const theirs = await remote.connection(1);
    theirs.resume();
    await until(() => sockets.stats().idle === 1);
    const next = await sockets.acquire('tcp', remote.address);
    expect([next.reused, next.conn.writableLength]).toEqual([true, 0]);
    next.release();
    await until(() => theirs.bytesRead === 20_000_000);
  });

  it("tells the borrower by the lease's signal when the peer has gone, with the cause", async () => {
    const remote = await peer();
    const sockets = pool();
    for (const death of ['resetAndDestroy', 'end'] as const) {
      const lease = await sockets.acquire('tcp', remote.address);
      lease.conn.on('error', () => undefined).resume();
      const aborted = once(lease.signal, 'abort');
      (await remote.connection(remote.accepted.length))[death]();
      await inTime(aborted);
      if (death === 'resetAndDestroy') expect(lease.signal.reason).toMatchObject({ code: 'ECONNRESET' });
      lease.release();
      await until(() => sockets.size === 0);
    }
  });

  it('throws nothing at the process when the peer resets a socket whose borrower listens to nothing', async () => {
    const remote = await peer();
    const sockets = pool();
    const lease = await sockets.acquire('tcp', remote.address);
    (await remote.connection(1)).resetAndDestroy();
    await once(lease.signal, 'abort');
    lease.release();
    await until(() => sockets.size === 0);
  });

  it('[V14] gives the socket away with detach, without a listener of the pool', async () => {
    const remote = await peer(countingConnections);
    const sockets = pool();
    const plain = net.connect(remote.port, '127.0.0.1');
    await once(plain, 'connect');
    (await sockets.acquire('tcp', remote.address)).release();
    const lease = await sockets.acquire('tcp', remote.address);
    const conn = lease.detach();
    await new Promise((resolve) => setImmediate(resolve));
    expect(listenersOf(conn)).toEqual(listenersOf(plain));
    expect([sockets.size, sockets.stats().totals.detached]).toEqual([0, 1]);
    expect(await ask(conn, 'a')).toBe('2:a');
    conn.destroy();
    plain.destroy();
  });

  it('lets bytes through that have come before the lease is read, and goes on as if nothing had been', async () => {
    const remote = await peer((socket, number) => {
      socket.write('hello\n');
      countingConnections(socket, number);
    });
    const sockets = pool();
    const lease = await sockets.acquire('tcp', remote.address);
    await until(() => lease.conn.bytesRead === 6);
    expect(await inTime(readLine(lease.conn))).toBe('hello');
    for (const line of ['a', 'b']) expect(await inTime(ask(lease.conn, line))).toBe(`1:${line}`);
    lease.release();
    expect(sockets.stats().idle).toBe(1);
  });

  it('[V15] takes off what its borrower has put on after he had removed all', async () => {
    const remote = await peer(countingConnections);
    const sockets = pool();
    const lease = await sockets.acquire('tcp', remote.address);
    const { conn } = lease;
    const heard: string[] = [];
    conn.removeAllListeners();
    for (const event of ['data', 'end', 'mine']) conn.on(event, () => heard.push(event));
    lease.release();
    await until(() => sockets.stats().checking === 0);
    const next = await sockets.dial('tcp', remote.address);
    expect(await inTime(ask(next, 'a'))).toMatch(/:a$/);
    conn.emit('mine');
    expect(heard).toEqual([]);
    next.destroy();
  });
});
