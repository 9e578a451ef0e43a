import { setTimeout as delay } from 'node:timers/promises';
import { DialError, InvalidOptionsError, PoolClosedError, PoolExhaustedError } from 'nestjs-conn-pool/core';
import { PoolConn, TcpConn, TcpConnClosedError, TcpPool, TcpTimeoutError } from 'nestjs-conn-pool/tcp';
import { FakeClock } from 'nestjs-conn-pool/testing';
import { answering, countingConnections, echo, refusing } from '../net/peers.js';
import { inTime, rejection, thrown } from '../net/talk.js';
import { until } from '../net/until.js';
import { loopback, mute } from './loopback.js';

const RESEND = { retry: { count: 2, interval: 10, resend: true } };

const text = async (bytes: Promise<Buffer>): Promise<string> => String(await inTime(bytes));

describe('getting a connection', () => {
  const { pool, peer } = loopback();

  it('[G10] dials, and gives the same again when it was given back', async () => {
    const { address, accepted } = await peer(countingConnections);
    const pooled = pool({ name: 'devices' });
    for (const reused of [false, true, true]) {
      const conn = await pooled.get(address);
      expect(conn).toBeInstanceOf(PoolConn);
      expect(conn).toBeInstanceOf(TcpConn);
      expect(conn.reused).toBe(reused);
      await conn.send('a\n');
      expect(await text(conn.recvLine())).toBe('1:a');
      await conn.close();
    }
    expect(accepted).toHaveLength(1);
    expect([pooled.size, pooled.idleCount(address)]).toEqual([1, 1]);
  });

  it('[G10] is for each address by itself, and without a limit', async () => {
    const [one, other] = [await peer(countingConnections), await peer(countingConnections)];
    const pooled = pool();
    const conns = await Promise.all(
      [one, one, one, one, one, other].map(({ address }) => pooled.get(address)),
    );
    await Promise.all(conns.map((conn) => conn.close()));
    expect([pooled.idleCount(one.address), pooled.idleCount(other.address)]).toEqual([5, 1]);
    expect(pooled.stats()).toMatchObject({ name: 'default', max: 0, maxIdle: Infinity, idle: 6 });
  });

  it('[G10] heeds max and maxIdle', async () => {
    const { address } = await peer();
    const pooled = pool({ max: 2, maxIdle: 1 });
    const conns = [await pooled.get(address), await pooled.get(address)];
    expect(await rejection(pooled.get(address))).toBeInstanceOf(PoolExhaustedError);
    for (const conn of conns) await conn.close();
    expect([pooled.size, pooled.idleCount(address)]).toEqual([1, 1]);
  });

  it('[G10] tells when it is refused', async () => {
    const address = await refusing();
    const error = await rejection(pool({ name: 'gone' }).get(address));
    expect(error).toBeInstanceOf(DialError);
    expect(error).toMatchObject({ pool: 'gone', cause: { code: 'ECONNREFUSED' } });
  });

  it('[G10] has a timeout and a signal for each call', async () => {
    const { address } = await peer();
    const pooled = pool({ max: 1, exhausted: 'wait' });
    const held = await pooled.get(address);
    expect(await rejection(pooled.get(address, { timeout: 20 }))).toMatchObject({
      code: 'ERR_ACQUIRE_TIMEOUT',
    });
    const reason = new Error('enough');
    expect(await rejection(pooled.get(address, { signal: AbortSignal.abort(reason) }))).toBe(reason);
    await held.close();
  });

  it('[G10] can be made to dial anew', async () => {
    const { address } = await peer();
    const pooled = pool();
    await (await pooled.get(address)).close();
    const conn = await pooled.get(address, { fresh: true });
    expect(conn.reused).toBe(false);
    await conn.close();
    expect(pooled.idleCount(address)).toBe(2);
  });

  it.each(['nowhere', '', '127.0.0.1:0'])('[G10] refuses the address %p', async (address) => {
    expect(await rejection(pool().get(address))).toMatchObject({
      code: 'ERR_INVALID_ADDRESS',
      pool: 'default',
    });
  });
});

describe('the time to live', () => {
  const { pool, peer } = loopback();

  it('[G10] is 600 s of idleness, and then the socket is really closed', async () => {
    const clock = new FakeClock();
    const remote = await peer();
    const pooled = pool({ clock });
    await (await pooled.get(remote.address)).close();
    await clock.advance(599_000);
    expect(pooled.idleCount(remote.address)).toBe(1);
    await clock.advance(1_500);
    expect(pooled.size).toBe(0);
    await remote.abandoned();
    expect(pooled.stats().totals.closed['idle-timeout']).toBe(1);
  });

  it('[G10] may be another', async () => {
    const clock = new FakeClock();
    const remote = await peer();
    const pooled = pool({ clock, idleTimeout: '5s' });
    await (await pooled.get(remote.address)).close();
    await clock.advance(5_500);
    expect(pooled.size).toBe(0);
    await remote.abandoned();
  });
});

describe('the status of a connection', () => {
  const { pool, peer } = loopback();

  it('[G11] is active when new, unknown when reused, and follows what was done last', async () => {
    const { address } = await peer();
    const pooled = pool();
    const first = await pooled.get(address);
    expect(first.status).toBe('active');
    await first.close();
    const second = await pooled.get(address);
    expect(second.status).toBe('unknown');
    await second.send('a');
    expect(second.status).toBe('active');
    expect(await text(second.recv(1))).toBe('a');
    await rejection(second.recv(1, { timeout: 10 }));
    expect(second.status).toBe('error');
    expect(await text(second.sendRecv('b', 1))).toBe('b');
    expect(second.status).toBe('active');
    await second.close();
  });

  it.each([false, true])('[G11] unused, reused: %p, goes back', async (reused) => {
    const { address, accepted } = await peer();
    const pooled = pool();
    if (reused) await (await pooled.get(address)).close();
    await (await pooled.get(address)).close();
    expect(pooled.idleCount(address)).toBe(1);
    expect(accepted).toHaveLength(1);
  });

  it('[G11] after an error it is ended', async () => {
    const remote = await peer(mute);
    const pooled = pool();
    const conn = await pooled.get(remote.address);
    await rejection(conn.recvPkg({ timeout: 10 }));
    await conn.close();
    expect(pooled.size).toBe(0);
    await remote.abandoned();
  });

  it('[G11] [G13] after a wait that was given up it is ended, whatever has succeeded since: the answer may still come', async () => {
    const remote = await peer();
    const pooled = pool();
    const conn = await pooled.get(remote.address);
    await rejection(conn.recv(1, { timeout: 10 }));
    expect(await text(conn.sendRecv('a', 1))).toBe('a');
    expect(conn.status).toBe('active');
    await conn.close();
    expect(pooled.size).toBe(0);
  });

  it('[G11] after a send that was given up it is ended, even if all is sent in the end', async () => {
    const remote = await peer((socket) => void socket.pause());
    const pooled = pool();
    const conn = await pooled.get(remote.address);
    await rejection(conn.send(Buffer.alloc(16 * 2 ** 20), { timeout: 20 }));
    (await remote.connection(1)).resume();
    await inTime(conn.send('a'));
    expect(conn.status).toBe('active');
    await conn.close();
    expect(pooled.size).toBe(0);
  });

  it('[G11] after a send whose deadline had passed it is ended', async () => {
    const { address } = await peer();
    const pooled = pool();
    const conn = await pooled.get(address);
    conn.setSendDeadline(0);
    expect(await rejection(conn.send('a'))).toBeInstanceOf(TcpTimeoutError);
    expect(conn.status).toBe('error');
    await conn.close();
    expect(pooled.size).toBe(0);
  });

  it('[G11] what was refused for its options is no error', async () => {
    const { address } = await peer();
    const pooled = pool();
    const conn = await pooled.get(address);
    await rejection(conn.sendPkg('a', { headerSize: 5 as 4 }));
    await rejection(conn.sendPkg(Buffer.alloc(70_000)));
    expect(conn.status).toBe('active');
    await conn.close();
    expect(pooled.idleCount(address)).toBe(1);
  });

  it('[G11] close() twice is close() once', async () => {
    const { address } = await peer(countingConnections);
    const pooled = pool();
    const conn = await pooled.get(address);
    await Promise.all([conn.close(), conn.close()]);
    await conn.close();
    const next = await pooled.get(address);
    await conn.close();
    conn.discard();
    await next.send('a\n');
    expect(await text(next.recvLine())).toBe('1:a');
    expect(next).not.toBe(conn);
    await next.close();
    expect(pooled.stats()).toMatchObject({ size: 1, idle: 1, totals: { dialed: 1 } });
  });

  it('[G11] after close() whatever is called rejects, and does not touch the next borrower', async () => {
    const { address } = await peer();
    const pooled = pool();
    const old = await pooled.get(address);
    await old.close();
    const next = await pooled.get(address);
    for (const call of [
      old.send('x'),
      old.recv(1),
      old.recvLine(),
      old.sendRecv('x', 1),
      old.sendPkg('x'),
      old.sendRecvPkg('x'),
      old.packages().next(),
    ]) {
      const error = await rejection(call);
      expect(error).toBeInstanceOf(TcpConnClosedError);
      expect(error).toMatchObject({ code: 'ERR_CONN_CLOSED', pool: 'default' });
    }
    old.setDeadline(0);
    expect(await text(next.sendRecv('a', 1))).toBe('a');
    await next.close();
  });

  it('await using gives it back', async () => {
    const { address } = await peer();
    const pooled = pool();
    {
      await using conn = await pooled.get(address);
      expect(await text(conn.sendRecv('a', 1))).toBe('a');
    }
    expect(pooled.idleCount(address)).toBe(1);
  });

  it('use() gives it back, and ends it when the work fails', async () => {
    const { address } = await peer();
    const pooled = pool();
    expect(await pooled.use(address, (conn) => text(conn.sendRecv('a', 1)))).toBe('a');
    expect(pooled.idleCount(address)).toBe(1);
    const failure = new Error('no');
    expect(await rejection(pooled.use(address, () => Promise.reject(failure)))).toBe(failure);
    expect(pooled.size).toBe(0);
  });

  it('use() without a function borrows nothing', async () => {
    const { address } = await peer();
    const pooled = pool();
    const error = await rejection(pooled.use(address, 5 as never));
    expect(error).toBeInstanceOf(InvalidOptionsError);
    expect(error.message).toMatch(/work: got 5; allowed: a function/);
    expect(pooled.stats().totals.dialed).toBe(0);
  });

  it('a discarded one is ended', async () => {
    const { address } = await peer();
    const pooled = pool();
    const conn = await pooled.get(address);
    conn.discard();
    expect(await text(conn.sendRecv('a', 1))).toBe('a');
    await conn.close();
    expect(pooled.size).toBe(0);
  });

  it('a deadline does not reach the next borrower', async () => {
    const { address } = await peer();
    const pooled = pool();
    const first = await pooled.get(address);
    first.setDeadline(Date.now() + 20).setRecvBufferWait('1h');
    await first.close();
    const second = await pooled.get(address);
    await new Promise((resolve) => setTimeout(resolve, 30));
    expect(await text(second.sendRecv(Buffer.alloc(130, 'a'), -1))).toBe('a'.repeat(130));
    await second.close();
  });

  it('close() does not wait for what a send that was given up has left', async () => {
    const remote = await peer((socket) => void socket.pause());
    const pooled = pool();
    const using = pooled.use(remote.address, (conn) =>
      conn.send(Buffer.alloc(16 * 2 ** 20), { timeout: 20 }),
    );
    expect(await rejection(inTime(using, 4000))).toBeInstanceOf(TcpTimeoutError);
    expect(pooled.size).toBe(0);
  });

  it('close() waits until what was sent is on its way', async () => {
    const remote = await peer((socket) => void socket.pause());
    const pooled = pool();
    const conn = await pooled.get(remote.address);
    const sending = conn.send(Buffer.alloc(8 * 2 ** 20));
    const closing = conn.close();
    expect(pooled.idleCount(remote.address)).toBe(0);
    (await remote.connection(1)).resume();
    await inTime(Promise.all([sending, closing]));
    await until(() => pooled.idleCount(remote.address) === 1);
  });
});

describe('bytes that nobody has read', () => {
  const { pool, peer } = loopback();

  it('[G13] end the connection at close()', async () => {
    const remote = await peer(countingConnections);
    const pooled = pool();
    const conn = await pooled.get(remote.address);
    await conn.send('a\nb\n');
    expect(await text(conn.recvLine())).toBe('1:a');
    await until(() => (conn as unknown as { queue: { length: number } }).queue.length > 0);
    await conn.close();
    expect(pooled.size).toBe(0);
    await using next = await pooled.get(remote.address);
    await next.send('c\n');
    expect(await text(next.recvLine())).toBe('2:c');
  });

  it('[G13] end it while it is idle', async () => {
    const remote = await peer(mute);
    const pooled = pool();
    await (await pooled.get(remote.address)).close();
    expect(pooled.idleCount(remote.address)).toBe(1);
    (await remote.connection(1)).write('unasked');
    await until(() => pooled.size === 0);
  });

  it('[G13] and an answer that is still to come end it', async () => {
    const remote = await peer(answering((line) => (line === 'slow' ? undefined : line)));
    const pooled = pool();
    const conn = await pooled.get(remote.address);
    await conn.send('quick\n');
    await conn.recvLine();
    await conn.send('slow\n');
    await conn.close();
    expect(pooled.size).toBe(0);
  });

  it.each<[string, (conn: PoolConn) => Promise<unknown>]>([
    ['sendPkgs', (conn) => conn.sendPkgs(['a1', 'a2']).then(() => conn.recvPkg())],
    ['sendPkg', (conn) => Promise.all([conn.sendPkg('a1'), conn.sendPkg('a2'), conn.recvPkg()])],
    ['sendRecvPkg', (conn) => Promise.all([conn.sendPkg('a1'), conn.sendRecvPkg('a2')])],
    ['recvPkgs', (conn) => conn.sendPkgs(['a1', 'a2']).then(() => conn.recvPkgs())],
  ])('[G13] one answer to two packages ends it: the other may still come: %s', async (_what, act) => {
    const remote = await peer((socket) => void socket.once('data', () => socket.write('\0\x02re')));
    const pooled = pool();
    const conn = await pooled.get(remote.address);
    await inTime(act(conn));
    await conn.close();
    expect(pooled.size).toBe(0);
  });

  it('[G13] packages that are all answered leave it fit, and so do notices, and packages nobody has asked for', async () => {
    const remote = await peer(echo);
    const pooled = pool();
    const conn = await pooled.get(remote.address);
    (await remote.connection(1)).write('\0\x02hi');
    expect(await text(conn.recvPkg())).toBe('hi');
    await conn.sendPkgs(['a1', 'a2', 'a3']);
    expect(await text(conn.recvPkg())).toBe('a1');
    for (let more = 2; more > 0;) more -= (await inTime(conn.recvPkgs())).length;
    expect(await text(conn.sendRecvPkg('b'))).toBe('b');
    await conn.close();
    expect(pooled.idleCount(remote.address)).toBe(1);
    const silent = await peer((socket) => void socket.resume());
    const notifier = await pooled.get(silent.address);
    await notifier.sendPkgs(['a', 'b']);
    await notifier.close();
    expect(pooled.idleCount(silent.address)).toBe(1);
  });

  it('[G13] bytes that come before the first question of a borrower are no answer to it: another takes its place', async () => {
    const remote = await peer(countingConnections);
    const pooled = pool();
    await (await pooled.get(remote.address)).close();
    const conn = await pooled.get(remote.address);
    (await remote.connection(1)).write('late\n');
    await until(() => (conn as unknown as { queue: { length: number } }).queue.length > 0);
    expect(await text(conn.sendRecv('a\n', 4))).toBe('2:a\n');
    await conn.close();
    expect(pooled.stats()).toMatchObject({ size: 1, idle: 1 });
  });

  it('[G13] whoever only sends leaves it fit', async () => {
    const remote = await peer((socket) => void socket.resume());
    const pooled = pool();
    const conn = await pooled.get(remote.address);
    await conn.send('log line\n');
    await conn.close();
    expect(pooled.idleCount(remote.address)).toBe(1);
  });

  it('[G13] somebody who still waits for bytes is told, and the connection ended', async () => {
    const remote = await peer(mute);
    const pooled = pool();
    const conn = await pooled.get(remote.address);
    const waiting = conn.recv(1);
    await conn.close();
    expect(await rejection(waiting)).toBeInstanceOf(TcpConnClosedError);
    expect(pooled.size).toBe(0);
  });

  it('[G13] a line that is too long, a package that is too long end it', async () => {
    const remote = await peer(echo);
    const pooled = pool();
    const one = await pooled.get(remote.address);
    await one.send('0123456789\n');
    await rejection(one.recvLine({ maxBytes: 5 }));
    await one.close();
    const other = await pooled.get(remote.address);
    await other.send(Buffer.from('ffff', 'hex'));
    await rejection(other.recvPkg({ maxDataSize: 5 }));
    await other.close();
    expect(pooled.stats()).toMatchObject({ size: 0, totals: { dialed: 2 } });
  });
});

describe('a reused connection that is dead', () => {
  const { pool, peer } = loopback();

  /** Breaks it under its borrower, before he has done anything. */
  const breakUnder = async (conn: PoolConn): Promise<void> => {
    const { socket } = conn as unknown as { socket: { destroy(error: Error): void; destroyed: boolean } };
    socket.destroy(Object.assign(new Error('reset'), { code: 'ECONNRESET' }));
    await until(() => (conn as unknown as { ended: boolean }).ended);
  };

  it.each<[string, (conn: PoolConn) => Promise<unknown>, unknown]>([
    ['send', (conn) => conn.send('a\n').then(() => text(conn.recvLine())), '2:a'],
    ['sendRecv', (conn) => text(conn.sendRecv('a\n', 4)), '2:a\n'],
  ])('[G12] is replaced when %s finds that out', async (_what, act, expected) => {
    const remote = await peer(countingConnections);
    const pooled = pool();
    await (await pooled.get(remote.address)).close();
    const conn = await pooled.get(remote.address);
    await breakUnder(conn);
    expect(await act(conn)).toBe(expected);
    expect([conn.reused, conn.status]).toEqual([false, 'active']);
    await conn.close();
    expect(pooled.stats()).toMatchObject({ size: 1, idle: 1, totals: { dialed: 2 } });
  });

  it.each<[string, (conn: PoolConn) => Promise<unknown>]>([
    ['sendPkg', (conn) => conn.sendPkg('a').then(() => text(conn.recvPkg()))],
    ['sendPkgs', (conn) => conn.sendPkgs(['a']).then(() => text(conn.recvPkg()))],
    ['sendRecvPkg', (conn) => text(conn.sendRecvPkg('a'))],
  ])('[G12] is replaced when %s finds that out', async (_what, act) => {
    const remote = await peer();
    const pooled = pool();
    await (await pooled.get(remote.address)).close();
    const conn = await pooled.get(remote.address);
    await breakUnder(conn);
    expect(await act(conn)).toBe('a');
    await conn.close();
    expect(remote.accepted).toHaveLength(2);
  });

  it('[G12] three that were reset while idle: the next send succeeds', async () => {
    const remote = await peer();
    const pooled = pool();
    const conns = await Promise.all([1, 2, 3].map(() => pooled.get(remote.address)));
    for (const conn of conns) await conn.close();
    expect(pooled.idleCount(remote.address)).toBe(3);
    await until(() => remote.accepted.length === 3);
    for (const socket of remote.accepted) socket.resetAndDestroy();
    await using conn = await pooled.get(remote.address);
    expect(await text(conn.sendRecvPkg('a'))).toBe('a');
  });

  it('[G12] three that were reset in the turn in which one is borrowed: the dead ones are passed over, and one is dialled', async () => {
    const remote = await peer(countingConnections);
    const pooled = pool();
    const conns = await Promise.all([1, 2, 3].map(() => pooled.get(remote.address)));
    for (const conn of conns) await conn.close();
    const conn = await pooled.get(remote.address);
    // The system says so at the write, before any event has told.
    const sockets = conns.map(
      (each) =>
        (each as unknown as { socket: { _handle: { writeUtf8String: unknown; writeBuffer: unknown } } })
          .socket,
    );
    for (const { _handle } of sockets) _handle.writeBuffer = _handle.writeUtf8String = () => -104;
    await conn.send('a\n');
    expect(await text(conn.recvLine())).toBe('4:a');
    expect(conn.reused).toBe(false);
    await conn.close();
    expect(pooled.stats()).toMatchObject({ size: 1, totals: { dialed: 4 } });
  });

  it('[G12] is not replaced once something has succeeded, nor when it is new', async () => {
    const remote = await peer();
    const pooled = pool();
    const conn = await pooled.get(remote.address);
    await breakUnder(conn);
    expect(await rejection(conn.send('a'))).toMatchObject({ code: 'ECONNRESET', pool: 'default' });
    await conn.close();
    await (await pooled.get(remote.address)).close();
    const reused = await pooled.get(remote.address);
    expect(await text(reused.sendRecv('a', 1))).toBe('a');
    await breakUnder(reused);
    expect(await rejection(reused.send('b'))).toMatchObject({ code: 'ECONNRESET' });
    expect(reused.status).toBe('error');
    await reused.close();
    expect(pooled.size).toBe(0);
  });

  it('[G12] what was received in its place is not asked again: receiving never replaces', async () => {
    const remote = await peer(mute);
    const pooled = pool();
    await (await pooled.get(remote.address)).close();
    const conn = await pooled.get(remote.address);
    (await remote.connection(1)).end();
    expect(await rejection(inTime(conn.recv(1)))).toMatchObject({ code: 'ERR_EOF' });
    await conn.close();
    expect(remote.accepted).toHaveLength(1);
  });

  it('[G12] is replaced once, however many send and receive side by side, in their order', async () => {
    const remote = await peer(countingConnections);
    const pooled = pool();
    await (await pooled.get(remote.address)).close();
    const conn = await pooled.get(remote.address);
    await breakUnder(conn);
    const outcomes = [
      text(conn.sendRecv('a\n', 4)),
      conn.send('b\n').then(() => 'sent'),
      text(conn.recvLine()),
      text(conn.sendRecv('c\n', 4)),
    ];
    expect(await inTime(Promise.all(outcomes))).toEqual(['2:a\n', 'sent', '2:b', '2:c\n']);
    expect(remote.accepted).toHaveLength(2);
    await conn.close();
    expect(pooled.stats()).toMatchObject({ size: 1, idle: 1, leased: 0, totals: { dialed: 2 } });
  });

  it('[G12] a receive beside the send that replaces it gets what the other one says', async () => {
    const remote = await peer();
    const pooled = pool();
    await (await pooled.get(remote.address)).close();
    const conn = await pooled.get(remote.address);
    await breakUnder(conn);
    const sending = conn.sendPkg('a');
    expect(await text(conn.recvPkg())).toBe('a');
    await sending;
    await conn.close();
    expect(pooled.idleCount(remote.address)).toBe(1);
  });

  it('[G12] [G13] what the dead one has said is no answer of the other', async () => {
    const remote = await peer(countingConnections);
    const pooled = pool();
    await (await pooled.get(remote.address)).close();
    const conn = await pooled.get(remote.address);
    (await remote.connection(1)).end('goodbye\n');
    await until(() => (conn as unknown as { ended: boolean }).ended);
    await until(() => !(conn as unknown as { socket: { writable: boolean } }).socket.writable);
    await conn.send('a\n');
    expect(await text(conn.recvLine())).toBe('2:a');
    await conn.close();
    expect(pooled.idleCount(remote.address)).toBe(1);
  });

  it('[G12] when none can be had, all that waited for it are told, and nothing is left lent', async () => {
    const remote = await peer();
    const pooled = pool();
    await (await pooled.get(remote.address)).close();
    const conn = await pooled.get(remote.address);
    await breakUnder(conn);
    await remote.close();
    const calls = [conn.sendRecvPkg('a'), conn.sendPkg('b'), conn.recvPkg(), conn.sendRecvPkg('c')];
    const errors = await inTime(Promise.all(calls.map((call) => rejection(call as Promise<unknown>))));
    expect(errors[0]).toBeInstanceOf(DialError);
    for (const error of errors.slice(1)) expect(error).toMatchObject({ code: 'ECONNRESET' });
    await conn.close();
    expect(pooled.size).toBe(0);
  });

  it('[G12] the dial that fails is what the send rejects with, after as many pauses as the budget has', async () => {
    const remote = await peer();
    const pooled = pool();
    await (await pooled.get(remote.address)).close();
    const conn = await pooled.get(remote.address);
    await breakUnder(conn);
    await remote.close();
    const retry = Object.freeze({ count: 2, interval: 40 });
    const begun = performance.now();
    expect(await rejection(conn.send('a', { retry }))).toBeInstanceOf(DialError);
    expect(performance.now() - begun).toBeGreaterThanOrEqual(78);
    await conn.close();
    expect(pooled.size).toBe(0);
  });

  it.each<[string, (conn: PoolConn, bytes: Buffer) => Promise<unknown>]>([
    ['send', (conn, bytes) => conn.send(bytes, RESEND).then(() => conn.recv(4))],
    ['sendRecv', (conn, bytes) => conn.sendRecv(bytes, 4, RESEND)],
  ])(
    '[G2] [G12] what was accepted in part is sent to the replacement, where that is allowed: %s',
    async (_what, act) => {
      const length = 16 * 2 ** 20;
      const remote = await peer((socket, number) => {
        if (number === 1) return void socket.pause();
        let received = 0;
        socket.on('data', (chunk) => (received += chunk.length) === length && socket.write('done'));
      });
      const pooled = pool();
      await (await pooled.get(remote.address)).close();
      const conn = await pooled.get(remote.address);
      const answer = act(conn, Buffer.alloc(length)) as Promise<Buffer>;
      await delay(20);
      (await remote.connection(1)).resetAndDestroy();
      expect(await text(answer)).toBe('done');
      await conn.close();
      expect(pooled.idleCount(remote.address)).toBe(1);
    },
  );

  it('[G2] [G12] the budget is for the time in which a server is away', async () => {
    const remote = await peer();
    const { port, address } = remote;
    const pooled = pool({ dialBackoff: { initial: 1, max: 1 } });
    await (await pooled.get(address)).close();
    const conn = await pooled.get(address);
    await breakUnder(conn);
    await remote.close();
    const sending = conn.sendRecv('a', 1, { retry: { count: 500, interval: 10 } });
    const { createServer } = await import('node:net');
    const back = createServer(
      (socket) =>
        void echo(
          socket.on('error', () => undefined),
          1,
        ),
    ).listen(port, '127.0.0.1');
    expect(await text(sending)).toBe('a');
    await conn.close();
    back.close();
    await pooled.close();
  });

  describe('whose replacement takes for ever', () => {
    const begin = async (): Promise<PoolConn> => {
      const remote = await peer();
      let isHanging = false;
      const pooled = pool({ host: (address) => (isHanging ? new Promise(() => undefined) : address) });
      await (await pooled.get(remote.address)).close();
      const conn = await pooled.get(remote.address);
      await breakUnder(conn);
      isHanging = true;
      return conn;
    };

    it('[G12] heeds the timeout', async () => {
      const conn = await begin();
      expect(await rejection(inTime(conn.send('a', { timeout: 30 })))).toBeInstanceOf(TcpTimeoutError);
      await conn.close();
    });

    it('[G12] heeds the deadline', async () => {
      const conn = await begin();
      conn.setSendDeadline(Date.now() + 30);
      expect(await rejection(inTime(conn.sendPkg('a')))).toBeInstanceOf(TcpTimeoutError);
      await conn.close();
    });

    it('[G12] so does what is sent beside it', async () => {
      const conn = await begin();
      const abort = new AbortController();
      const first = rejection(conn.send('a', { signal: abort.signal }));
      expect(await rejection(inTime(conn.send('b', { timeout: 30 })))).toBeInstanceOf(TcpTimeoutError);
      const third = conn.send('c');
      conn.setSendDeadline(Date.now() + 30);
      expect(await rejection(inTime(third))).toBeInstanceOf(TcpTimeoutError);
      conn.setSendDeadline(null);
      const fourth = conn.send('d');
      const closing = conn.close();
      expect(await rejection(inTime(fourth))).toBeInstanceOf(TcpConnClosedError);
      abort.abort(new Error('enough'));
      await inTime(Promise.all([first, closing]));
    });

    it('[G12] heeds the signal', async () => {
      const conn = await begin();
      const abort = new AbortController();
      const sending = conn.send('a', { signal: abort.signal });
      const reason = new Error('enough');
      abort.abort(reason);
      expect(await rejection(inTime(sending))).toBe(reason);
      await conn.close();
    });
  });

  it('[G12] a user who leaves meanwhile is told, and the replacement is not kept from others', async () => {
    const remote = await peer();
    let go: () => void = () => undefined;
    let wait: Promise<void> | undefined = undefined;
    const pooled = pool({ host: async (address) => (await wait, address) });
    await (await pooled.get(remote.address)).close();
    const conn = await pooled.get(remote.address);
    await breakUnder(conn);
    wait = new Promise((resolve) => (go = resolve));
    const sending = conn.send('a');
    await conn.close();
    go();
    expect(await rejection(inTime(sending))).toBeInstanceOf(TcpConnClosedError);
    await until(() => pooled.stats().leased === 0);
  });
});

describe('the examples of the predecessor', () => {
  const { pool, server } = loopback();

  it('[G14] a connection that both sides keep: the port stays the same', async () => {
    const { port } = await server(async (conn) => {
      for (;;) await conn.send(Buffer.concat([Buffer.from('> '), await conn.recv(-1)]));
    });
    const pooled = pool();
    const ports = new Set<unknown>();
    for (let round = 0; round < 5; round += 1) {
      const conn = await pooled.get(`127.0.0.1:${port}`);
      ports.add(conn.localPort);
      expect(await text(conn.sendRecv(`round ${round}`, -1))).toBe(`> round ${round}`);
      await conn.close();
    }
    expect(ports.size).toBe(1);
  });

  it('[G15] a server that closes after each answer: every call succeeds, by a new port each time', async () => {
    const { port } = await server(async (conn) => {
      await conn.send(Buffer.concat([Buffer.from('> '), await conn.recv(-1)]));
    });
    const pooled = pool();
    const ports = new Set<unknown>();
    for (let round = 0; round < 5; round += 1) {
      const conn = await pooled.get(`127.0.0.1:${port}`);
      ports.add(conn.localPort);
      expect(await text(conn.sendRecv(`round ${round}`, -1))).toBe(`> round ${round}`);
      await conn.close();
      // The predecessor's client sleeps for a second.
      await until(() => pooled.size === 0);
    }
    expect(ports.size).toBe(5);
  });

  it('[G15] a server that closes when its answer is taken and the next question is about to come: answer and end alternate', async () => {
    const hangUps: (() => Promise<void>)[] = [];
    const { port } = await server(async (conn) => {
      await conn.send(Buffer.concat([Buffer.from('> '), await conn.recv(-1)]));
      await new Promise<void>((resolve) => hangUps.push(async () => resolve()));
    });
    const pooled = pool();
    const outcomes: unknown[] = [];
    const ports: unknown[] = [];
    for (let round = 0; round < 6; round += 1) {
      const conn = await pooled.get(`127.0.0.1:${port}`);
      ports.push(conn.localPort);
      const asked = conn.sendRecv(`round ${round}`, -1).then(String, ({ code }: { code: string }) => code);
      if (round % 2 === 1) await hangUps.pop()?.();
      outcomes.push(await inTime(asked));
      await conn.close();
    }
    expect(outcomes).toEqual(['> round 0', 'ERR_EOF', '> round 2', 'ERR_EOF', '> round 4', 'ERR_EOF']);
    expect(ports[0]).toBe(ports[1]);
    expect(new Set(ports).size).toBe(3);
  });
});

describe('a TCP pool as a pool', () => {
  const { pool, peer } = loopback();

  it('is open, counts, and closes idle ones', async () => {
    const { address } = await peer();
    const pooled = pool({ name: 'devices' });
    await pooled.start();
    await (await pooled.get(address)).close();
    expect([pooled.state, pooled.name]).toEqual(['open', 'devices']);
    expect(pooled.inspect()).toMatchObject([{ network: 'tcp', address, state: 'idle', uses: 1 }]);
    expect(await pooled.closeIdle()).toBe(1);
    expect(pooled.size).toBe(0);
  });

  it('closed by force, tells its borrowers why', async () => {
    const { address } = await peer(mute);
    const pooled = pool({ name: 'devices' });
    const conn = await pooled.get(address);
    const waiting = conn.recv(1);
    expect(await pooled.close({ drain: 0 })).toMatchObject({ closed: 1, forced: 1 });
    const error = await rejection(inTime(waiting));
    expect(error).toBeInstanceOf(TcpConnClosedError);
    expect(error.cause).toBeInstanceOf(PoolClosedError);
    expect(await rejection(conn.send('a'))).toBeInstanceOf(TcpConnClosedError);
    await conn.close();
    expect(await rejection(pooled.get(address))).toBeInstanceOf(PoolClosedError);
  });

  it('closed by force, tells those who are sending as well', async () => {
    const { address } = await peer((socket) => void socket.pause());
    const pooled = pool({ name: 'devices' });
    const conn = await pooled.get(address);
    const sending = [conn.send(Buffer.alloc(16 * 2 ** 20)), conn.sendPkg('a')];
    const errors = Promise.all(sending.map((each) => rejection(inTime(each))));
    await pooled.close({ drain: 0 });
    for (const error of await errors) {
      expect(error).toBeInstanceOf(TcpConnClosedError);
      expect(error.cause).toBeInstanceOf(PoolClosedError);
    }
    await conn.close();
  });

  it('closing, waits for a borrower', async () => {
    const { address } = await peer();
    const pooled = pool();
    const conn = await pooled.get(address);
    const closing = pooled.close();
    expect(await text(conn.sendRecv('a', 1))).toBe('a');
    await conn.close();
    expect(await inTime(closing)).toMatchObject({ closed: 1, forced: 0 });
  });

  it('asks idle connections by a probe that talks as everybody does', async () => {
    const { address } = await peer();
    let healthy = true;
    const pooled = pool({
      heartbeat: async (conn, { signal }) => {
        expect(conn.address).toBe(address);
        const answer = await conn.sendRecvPkg('ping', { signal });
        if (!healthy || String(answer) !== 'ping') throw new Error('sick');
      },
    });
    const conn = await pooled.get(address);
    await conn.close();
    expect(await pooled.heartbeat()).toMatchObject({ checked: 1, healthy: 1, failed: 0 });
    await using again = await pooled.get(address);
    expect(again.reused).toBe(true);
    expect(await text(again.sendRecvPkg('a'))).toBe('a');
    await again.close();
    healthy = false;
    expect(await pooled.heartbeat()).toMatchObject({ checked: 1, failed: 1 });
    await until(() => pooled.size === 0);
  });

  it('a probe that leaves bytes unread makes the connection unfit', async () => {
    const { address } = await peer();
    let sloppy = false;
    const pooled = pool({
      heartbeat: async (conn) => {
        if (sloppy) await conn.sendRecv('ab', 1);
      },
    });
    await (await pooled.get(address)).close();
    sloppy = true;
    const report = await pooled.heartbeat();
    expect(report).toMatchObject({ checked: 1, failed: 1 });
    expect(String((report.cause as Error).message)).toContain('unread');
  });

  it('lists every bad option, those that only sockets have as well', () => {
    const options = { max: -1, idleData: 'keep', replay: true, heartbeat: 7, tls: 1, min: 1 };
    const error = thrown(() => new TcpPool(options as object));
    expect(error).toMatchObject({ code: 'ERR_INVALID_OPTIONS', pool: 'default' });
    for (const name of Object.keys(options)) expect(error.message).toMatch(new RegExp(`^ {2}${name}: `, 'm'));
    expect(() => new TcpPool(7 as unknown as object)).toThrow(/options: got 7/);
    expect(thrown(() => new TcpPool({ name: 'x', replay: true } as object))).toMatchObject({ pool: 'x' });
  });

  it('takes undefined for what was not said', () => {
    const pooled = pool({ maxIdle: undefined, idleTimeout: undefined, tls: undefined });
    expect(pooled.stats().maxIdle).toBe(Infinity);
  });

  it('await using closes it', async () => {
    const { address } = await peer();
    let seen: TcpPool;
    {
      await using pooled = pool();
      seen = pooled;
      await (await pooled.get(address)).close();
    }
    expect(seen.state).toBe('closed');
  });
});
