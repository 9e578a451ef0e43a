import { TcpTimeoutError } from 'nestjs-conn-pool/tcp';
import { inTime, rejection } from '../net/talk.js';
import { until } from '../net/until.js';
import { loopback } from './loopback.js';

interface Inside {
  queue: { length: number; later: unknown[] };
}

describe('peers that mean no good', () => {
  const { pair, server, connect: dial, pool, peer } = loopback();

  it('that send a byte at a time keep nobody beyond the deadline, and cost no more than their bytes', async () => {
    const { conn, remote } = await pair();
    remote.setNoDelay(true);
    const ticking = setInterval(() => remote.write('x'), 1);
    const error = await rejection(inTime(conn.recvLine({ timeout: 200 })));
    clearInterval(ticking);
    expect(error).toBeInstanceOf(TcpTimeoutError);
    expect((error.data as Buffer).length).toBeGreaterThan(10);
    expect(/^x+$/.test(String(error.data))).toBe(true);
  });

  it('that send a long line in chunks of one byte make few chunks here', async () => {
    const { conn, remote } = await pair();
    const { queue } = conn as unknown as Inside;
    const line = conn.recvLine();
    for (let sent = 0; sent < 3000; sent += 1) {
      remote.write('x');
      if (sent % 10 === 0) await new Promise((resolve) => setImmediate(resolve));
    }
    await until(() => queue.length === 3000);
    expect(queue.later.length).toBeLessThan(5);
    remote.write('\n');
    expect((await inTime(line)).length).toBe(3000);
  });

  it('that have ended their side still get what they have asked for', async () => {
    const served = await server(async (conn) => {
      for await (const data of conn.packages()) await conn.sendPkg(data);
    });
    const conn = await dial(served.address);
    await conn.sendPkgs(['a', 'b']);
    (conn as unknown as { socket: { end(): void } }).socket.end();
    expect(String(await inTime(conn.recvPkg()))).toBe('a');
    expect(String(await inTime(conn.recvPkg()))).toBe('b');
    expect(await rejection(inTime(conn.recvPkg()))).toMatchObject({ code: 'ERR_EOF', truncated: false });
  });

  it('that die between the header and the data are told of', async () => {
    for (const headerSize of [1, 2, 3, 4] as const) {
      const { conn, remote } = await pair();
      const header = Buffer.alloc(headerSize);
      header[headerSize - 1] = 5;
      remote.end(header);
      expect(await rejection(inTime(conn.recvPkg({ headerSize })))).toMatchObject({
        code: 'ERR_EOF',
        truncated: true,
      });
    }
    const { conn, remote } = await pair();
    const received = conn.recvPkg();
    remote.write(Buffer.from('0005', 'hex'));
    await until(() => (conn as unknown as Inside).queue.length === 2);
    remote.resetAndDestroy();
    expect(await rejection(inTime(received))).toMatchObject({ code: 'ECONNRESET', data: Buffer.alloc(0) });
  });

  it('that announce 2 GiB to many connections take the memory of what they have sent', async () => {
    const remote = await peer((socket) => {
      socket.write(Buffer.from('7fffffff', 'hex'));
      socket.write(Buffer.alloc(1000));
    });
    const before = process.memoryUsage();
    const conns = await Promise.all(Array.from({ length: 50 }, () => dial(remote.address)));
    const waits = conns.map((conn) => conn.recvPkg({ headerSize: 4 }).catch((error: unknown) => error));
    await until(() => conns.every((conn) => (conn as unknown as Inside).queue.length === 1004));
    const after = process.memoryUsage();
    expect(after.arrayBuffers - before.arrayBuffers).toBeLessThan(2 ** 26);
    for (const conn of conns) conn.destroy();
    await Promise.all(waits);
  });

  it('that never read hold nobody up beyond the deadline, and close() not for ever', async () => {
    const remote = await peer((socket) => void socket.pause());
    const pooled = pool();
    const conn = await pooled.get(remote.address);
    expect(
      await rejection(
        conn.sendPkgs(
          Array.from({ length: 300 }, () => Buffer.alloc(65_535)),
          { timeout: 50 },
        ),
      ),
    ).toBeInstanceOf(TcpTimeoutError);
    expect(conn.status).toBe('error');
    expect((await inTime(pooled.close({ drain: 0 }))).forced).toBe(1);
    await inTime(conn.close());
  });

  it('that flood somebody who does not read are held up', async () => {
    const flood = Buffer.alloc(2 ** 20, 'x');
    const { conn, remote } = await pair();
    const held = (conn as unknown as Inside).queue;
    for (let sent = 0; sent < 16; sent += 1) remote.write(flood);
    await until(() => held.length > 65_536);
    await new Promise((resolve) => setTimeout(resolve, 30));
    expect(held.length).toBeLessThanOrEqual(2 * 65_536);
  });

  it('that flood a server connect by connect cost it nothing but their own connections', async () => {
    const served = await server(
      async (conn) => {
        for await (const data of conn.packages({ maxDataSize: 100 })) await conn.sendPkg(data);
      },
      { onError: () => undefined },
    );
    for (let round = 0; round < 20; round += 1) {
      const conn = await dial(served.address);
      await conn.send(Buffer.from('ffff', 'hex'));
      await rejection(inTime(conn.recvPkg()));
    }
    await until(() => served.connections === 0);
    const good = await dial(served.address);
    expect(String(await inTime(good.sendRecvPkg('a')))).toBe('a');
  });

  it('that answer twice reach nobody else', async () => {
    const remote = await peer(
      (socket) => void socket.on('data', (chunk) => socket.write(Buffer.concat([chunk, chunk]))),
    );
    const pooled = pool();
    for (let round = 0; round < 5; round += 1) {
      const conn = await pooled.get(remote.address);
      expect(String(await inTime(conn.sendRecvPkg(`round ${round}`)))).toBe(`round ${round}`);
      await conn.close();
    }
    await until(() => pooled.stats().idle === 0);
    expect(pooled.stats().totals.dialed).toBe(5);
  });
});
