import { once } from 'node:events';
import {
  EofError,
  type HeaderSize,
  InvalidPackageSizeError,
  InvalidTcpOptionsError,
  PackageDecoder,
  PackageTooLargeError,
  TcpTimeoutError,
} from 'nestjs-conn-pool/tcp';
import { echo } from '../net/peers.js';
import { inTime, rejection, thrown } from '../net/talk.js';
import { until } from '../net/until.js';
import { loopback } from './loopback.js';

const GOLDEN: [HeaderSize, string][] = [
  [1, '0568656c6c6f'],
  [2, '000568656c6c6f'],
  [3, '00000568656c6c6f'],
  [4, '0000000568656c6c6f'],
];

describe('the bytes of a package', () => {
  const { pair } = loopback();

  it.each(GOLDEN)('[G9] "hello" with a header of %i is %s', async (headerSize, hex) => {
    const { conn, remote } = await pair();
    await conn.sendPkg('hello', { headerSize });
    const [sent] = (await once(remote, 'data')) as [Buffer];
    expect(sent.toString('hex')).toBe(hex);
    remote.write(Buffer.from(hex, 'hex'));
    expect(String(await inTime(conn.recvPkg({ headerSize })))).toBe('hello');
    expect(new PackageDecoder({ headerSize }).push(Buffer.from(hex, 'hex')).map(String)).toEqual(['hello']);
  });

  it('[G9] the header is 2 bytes by default, and an empty package is 0000', async () => {
    const { conn, remote } = await pair();
    await conn.sendPkgs(['hello', '']);
    const [sent] = (await once(remote, 'data')) as [Buffer];
    expect(sent.toString('hex')).toBe('000568656c6c6f0000');
    remote.write(sent);
    expect(String(await inTime(conn.recvPkg()))).toBe('hello');
    expect(await inTime(conn.recvPkg())).toEqual(Buffer.alloc(0));
  });

  it.each<[HeaderSize, number, string]>([
    [1, 255, 'ff'],
    [2, 256, '0100'],
    [2, 65_535, 'ffff'],
    [3, 65_536, '010000'],
    [3, 70_000, '011170'],
    [4, 65_536, '00010000'],
  ])('[G9] with a header of %i, %i bytes of data begin with %s', async (headerSize, length, header) => {
    const { conn, remote } = await pair();
    const data = Buffer.alloc(length, 'x');
    const received: Buffer[] = [];
    remote.on('data', (chunk) => received.push(chunk));
    await conn.sendPkg(data, { headerSize });
    await until(() => Buffer.concat(received).length === headerSize + length);
    const sent = Buffer.concat(received);
    expect(sent.subarray(0, headerSize).toString('hex')).toBe(header);
    expect(sent.subarray(headerSize).equals(data)).toBe(true);
    remote.write(sent);
    expect((await inTime(conn.recvPkg({ headerSize }))).equals(data)).toBe(true);
  });
});

describe('what no package may be', () => {
  const { pair } = loopback();

  it.each<[object, number]>([
    [{ headerSize: 1 }, 256],
    [{}, 65_536],
    [{ headerSize: 2 }, 65_536],
    [{ headerSize: 3 }, 16_777_216],
    [{ headerSize: 4, maxDataSize: 1000 }, 1001],
    [{ maxDataSize: 5 }, 6],
  ])('[G9] with %p, %i bytes are refused before a byte is sent', async (options, length) => {
    const { conn, remote } = await pair();
    const data = Buffer.alloc(length);
    for (const call of [
      conn.sendPkg(data, options),
      conn.sendPkgs(['a', data], options),
      conn.sendRecvPkg(data, options),
    ]) {
      const error = await rejection(call);
      expect(error).toBeInstanceOf(PackageTooLargeError);
      expect(error).toMatchObject({
        code: 'ERR_PACKAGE_TOO_LARGE',
        length,
        maxDataSize: expect.any(Number) as number,
      });
      expect(error.message).toContain(`A package of ${length} bytes was not sent`);
    }
    await conn.send('!');
    expect(String(((await once(remote, 'data')) as [Buffer])[0])).toBe('!');
  });

  it.each([
    [{ headerSize: 0 }, /headerSize: got 0; allowed: 1, 2, 3 or 4/],
    [{ headerSize: 5 }, /headerSize: got 5/],
    [{ headerSize: -1 }, /headerSize: got -1/],
    [{ headerSize: 2.5 }, /headerSize/],
    [{ headerSize: '2' }, /headerSize: got "2"/],
    [{ headerSize: 1, maxDataSize: 256 }, /maxDataSize: got 256; allowed: a whole number from 1 to 255/],
    [{ maxDataSize: 65_536 }, /maxDataSize: got 65536/],
    [{ headerSize: 3, maxDataSize: 2 ** 24 }, /maxDataSize/],
    [{ headerSize: 4, maxDataSize: 2 ** 31 }, /maxDataSize: got 2147483648; .* to 2147483647/],
    [{ maxDataSize: -1 }, /maxDataSize/],
    [{ maxDataSize: 1.5 }, /maxDataSize/],
    [{ headerSize: 9, maxDataSize: -1 }, /headerSize[^]*maxDataSize/],
  ])('[G9] %p is refused by every call, before a byte is sent', async (options, message) => {
    const { conn, remote } = await pair();
    const bad = options as { headerSize: HeaderSize };
    for (const call of [
      () => conn.sendPkg('a', bad),
      () => conn.sendPkgs(['a'], bad),
      () => conn.recvPkg(bad),
      () => conn.recvPkgs(bad),
      () => conn.sendRecvPkg('a', bad),
      async () => conn.packages(bad),
      async () => conn.packageBatches(bad),
      async () => new PackageDecoder(bad),
    ]) {
      const error = await rejection(call());
      expect(error).toBeInstanceOf(InvalidTcpOptionsError);
      expect(error.message).toMatch(message);
    }
    await conn.send('!');
    expect(String(((await once(remote, 'data')) as [Buffer])[0])).toBe('!');
  });

  it('[G9] a maxDataSize of 0 stands for what the header can express', async () => {
    const { conn } = await pair(echo);
    const data = Buffer.alloc(65_535, 'x');
    expect((await inTime(conn.sendRecvPkg(data, { maxDataSize: 0 }))).equals(data)).toBe(true);
  });
});

describe('a package that is announced longer than allowed', () => {
  const { pair } = loopback();

  it('[G9] makes the connection unfit, and says so', async () => {
    const { conn, remote } = await pair();
    remote.write(Buffer.concat([Buffer.from('0002', 'hex'), Buffer.from('okffff', 'latin1')]));
    const waiting = conn.recvPkg();
    expect(String(await inTime(waiting))).toBe('ok');
    const error = await rejection(inTime(conn.recvPkg({ maxDataSize: 100 })));
    expect(error).toBeInstanceOf(InvalidPackageSizeError);
    expect(error).toMatchObject({ code: 'ERR_INVALID_PACKAGE_SIZE', length: 0x6666, maxDataSize: 100 });
    expect(error.message).toMatch(
      /announced on the connection to 127\.0\.0\.1:\d+, and at most 100 are allowed.*unfit/,
    );
    remote.write(Buffer.from('0001', 'hex'));
    remote.write('x');
    expect(await rejection(conn.recvPkg())).toBe(error);
    expect(await rejection(conn.recv(1))).toBe(error);
    // What was wrong can still be told to the peer.
    await conn.send('bad size');
  });

  it('[G9] of two gibibytes costs nothing', async () => {
    const { conn, remote } = await pair();
    const before = process.memoryUsage();
    const received = conn.recvPkg({ headerSize: 4 });
    remote.write(Buffer.from('7fffffff', 'hex'));
    remote.write(Buffer.alloc(100_000));
    await until(() => (conn as unknown as { queue: { length: number } }).queue.length === 100_004);
    const after = process.memoryUsage();
    expect(after.arrayBuffers + after.external - before.arrayBuffers - before.external).toBeLessThan(2 ** 26);
    remote.end();
    expect(await rejection(inTime(received))).toMatchObject({ code: 'ERR_EOF', truncated: true });
  });

  it('[G9] beyond what any header of 4 bytes may say is refused', async () => {
    const { conn, remote } = await pair();
    const received = conn.recvPkg({ headerSize: 4 });
    remote.write(Buffer.from('80000000', 'hex'));
    expect(await rejection(inTime(received))).toMatchObject({ length: 2 ** 31, maxDataSize: 2 ** 31 - 1 });
  });
});

describe('receiving packages', () => {
  const { pair } = loopback();

  it('[G9] waits for all of one, however it is cut', async () => {
    const { conn, remote } = await pair();
    const received = conn.recvPkg({ headerSize: 4 });
    const bytes = Buffer.from('0000000568656c6c6f00000001', 'hex');
    const held = (conn as unknown as { queue: { length: number } }).queue;
    for (const [index, byte] of bytes.entries()) {
      remote.write(Buffer.of(byte));
      await until(() => held.length === (index < 8 ? index + 1 : index - 8));
    }
    expect(String(await inTime(received))).toBe('hello');
  });

  it('[G9] at a deadline leaves the beginning of a package for the next call', async () => {
    const { conn, remote } = await pair();
    remote.write(Buffer.from('00056865', 'hex'));
    const error = await rejection(conn.recvPkg({ timeout: 30 }));
    expect(error).toBeInstanceOf(TcpTimeoutError);
    expect(error).toMatchObject({ data: Buffer.from('he') });
    remote.write('llo');
    expect(String(await inTime(conn.recvPkg()))).toBe('hello');
  });

  it.each([
    ['between two packages', '', false, ''],
    ['in the header', '00', true, ''],
    ['behind the header', '0005', true, ''],
    ['in the data', '00056865', true, 'he'],
  ])('[G9] an end %s is told as such', async (_where, hex, truncated, data) => {
    const { conn, remote } = await pair();
    remote.end(Buffer.from(hex, 'hex'));
    const error = await rejection(inTime(conn.recvPkg()));
    expect(error).toBeInstanceOf(EofError);
    expect(error).toMatchObject({ truncated, data: Buffer.from(data) });
    expect(await rejection(conn.recvPkg())).toMatchObject({ truncated: false });
  });

  it('[G9] many sent in one write come one by one, or all at once', async () => {
    const { conn } = await pair(echo);
    const sent = Array.from({ length: 1000 }, (_, number) => `package ${number}`);
    await conn.sendPkgs(sent);
    const received: string[] = [];
    while (received.length < 500) received.push(String(await inTime(conn.recvPkg())));
    while (received.length < 1000) received.push(...(await inTime(conn.recvPkgs())).map(String));
    expect(received).toEqual(sent);
  });

  it('by an iterator, which ends with the peer', async () => {
    const { conn, remote } = await pair();
    remote.end(Buffer.from('000161000162', 'hex'));
    const received: string[] = [];
    for await (const data of conn.packages()) received.push(String(data));
    expect(received).toEqual(['a', 'b']);
  });

  it('by an iterator: an end within a package is an error', async () => {
    const { conn, remote } = await pair();
    remote.end(Buffer.from('0001610002', 'hex'));
    const packages = conn.packages();
    expect(String((await inTime(packages.next())).value)).toBe('a');
    expect(await rejection(inTime(packages.next()))).toMatchObject({ code: 'ERR_EOF', truncated: true });
  });

  it('by an iterator that is left: what it has not given is still there', async () => {
    const { conn, remote } = await pair();
    remote.write(Buffer.from('000161000162000163', 'hex'));
    for await (const data of conn.packages()) {
      expect(String(data)).toBe('a');
      break;
    }
    expect((await inTime(conn.recvPkgs())).map(String)).toEqual(['b', 'c']);
  });

  it('by an iterator: a timeout is for each of them', async () => {
    const { conn, remote } = await pair();
    const packages = conn.packages({ timeout: 200 });
    for (let number = 0; number < 4; number += 1) {
      const next = packages.next();
      await new Promise((resolve) => setTimeout(resolve, 60));
      remote.write(Buffer.from('000161', 'hex'));
      expect(String((await inTime(next)).value)).toBe('a');
    }
    expect(await rejection(inTime(packages.next()))).toBeInstanceOf(TcpTimeoutError);
  });

  it('in batches, until the end', async () => {
    const { conn, remote } = await pair();
    const batches = conn.packageBatches();
    const first = batches.next();
    remote.write(Buffer.from('000161000162', 'hex'));
    expect(((await inTime(first)).value as Buffer[]).map(String)).toEqual(['a', 'b']);
    remote.end();
    expect(await inTime(batches.next())).toEqual({ value: undefined, done: true });
  });

  it('in a batch, what comes before one that is too long, and then the error', async () => {
    const { conn, remote } = await pair();
    remote.write(Buffer.from('000161000162ffff', 'hex'));
    await until(() => (conn as unknown as { queue: { length: number } }).queue.length === 8);
    expect((await conn.recvPkgs({ maxDataSize: 5 })).map(String)).toEqual(['a', 'b']);
    expect(await rejection(conn.recvPkgs({ maxDataSize: 5 }))).toBeInstanceOf(InvalidPackageSizeError);
  });

  it('holds a peer up that sends faster than the loop takes', async () => {
    const { conn, remote } = await pair();
    const held = (conn as unknown as { queue: { length: number } }).queue;
    const one = Buffer.concat([Buffer.from('03e8', 'hex'), Buffer.alloc(1000, 'x')]);
    remote.write(Buffer.concat(Array.from({ length: 20_000 }, () => one)));
    let most = 0;
    let count = 0;
    for await (const data of conn.packages()) {
      expect(data.length).toBe(1000);
      most = Math.max(most, held.length);
      if ((count += 1) % 1000 === 0) await new Promise((resolve) => setTimeout(resolve, 2));
      if (count === 20_000) break;
    }
    expect(most).toBeGreaterThan(60_000);
    expect(most).toBeLessThan(3 * 65_536);
  });

  it('keeps little more memory than a package that somebody keeps', async () => {
    const { conn, remote } = await pair();
    const one = Buffer.concat([Buffer.from('0040', 'hex'), Buffer.alloc(64, 'x')]);
    remote.write(Buffer.concat(Array.from({ length: 900 }, () => one)));
    await until(() => (conn as unknown as { queue: { length: number } }).queue.length === 900 * 66);
    for (let count = 0; count < 400; count += 1) {
      expect((await conn.recvPkg()).buffer.byteLength).toBeLessThanOrEqual(2 * Buffer.poolSize);
    }
    const rest = await conn.recvPkgs();
    expect(rest).toHaveLength(500);
    for (const each of rest) expect(each.buffer.byteLength).toBeLessThanOrEqual(2 * Buffer.poolSize);
  });
});

describe('a decoder by itself', () => {
  it('[G9] gives what is whole, and keeps what is not', () => {
    const decoder = new PackageDecoder();
    expect(decoder.push(Buffer.from('000161000262', 'hex')).map(String)).toEqual(['a']);
    expect(decoder.pending).toBe(3);
    expect(thrown(() => decoder.end())).toMatchObject({
      code: 'ERR_EOF',
      data: Buffer.from('b'),
      truncated: true,
    });
    expect(decoder.push(new Uint8Array([0x63])).map(String)).toEqual(['bc']);
    expect(decoder.pending).toBe(0);
    expect(decoder.failure).toBeUndefined();
    decoder.end();
  });

  it('[G9] gives the packages before one that is too long, and then throws, always', () => {
    const decoder = new PackageDecoder({ maxDataSize: 3 });
    expect(decoder.push(Buffer.from('000161ffff', 'hex')).map(String)).toEqual(['a']);
    expect(decoder.failure).toMatchObject({ length: 0xffff, maxDataSize: 3 });
    expect(decoder.failure?.message).toMatch(
      /^A package of 65535 bytes was announced, and at most 3 are allowed/,
    );
    for (const call of [() => decoder.push(Buffer.alloc(1)), () => decoder.end()]) {
      expect(thrown(call)).toBeInstanceOf(InvalidPackageSizeError);
    }
    expect(decoder.pending).toBe(0);
  });

  it('throws at once when nothing else is whole', () => {
    const decoder = new PackageDecoder({ maxDataSize: 3 });
    expect(thrown(() => decoder.push(Buffer.from('0004', 'hex')))).toBeInstanceOf(InvalidPackageSizeError);
  });

  it('gives views, or copies when asked', () => {
    const chunk = Buffer.from('000161', 'hex');
    const [view] = new PackageDecoder().push(chunk);
    const [copy] = new PackageDecoder({ copy: true }).push(chunk);
    chunk[2] = 0x7a;
    expect([String(view), String(copy)]).toEqual(['z', 'a']);
  });

  it.each([true, false])('takes views of any kind, with copies: %p', (copy) => {
    const { buffer } = Uint8Array.of(0, 2, 97, 98, 0, 2, 99, 100);
    const decoder = new PackageDecoder({ copy });
    const views = [new Uint16Array(buffer, 0, 2), new DataView(buffer, 4)];
    expect(views.map((view) => decoder.push(view as unknown as Uint8Array).map(String))).toEqual([
      ['ab'],
      ['cd'],
    ]);
  });

  it.each([{ copy: 1 }, { header: 2 }, 7])('refuses %p', (options) => {
    expect(() => new PackageDecoder(options as object)).toThrow(/PackageDecoder was given a bad option/);
  });
});
