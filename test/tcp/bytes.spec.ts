import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import {
  EofError,
  InvalidTcpOptionsError,
  LineTooLongError,
  TcpConn,
  TcpConnClosedError,
  TcpConnLostError,
  TcpTimeoutError,
} from 'nestjs-conn-pool/tcp';
import { echo } from '../net/peers.js';
import { inTime, rejection } from '../net/talk.js';
import { until } from '../net/until.js';
import { loopback, mute } from './loopback.js';

/** So many bytes wait to be read. */
const arrived = (conn: TcpConn, bytes: number): Promise<void> =>
  until(() => (conn as unknown as { queue: { length: number } }).queue.length === bytes);

const text = async (bytes: Promise<Buffer>): Promise<string> => String(await inTime(bytes));

describe('receiving so many bytes', () => {
  const { pair } = loopback();

  it('[G3] gives exactly so many, whatever the chunks', async () => {
    const { conn, remote } = await pair();
    remote.write('hello');
    expect(await text(conn.recv(2))).toBe('he');
    const rest = conn.recv(8);
    remote.write(' wor');
    await arrived(conn, 7);
    remote.write('ld');
    expect(await text(rest)).toBe('llo worl');
    expect(await text(conn.recv(1))).toBe('d');
  });

  it('[G3] rejects at the end of the peer with what came, and then with nothing', async () => {
    const { conn, remote } = await pair();
    remote.end('hell');
    const error = await rejection(inTime(conn.recv(5)));
    expect(error).toBeInstanceOf(EofError);
    expect(error).toMatchObject({ code: 'ERR_EOF', data: Buffer.from('hell'), truncated: true });
    expect(await rejection(conn.recv(5))).toMatchObject({
      code: 'ERR_EOF',
      data: Buffer.alloc(0),
      truncated: false,
    });
  });

  it('[G3] rejects at the deadline with what came, and goes on behind it', async () => {
    const { conn, remote } = await pair();
    remote.write('hell');
    const error = await rejection(conn.recv(5, { timeout: 50 }));
    expect(error).toBeInstanceOf(TcpTimeoutError);
    expect(error).toMatchObject({ code: 'ETIMEDOUT', phase: 'receive', data: Buffer.from('hell') });
    remote.write('o!');
    expect(await text(conn.recv(2))).toBe('o!');
  });

  it('[G3] refuses more than the limit, without reading', async () => {
    const { conn, remote } = await pair();
    const error = await rejection(conn.recv(11, { maxBytes: 10 }));
    expect(error).toBeInstanceOf(InvalidTcpOptionsError);
    expect(error.message).toMatch(
      /recv\(\) was given a bad option:\n {2}length: got 11; allowed: at most "maxBytes", which is 10/,
    );
    expect(await rejection(conn.recv(2 ** 26 + 1))).toBeInstanceOf(InvalidTcpOptionsError);
    remote.write('0123456789');
    expect(await text(conn.recv(10, { maxBytes: 10 }))).toBe('0123456789');
  });

  it('[G3] tells of a connection that breaks, with what came', async () => {
    const { conn, remote } = await pair();
    remote.write('hell');
    const received = conn.recv(5);
    await arrived(conn, 4);
    remote.resetAndDestroy();
    const error = await rejection(inTime(received));
    expect(error).toBeInstanceOf(TcpConnLostError);
    expect(error).toMatchObject({ code: 'ECONNRESET', data: Buffer.from('hell') });
    expect(error.message).toMatch(/^The connection to 127\.0\.0\.1:\d+ broke: .*Connect again\.$/);
  });

  it('[G3] takes megabytes that come in pieces', async () => {
    const { conn, remote } = await pair();
    const sent = Buffer.alloc(3_000_001, 'abcdefghij');
    remote.write(sent);
    expect((await inTime(conn.recv(sent.length))).equals(sent)).toBe(true);
  });

  it.each([1.5, NaN, '3' as unknown as number, Infinity])('refuses a length of %p', async (length) => {
    const { conn } = await pair();
    expect(await rejection(conn.recv(length))).toBeInstanceOf(TypeError);
  });
});

describe('receiving what there is', () => {
  const { pair } = loopback();
  it.each([
    [100, [100]],
    [128, [128]],
    [200, [128, 72]],
    [300, [128, 128, 44]],
  ])('[G4] of %i bytes recv(0) gives %p', async (sent, expected) => {
    const { conn, remote } = await pair();
    remote.write(Buffer.alloc(sent, 'x'));
    await arrived(conn, sent);
    for (const length of expected) expect((await conn.recv(0)).length).toBe(length);
  });

  it('[G4] recv(0) waits for the first byte', async () => {
    const { conn, remote } = await pair();
    const received = conn.recv(0);
    remote.write('a');
    expect(await text(received)).toBe('a');
  });

  it('[G5] recv(-1) gives less than 128 bytes at once', async () => {
    const { conn, remote } = await pair();
    // With a gap so long that only a hurry ends the call.
    conn.setRecvBufferWait('1h');
    remote.write(Buffer.alloc(127, 'x'));
    expect((await inTime(conn.recv(-1))).length).toBe(127);
  });

  it('[G5] [G8] recv(-1) gathers more until there is a gap as long as was set', async () => {
    const { conn, remote } = await pair();
    conn.setRecvBufferWait(150);
    remote.write(Buffer.alloc(128, 'x'));
    const received = conn.recv(-1);
    await arrived(conn, 128);
    remote.write(Buffer.alloc(10_000, 'y'));
    expect((await inTime(received)).length).toBe(10_128);
  });

  it('[G5] recv(-1) gives data, and the end with the next call', async () => {
    const { conn, remote } = await pair();
    conn.setRecvBufferWait('1h');
    remote.end(Buffer.alloc(200, 'x'));
    expect((await inTime(conn.recv(-1))).length).toBe(200);
    expect(await rejection(conn.recv(-1))).toMatchObject({ code: 'ERR_EOF', truncated: false });
  });

  it('[G5] recv(-1) gives at most maxBytes, and leaves the rest', async () => {
    const { conn, remote } = await pair();
    conn.setRecvBufferWait('1h');
    remote.write(Buffer.alloc(1500, 'x'));
    expect((await inTime(conn.recv(-1, { maxBytes: 1000 }))).length).toBe(1000);
    expect((await inTime(conn.recv(-1, { maxBytes: 400 }))).length).toBe(400);
    expect((await inTime(conn.recv(-5))).length).toBe(100);
  });

  it.each([-1, NaN, Infinity, 'soon', null])('[G8] refuses a gap of %p', async (wait) => {
    const { conn } = await pair();
    expect(() => conn.setRecvBufferWait(wait as number)).toThrow(InvalidTcpOptionsError);
  });
});

describe('receiving lines', () => {
  const { pair } = loopback();

  it('[G6] leaves the newline out and the carriage return in', async () => {
    const { conn, remote } = await pair();
    remote.write('one\r\ntwo\n\nthr');
    expect(await text(conn.recvLine())).toBe('one\r');
    expect(await text(conn.recvLine())).toBe('two');
    expect(await text(conn.recvLine())).toBe('');
    const last = conn.recvLine();
    remote.write('ee\n');
    expect(await text(last)).toBe('three');
  });

  it('[G6] rejects at the end with what came of the line', async () => {
    const { conn, remote } = await pair();
    remote.end('one\ntw');
    expect(await text(conn.recvLine())).toBe('one');
    expect(await rejection(inTime(conn.recvLine()))).toMatchObject({
      code: 'ERR_EOF',
      data: Buffer.from('tw'),
    });
  });

  it('[G6] recvTill includes the delimiter, and is exact about it', async () => {
    const { conn, remote } = await pair();
    remote.write('a ENd| b end| c');
    expect(await text(conn.recvTill('end|'))).toBe('a ENd| b end|');
    expect(await rejection(conn.recvTill('end|', { timeout: 20 }))).toMatchObject({
      data: Buffer.from(' c'),
    });
  });

  it('[G6] finds a delimiter that is cut in any place', async () => {
    const { conn, remote } = await pair();
    remote.setNoDelay(true);
    for (let cut = 1; cut < 4; cut += 1) {
      const received = conn.recvTill(Buffer.from('e\r\n\n'));
      remote.write(`data e\r${'e\r\n\n'.slice(0, cut)}`);
      await arrived(conn, 7 + cut);
      remote.write('e\r\n\n'.slice(cut));
      expect(await text(received)).toBe('data e\re\r\n\n');
    }
  });

  it('[G6] an empty delimiter is a TypeError', async () => {
    const { conn } = await pair();
    expect(await rejection(conn.recvTill(''))).toBeInstanceOf(TypeError);
    expect(await rejection(conn.recvTill(Buffer.alloc(0)))).toBeInstanceOf(TypeError);
  });

  it('[G6] a line longer than allowed makes the connection unfit', async () => {
    const { conn, remote } = await pair();
    remote.write('0123456789\n01234567890');
    expect(await text(conn.recvLine({ maxBytes: 10 }))).toBe('0123456789');
    const error = await rejection(inTime(conn.recvLine({ maxBytes: 10 })));
    expect(error).toBeInstanceOf(LineTooLongError);
    expect(error).toMatchObject({ code: 'ERR_LINE_TOO_LONG', maxBytes: 10 });
    remote.write('\nmore\n');
    expect(await rejection(conn.recv(1))).toBe(error);
    expect(await rejection(conn.recvLine())).toBe(error);
  });

  it('[G6] a line may be a mebibyte long by default', async () => {
    const { conn, remote } = await pair();
    const long = Buffer.alloc(2 ** 20, 'x');
    remote.write(long);
    remote.write('\n');
    remote.write(long);
    expect((await inTime(conn.recvLine())).length).toBe(2 ** 20);
    const tooLong = conn.recvLine();
    remote.write('x');
    expect(await rejection(inTime(tooLong))).toBeInstanceOf(LineTooLongError);
  });

  it.each([0, -1, 1.5, NaN, '7'])('refuses a maxBytes of %p', async (maxBytes) => {
    const { conn } = await pair();
    expect(await rejection(conn.recvLine({ maxBytes: maxBytes as number }))).toBeInstanceOf(
      InvalidTcpOptionsError,
    );
  });

  it('come one after the other by an iterator, and the end of the peer ends it', async () => {
    const { conn, remote } = await pair();
    remote.end('one\ntwo\nthree\n');
    const lines: string[] = [];
    for await (const line of conn.lines()) lines.push(String(line));
    expect(lines).toEqual(['one', 'two', 'three']);
  });

  it('an end in the middle of a line is no line', async () => {
    const { conn, remote } = await pair();
    remote.end('one\ntw');
    const lines = conn.lines();
    expect(await inTime(lines.next())).toMatchObject({ value: Buffer.from('one'), done: false });
    expect(await rejection(inTime(lines.next()))).toMatchObject({ code: 'ERR_EOF', data: Buffer.from('tw') });
    expect(await lines.next()).toEqual({ value: undefined, done: true });
  });

  it('come all at once, as many as there are', async () => {
    const { conn, remote } = await pair();
    remote.write('one\ntwo\n\nthr');
    expect((await inTime(conn.recvLines())).map(String)).toEqual(['one', 'two', '']);
    const next = conn.recvLines({ maxBytes: 10 });
    remote.write('ee\nfour\n');
    expect((await inTime(next)).map(String)).toEqual(['three', 'four']);
    remote.write('five\n01234567890\n');
    await arrived(conn, 17);
    expect((await conn.recvLines({ maxBytes: 10 })).map(String)).toEqual(['five']);
    expect(await rejection(conn.recvLines({ maxBytes: 10 }))).toBeInstanceOf(LineTooLongError);
  });

  it('come in batches by an iterator', async () => {
    const { conn, remote } = await pair();
    const sent = Array.from({ length: 20_000 }, (_, number) => `line ${number}`);
    remote.end(`${sent.join('\n')}\n`);
    const received: string[] = [];
    let batches = 0;
    for await (const batch of conn.lineBatches()) {
      received.push(...batch.map(String));
      batches += 1;
    }
    expect(received).toEqual(sent);
    expect(batches).toBeLessThan(2000);
  });

  it('come whole over many chunks, one by one', async () => {
    const { conn, remote } = await pair();
    const sent = Array.from({ length: 20_000 }, (_, number) => 'x'.repeat(number % 300));
    remote.end(`${sent.join('\n')}\n`);
    for (const line of sent) if (String(await conn.recvLine()) !== line) throw new Error('another line came');
    expect(await rejection(conn.recvLine())).toMatchObject({ code: 'ERR_EOF', truncated: false });
  });

  it('what a loop has not taken stays for the next call', async () => {
    const { conn, remote } = await pair();
    remote.write('one\ntwo\nrest');
    for await (const line of conn.lines()) {
      expect(String(line)).toBe('one');
      break;
    }
    expect(await text(conn.recvLine())).toBe('two');
    expect(await text(conn.recv(4))).toBe('rest');
  });
});

describe('sending', () => {
  const { pair, peer, connect } = loopback();

  it('[G2] sends text and bytes of any kind, in the order of the calls', async () => {
    const { conn, remote } = await pair();
    const received: Buffer[] = [];
    remote.on('data', (chunk) => received.push(chunk));
    await Promise.all([
      conn.send('héllo '),
      conn.send(Buffer.from('wor')),
      conn.send(new Uint8Array([108, 100])),
    ]);
    await until(() => Buffer.concat(received).length === 12);
    expect(String(Buffer.concat(received))).toBe('héllo world');
  });

  it.each([undefined, null, 7, {}])('refuses %p', async (data) => {
    const { conn } = await pair();
    expect(await rejection(conn.send(data as string))).toBeInstanceOf(TypeError);
  });

  it('[G7] waits until the peer reads, but not beyond its timeout', async () => {
    const { conn, remote } = await pair((socket) => void socket.pause());
    const much = Buffer.alloc(64 * 2 ** 20);
    const error = await rejection(conn.send(much, { timeout: 50 }));
    expect(error).toBeInstanceOf(TcpTimeoutError);
    expect(error).toMatchObject({ phase: 'send', code: 'ETIMEDOUT' });
    remote.resume();
  });

  it('resolves once all is accepted, in spite of a slow reader', async () => {
    const { conn, remote } = await pair((socket) => void socket.pause());
    let isSent = false;
    const sending = conn.send(Buffer.alloc(16 * 2 ** 20)).then(() => (isSent = true));
    await new Promise((resolve) => setTimeout(resolve, 30));
    expect(isSent).toBe(false);
    remote.resume();
    await inTime(sending);
  });

  it('asks and takes the answer in one call', async () => {
    const { conn } = await pair(echo);
    expect(await text(conn.sendRecv('hello', 5))).toBe('hello');
    expect(await text(conn.sendRecv('hello', -1))).toBe('hello');
  });

  it('asks more than fits on the way of somebody who answers while it is asked', async () => {
    // It takes no more than it can pass on.
    const { conn } = await pair((socket) => void socket.pipe(socket));
    const much = Buffer.alloc(24 * 2 ** 20, 'abcdefg');
    expect((await inTime(conn.sendRecv(much, much.length))).equals(much)).toBe(true);
    const large = much.subarray(0, 12 * 2 ** 20);
    expect((await inTime(conn.sendRecvPkg(large, { headerSize: 3 }))).equals(large)).toBe(true);
  });

  it('an exchange whose sending fails does not wait for an answer', async () => {
    const { conn, remote } = await pair((socket) => void socket.pause());
    const much = Buffer.alloc(64 * 2 ** 20);
    expect(await rejection(inTime(conn.sendRecv(much, 1, { timeout: 30 })))).toBeInstanceOf(TcpTimeoutError);
    const other = conn.sendRecv('a', 1);
    remote.resetAndDestroy();
    expect(await rejection(inTime(other))).toBeInstanceOf(TcpConnLostError);
  });

  it('takes the answers of questions asked side by side in their order', async () => {
    const { conn } = await pair(echo);
    const asked = Array.from({ length: 100 }, (_, number) => `question ${String(number).padStart(3, '0')}`);
    const answers = await Promise.all(asked.map((question) => text(conn.sendRecv(question, 12))));
    expect(answers).toEqual(asked);
  });

  it('[G2] a connection that is dead is told of, as often as the budget says, and the budget is left as it was', async () => {
    const { conn, remote } = await pair();
    remote.resetAndDestroy();
    await rejection(inTime(conn.recv(1)));
    const retry = Object.freeze({ count: 2, interval: 40 });
    const begun = performance.now();
    const error = await rejection(conn.send('hello', { retry }));
    expect(error).toMatchObject({ code: 'ECONNRESET' });
    // Node's timers may be a millisecond early.
    expect(performance.now() - begun).toBeGreaterThanOrEqual(78);
    expect(retry).toEqual({ count: 2, interval: 40 });
  });

  it('[G2] the pause is 100 ms by default', async () => {
    const { conn, remote } = await pair();
    remote.resetAndDestroy();
    await rejection(inTime(conn.recv(1)));
    const begun = performance.now();
    await rejection(conn.send('hello', { retry: { count: 1 } }));
    expect(performance.now() - begun).toBeGreaterThanOrEqual(98);
  });

  it('[G2] an end, a close, a deadline and a signal are not tried again', async () => {
    const retry = { count: 3, interval: '1h' };
    const { conn, remote } = await pair();
    remote.end();
    await rejection(inTime(conn.recv(1)));
    await until(() => !(conn as unknown as { socket: { writable: boolean } }).socket.writable);
    expect(await rejection(inTime(conn.send('a', { retry })))).toMatchObject({ code: 'EPIPE' });
    await conn.close();
    expect(await rejection(inTime(conn.send('a', { retry })))).toBeInstanceOf(TcpConnClosedError);
    const other = await pair();
    other.conn.setSendDeadline(0);
    expect(await rejection(inTime(other.conn.send('a', { retry })))).toBeInstanceOf(TcpTimeoutError);
    const reason = new Error('no');
    expect(await rejection(other.conn.send('a', { retry, signal: AbortSignal.abort(reason) }))).toBe(reason);
  });

  it('[G2] the timeout and the signal end the pause', async () => {
    const { conn, remote } = await pair();
    remote.resetAndDestroy();
    await rejection(inTime(conn.recv(1)));
    const retry = { count: 3, interval: '1h' };
    expect(await rejection(inTime(conn.send('a', { retry, timeout: 20 })))).toBeInstanceOf(TcpTimeoutError);
    const abort = new AbortController();
    const sending = conn.send('a', { retry, signal: abort.signal });
    const reason = new Error('enough');
    abort.abort(reason);
    expect(await rejection(inTime(sending))).toBe(reason);
  });

  it('[G2] what may have been accepted is not sent again', async () => {
    const remote = await peer((socket) => void socket.pause());
    const conn = await connect(remote.address);
    const sending = conn.send(Buffer.alloc(16 * 2 ** 20), { retry: { count: 2, interval: '1h' } });
    (await remote.connection(1)).resetAndDestroy();
    expect(await rejection(inTime(sending))).toBeInstanceOf(TcpConnLostError);
  });

  it.each([
    [{ retry: { count: -1 } }, /retry\.count: got -1/],
    [{ retry: { count: 1.5 } }, /retry\.count/],
    [{ retry: {} }, /retry\.count: got undefined/],
    [{ retry: { count: 1, interval: Infinity } }, /retry\.interval/],
    [{ retry: { count: 1, resend: 1 } }, /retry\.resend/],
    [{ retry: { count: 1, pause: 1 } }, /retry\.pause: no option of this name/],
    [{ retry: 3 }, /retry: got 3/],
    [{ timeout: -1 }, /timeout: got -1/],
    [{ timeout: 'soon' }, /timeout/],
    [{ signal: {} }, /signal: .*an AbortSignal/],
    [{ deadline: 1 }, /deadline: no option of this name/],
    [7, /options: got 7/],
  ])('refuses %p, and sends nothing', async (options, message) => {
    const { conn, remote } = await pair();
    const error = await rejection(conn.send('hello', options as object));
    expect(error).toBeInstanceOf(InvalidTcpOptionsError);
    expect(error).toMatchObject({
      code: 'ERR_INVALID_OPTIONS',
      message: expect.stringMatching(message) as string,
    });
    await conn.send('!');
    const [first] = (await once(remote, 'data')) as [Buffer];
    expect(String(first)).toBe('!');
  });
});

describe('deadlines', () => {
  const { pair } = loopback();

  it('[G8] end what waits already and what comes later, and close nothing', async () => {
    const { conn, remote } = await pair(echo);
    const waiting = conn.recv(1);
    expect(conn.setDeadline(Date.now() + 30)).toBe(conn);
    expect(await rejection(inTime(waiting))).toBeInstanceOf(TcpTimeoutError);
    expect(await rejection(inTime(conn.recv(1)))).toBeInstanceOf(TcpTimeoutError);
    expect(await rejection(inTime(conn.send('a')))).toMatchObject({ phase: 'send' });
    conn.setDeadline(null);
    expect(await text(conn.sendRecv('hello', 5))).toBe('hello');
    expect(remote.destroyed).toBe(false);
  });

  it('[G8] are for each direction by itself', async () => {
    const { conn } = await pair(echo);
    conn.setRecvDeadline(new Date(0));
    await conn.send('a');
    expect(await rejection(inTime(conn.recv(5)))).toBeInstanceOf(TcpTimeoutError);
    conn.setRecvDeadline(null).setSendDeadline(new Date(0));
    expect(await rejection(conn.send('b'))).toBeInstanceOf(TcpTimeoutError);
    conn.setSendDeadline(null);
  });

  it('[G8] end a send that waits for a slow reader', async () => {
    const { conn } = await pair((socket) => void socket.pause());
    const sending = conn.send(Buffer.alloc(64 * 2 ** 20));
    conn.setSendDeadline(Date.now() + 20);
    expect(await rejection(inTime(sending))).toMatchObject({ phase: 'send' });
  });

  it('[G7] a timeout covers the whole exchange and leaves an earlier deadline standing', async () => {
    const { conn } = await pair();
    conn.setDeadline(Date.now() + 40);
    const begun = performance.now();
    expect(await rejection(inTime(conn.sendRecv('a', 1, { timeout: '1h' })))).toBeInstanceOf(TcpTimeoutError);
    expect(performance.now() - begun).toBeGreaterThanOrEqual(35);
    // It stands still.
    expect(await rejection(inTime(conn.recv(1)))).toBeInstanceOf(TcpTimeoutError);
  });

  it('[G7] a timeout of its own leaves no trace', async () => {
    const { conn, remote } = await pair();
    expect(await rejection(conn.recv(1, { timeout: 10 }))).toBeInstanceOf(TcpTimeoutError);
    remote.write('a');
    expect(await text(conn.recv(1))).toBe('a');
  });

  it('a far one is none', async () => {
    const { conn, remote } = await pair();
    conn.setDeadline(Date.now() + 2 ** 40);
    const received = conn.recv(1, { timeout: Infinity });
    remote.write('a');
    expect(await text(received)).toBe('a');
    const other = conn.recv(1, { timeout: 0 });
    remote.write('b');
    expect(await text(other)).toBe('b');
  });

  it.each([NaN, 'soon', new Date(NaN), {}])('[G8] refuses %p', async (at) => {
    const { conn } = await pair();
    expect(() => conn.setDeadline(at as number)).toThrow(InvalidTcpOptionsError);
    expect(() => conn.setRecvDeadline(at as number)).toThrow(/a Date, milliseconds since 1970, or null/);
  });
});

describe('signals', () => {
  const { pair } = loopback();

  it('end a wait with their own reason, and leave what came', async () => {
    const { conn, remote } = await pair();
    const abort = new AbortController();
    remote.write('hell');
    const received = conn.recv(5, { signal: abort.signal });
    const reason = { why: 'enough' };
    abort.abort(reason);
    expect(await rejection(inTime(received))).toBe(reason);
    remote.write('o');
    expect(await text(conn.recv(5))).toBe('hello');
  });

  it('that have aborted before stop everything, and nothing is sent', async () => {
    const { conn, remote } = await pair();
    const reason = new Error('before');
    const signal = AbortSignal.abort(reason);
    for (const call of [
      conn.send('a', { signal }),
      conn.recv(1, { signal }),
      conn.recvLine({ signal }),
      conn.sendRecvPkg('a', { signal }),
      conn.packages({ signal }).next(),
    ]) {
      expect(await rejection(call)).toBe(reason);
    }
    await conn.send('!');
    expect(String(((await once(remote, 'data')) as [Buffer])[0])).toBe('!');
  });

  it('hear nothing of a call that is over', async () => {
    const { conn } = await pair(echo);
    const abort = new AbortController();
    await conn.sendRecv('a', 1, { signal: abort.signal, timeout: '1h' });
    abort.abort();
    expect(await text(conn.sendRecv('b', 1))).toBe('b');
  });
});

describe('calls side by side', () => {
  const { pair } = loopback();

  it('receive in their order', async () => {
    const { conn, remote } = await pair();
    const calls = [conn.recv(2), conn.recvLine(), conn.recvPkg(), conn.recv(1)];
    remote.write('abline\n\0\x03pkgz');
    expect((await inTime(Promise.all(calls))).map(String)).toEqual(['ab', 'line', 'pkg', 'z']);
  });

  it('one that is given up does not hold up those behind it', async () => {
    const { conn, remote } = await pair();
    const abort = new AbortController();
    const first = conn.recv(10, { signal: abort.signal });
    const second = conn.recv(3);
    remote.write('abc');
    abort.abort();
    await rejection(first);
    expect(await text(second)).toBe('abc');
  });

  it('an exchange that is given up takes those behind it along: its answer would be theirs', async () => {
    const { conn, remote } = await pair();
    const abort = new AbortController();
    const first = conn.sendRecvPkg('one', { signal: abort.signal });
    const second = conn.sendRecvPkg('two');
    const plain = conn.recv(4);
    abort.abort(new Error('given up'));
    await rejection(first);
    expect(await rejection(second)).toMatchObject({ code: 'ERR_OUT_OF_STEP' });
    remote.write('late');
    expect(await text(plain)).toBe('late');
  });
});

describe('back-pressure', () => {
  const { pair } = loopback();

  it('holds the peer up when nobody reads, and lets it go on', async () => {
    const { conn, remote } = await pair();
    const much = Buffer.alloc(32 * 2 ** 20, 'x');
    remote.write(much);
    const held = (conn as unknown as { queue: { length: number } }).queue;
    await until(() => held.length > 65_536);
    // A turn in which more would have come.
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(held.length).toBeLessThanOrEqual(65_536 * 2);
    expect(remote.writableLength).toBeGreaterThan(0);
    for (let left = much.length; left > 0;)
      left -= (await inTime(conn.recv(Math.min(left, 1_000_000)))).length;
    expect(held.length).toBe(0);
  });
});

describe('making and ending', () => {
  const { pair, peer, connect: dial } = loopback();

  it('[G1] connects, and knows both ends', async () => {
    const { conn, remote } = await pair();
    expect(conn.remotePort).toBe(remote.localPort);
    expect(conn.localPort).toBe(remote.remotePort);
    expect([conn.remoteAddress, conn.localAddress]).toEqual(['127.0.0.1', '127.0.0.1']);
    expect(conn.address).toBe(`127.0.0.1:${remote.localPort}`);
  });

  it('[G1] tells when it is refused, with what the system said', async () => {
    const gone = await peer();
    const { address } = gone;
    await gone.close();
    const error = await rejection(TcpConn.connect(address));
    expect(error).toMatchObject({ name: 'TcpDialError', code: 'ECONNREFUSED', address });
    expect(error.cause).toMatchObject({ code: 'ECONNREFUSED' });
  });

  it.each(['', 'nowhere', '127.0.0.1', '127.0.0.1:0', '127.0.0.1:99999', ':80', 7])(
    '[G1] refuses the address %p',
    async (address) => {
      expect(await rejection(TcpConn.connect(address as string))).toMatchObject({
        code: 'ERR_INVALID_ADDRESS',
      });
    },
  );

  it.each([{ timeout: -1 }, { tls: 7 }, { signal: 7 }, { retry: {} }])('[G1] refuses %p', async (options) => {
    const error = await rejection(TcpConn.connect('127.0.0.1:1', options as object));
    expect(error).toMatchObject({ code: 'ERR_INVALID_OPTIONS' });
  });

  it('[G1] a signal ends the connecting with its own reason', async () => {
    const reason = new Error('no');
    const remote = await peer();
    expect(await rejection(TcpConn.connect(remote.address, { signal: AbortSignal.abort(reason) }))).toBe(
      reason,
    );
    expect(remote.accepted).toEqual([]);
  });

  it.each([{ ciphers: 'nonsense' }, { cert: 'nonsense', key: 'x' }, { minVersion: 'x' as never }])(
    '[G1] TLS options that Node refuses are told as what keeps it from connecting: %p',
    async (tls) => {
      const { address } = await peer();
      const error = await rejection(TcpConn.connect(address, { tls }));
      expect(error).toMatchObject({ name: 'TcpDialError', address });
      expect(error.code).toBe((error.cause as { code?: string }).code ?? 'ERR_DIAL');
    },
  );

  it('[G1] a handshake that takes too long is a timeout', async () => {
    const remote = await peer(() => undefined);
    const error = await rejection(TcpConn.connect(remote.address, { timeout: 30, tls: {} }));
    expect(error).toMatchObject({ code: 'ETIMEDOUT', phase: 'connect' });
    await remote.abandoned();
  });

  it('[G1] takes over a socket, with what it has received', async () => {
    const server = createServer((socket) => socket.end('hello')).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
    await once(socket, 'readable');
    const conn = TcpConn.fromSocket(socket);
    expect(await text(conn.recv(5))).toBe('hello');
    await conn.close();
    server.close();
  });

  it('[G1] takes over a socket that was paused', async () => {
    const server = createServer({ pauseOnConnect: true }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
    const [accepted] = (await once(server, 'connection')) as [Socket];
    socket.write('hello');
    const conn = TcpConn.fromSocket(accepted);
    expect(await text(conn.recv(5))).toBe('hello');
    await conn.close();
    socket.destroy();
    server.close();
  });

  it('[G1] tells of a socket that was reset before it was taken over', async () => {
    const remote = await peer(mute);
    const socket = connect(remote.port, '127.0.0.1').on('error', () => undefined);
    const gone = new Promise((resolve) => socket.once('close', resolve));
    (await remote.connection(1)).resetAndDestroy();
    await gone;
    const conn = TcpConn.fromSocket(socket);
    expect(await rejection(conn.recv(1))).toMatchObject({ code: 'ECONNRESET' });
    expect(await rejection(conn.send('a'))).toMatchObject({ code: 'ECONNRESET' });
    await conn.close();
  });

  it('[G1] a timeout that is longer than the longest timer is not over at once', async () => {
    const remote = await peer(() => undefined);
    const abort = new AbortController();
    const dialling = rejection(
      TcpConn.connect(remote.address, { timeout: '30d', tls: {}, signal: abort.signal }),
    );
    await once(await remote.connection(1), 'data');
    const reason = new Error('enough');
    setTimeout(() => abort.abort(reason), 5);
    expect(await dialling).toBe(reason);
    await remote.abandoned();
  });

  it('[G5] [G2] a gap and a pause that are longer than the longest timer are not over at once', async () => {
    const { conn, remote } = await pair();
    conn.setRecvBufferWait('30d');
    const reading = conn.recv(-1);
    remote.write('x'.repeat(200));
    await arrived(conn, 200);
    setTimeout(() => remote.end('y'), 5);
    expect(await text(reading)).toBe(`${'x'.repeat(200)}y`);
    const other = await pair();
    other.remote.resetAndDestroy();
    await rejection(inTime(other.conn.recv(1)));
    const retry = { count: 1, interval: '30d' };
    const sending = other.conn.send('a', { retry, timeout: 20 });
    expect(await rejection(inTime(sending))).toBeInstanceOf(TcpTimeoutError);
  });

  it('[G1] refuses what is no socket', () => {
    expect(() => TcpConn.fromSocket({} as never)).toThrow(InvalidTcpOptionsError);
    expect(() => TcpConn.fromSocket(undefined as never)).toThrow(/a socket without an encoding/);
  });

  it('close() does not wait for what a send that was given up has left', async () => {
    const { conn } = await pair((socket) => void socket.pause());
    await rejection(conn.send(Buffer.alloc(16 * 2 ** 20), { timeout: 20 }));
    await inTime(conn.close(), 4000);
  });

  it('close() sends what is left, tells those that wait, and may be called again', async () => {
    const { conn, remote } = await pair();
    const received: Buffer[] = [];
    remote.on('data', (chunk) => received.push(chunk));
    const waiting = conn.recv(1);
    const sent = conn.send(Buffer.alloc(1_000_000, 'x'));
    const closed = conn.close();
    expect(await rejection(waiting)).toBeInstanceOf(TcpConnClosedError);
    await inTime(Promise.all([sent, closed, conn.close()]));
    await until(() => remote.readableEnded);
    expect(Buffer.concat(received).length).toBe(1_000_000);
    expect(conn.closed).toBe(true);
  });

  it('after close() every call rejects', async () => {
    const { conn } = await pair();
    await conn.close();
    for (const call of [
      conn.send('a'),
      conn.recv(1),
      conn.recv(0),
      conn.recv(-1),
      conn.recvLine(),
      conn.recvTill('a'),
      conn.sendRecv('a', 1),
      conn.sendPkg('a'),
      conn.sendPkgs(['a']),
      conn.recvPkg(),
      conn.recvPkgs(),
      conn.sendRecvPkg('a'),
      conn.lines().next(),
      conn.packages().next(),
      conn.packageBatches().next(),
    ]) {
      expect(await rejection(call)).toMatchObject({ name: 'TcpConnClosedError', code: 'ERR_CONN_CLOSED' });
    }
  });

  it('await using closes', async () => {
    const remote = await peer();
    {
      await using conn = await dial(remote.address);
      await conn.send('a');
    }
    await remote.abandoned();
  });
});
