import { PassThrough } from 'node:stream';
import type { Socket } from 'node:net';
import fc from 'fast-check';
import { type HeaderSize, PackageDecoder, TcpConn } from 'nestjs-conn-pool/tcp';
import { ByteQueue } from '../../lib/tcp/byte-queue.js';
import { inTime } from '../net/talk.js';

/** How often each is tried; counted, so that no property can be left out unnoticed. */
const RUNS = 300;

const headerSizes = fc.constantFrom<HeaderSize>(1, 2, 3, 4);
const bytes = (maxLength: number) => fc.uint8Array({ maxLength }).map((array) => Buffer.from(array));
/** Where to cut: as shares of what is left. */
const cuts = fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 30 });

/** The same bytes in chunks, none of which is empty. */
function cut(whole: Buffer, shares: readonly number[]): Buffer[] {
  const chunks: Buffer[] = [];
  let rest = whole;
  for (const share of shares) {
    const at = Math.floor(rest.length * share);
    if (at === 0) continue;
    // Each has memory of its own, as what comes by a socket.
    chunks.push(Buffer.from(new Uint8Array(rest.subarray(0, at)).buffer));
    rest = rest.subarray(at);
  }
  return rest.length === 0 ? chunks : [...chunks, rest];
}

function encoded(datas: readonly Buffer[], headerSize: HeaderSize): Buffer {
  const parts = datas.flatMap((data) => {
    const header = Buffer.alloc(headerSize);
    header.writeUIntBE(data.length, 0, headerSize);
    return [header, data];
  });
  return Buffer.concat(parts);
}

/** A connection to nowhere, and what comes on it. */
function open(): { conn: TcpConn; wire: PassThrough; held: () => number } {
  const wire = new PassThrough();
  const conn = TcpConn.fromSocket(wire as unknown as Socket);
  return { conn, wire, held: () => (conn as unknown as { queue: ByteQueue }).queue.length };
}

const text = (buffers: readonly Uint8Array[]): string[] =>
  buffers.map((buffer) => Buffer.from(buffer).toString('hex'));

describe('whatever is sent, however it is cut', () => {
  let runs = 0;
  beforeEach(() => {
    runs = 0;
  });
  afterEach(() => expect(runs).toBe(RUNS));

  const tried = { numRuns: RUNS };

  it('packages come out of a decoder the same, for every header', () => {
    fc.assert(
      fc.property(
        fc.array(bytes(255), { maxLength: 40 }),
        headerSizes,
        cuts,
        fc.boolean(),
        (datas, headerSize, shares, copy) => {
          runs += 1;
          const decoder = new PackageDecoder({ headerSize, copy });
          const received = cut(encoded(datas, headerSize), shares).flatMap((chunk) => decoder.push(chunk));
          expect(text(received)).toEqual(text(datas));
          expect(decoder.pending).toBe(0);
          decoder.end();
        },
      ),
      tried,
    );
  });

  it('packages come out of a connection the same, by every way of receiving them', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(bytes(255), { maxLength: 20 }),
        headerSizes,
        cuts,
        fc.constantFrom('one', 'many', 'each', 'batches'),
        async (datas, headerSize, shares, way) => {
          runs += 1;
          const { conn, wire } = open();
          for (const chunk of cut(encoded(datas, headerSize), shares)) wire.write(chunk);
          wire.end();
          const received: Buffer[] = [];
          const options = { headerSize };
          if (way === 'one')
            while (received.length < datas.length) received.push(await inTime(conn.recvPkg(options)));
          if (way === 'many')
            while (received.length < datas.length) received.push(...(await inTime(conn.recvPkgs(options))));
          if (way === 'each') for await (const data of conn.packages(options)) received.push(data);
          if (way === 'batches')
            for await (const batch of conn.packageBatches(options)) received.push(...batch);
          expect(text(received)).toEqual(text(datas));
          await expect(inTime(conn.recvPkg(options))).rejects.toMatchObject({
            code: 'ERR_EOF',
            truncated: false,
          });
          conn.destroy();
        },
      ),
      tried,
    );
  });

  it('what a connection sends, a decoder takes apart', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(bytes(255), { maxLength: 20 }), headerSizes, async (datas, headerSize) => {
        runs += 1;
        const { conn, wire } = open();
        // What is written to it comes back.
        const decoder = new PackageDecoder({ headerSize });
        await conn.sendPkgs(datas, { headerSize });
        for (const data of datas) await conn.sendPkg(data, { headerSize });
        const all =
          datas.length === 0
            ? Buffer.alloc(0)
            : await inTime(conn.recv(2 * encoded(datas, headerSize).length));
        expect(text(decoder.push(all))).toEqual(text([...datas, ...datas]));
        wire.end();
        conn.destroy();
      }),
      tried,
    );
  });

  it('lines and pieces up to a delimiter come out the same', async () => {
    const delimiters = bytes(4).filter(({ length }) => length > 0);
    await fc.assert(
      fc.asyncProperty(
        fc.array(bytes(60), { maxLength: 20 }),
        delimiters,
        cuts,
        async (raw, delimiter, shares) => {
          runs += 1;
          // Up to the first delimiter, as a receiver must see it.
          const stream = Buffer.concat(raw.flatMap((piece) => [piece, delimiter]));
          const expected: Buffer[] = [];
          for (let at = 0; at < stream.length;) {
            const end = stream.indexOf(delimiter, at) + delimiter.length;
            if (end < delimiter.length) break;
            expected.push(stream.subarray(at, end));
            at = end;
          }
          const { conn, wire } = open();
          for (const chunk of cut(stream, shares)) wire.write(chunk);
          const received: Buffer[] = [];
          for (const _piece of expected) received.push(await inTime(conn.recvTill(delimiter)));
          expect(text(received)).toEqual(text(expected));
          conn.destroy();
        },
      ),
      tried,
    );
  });

  it('a queue gives what a plain buffer would', () => {
    const acts = fc.array(
      fc.oneof(
        fc.record({ push: bytes(5000) }),
        fc.record({ take: fc.nat(6000) }),
        fc.record({ view: fc.nat(3000) }),
        fc.record({ skip: fc.nat(3000) }),
        fc.record({ copy: fc.tuple(fc.nat(500), fc.nat(500)) }),
        fc.record({ find: fc.tuple(bytes(3), fc.nat(100)) }),
        fc.record({ before: fc.nat(255) }),
        fc.record({ number: headerSizes }),
      ),
      { maxLength: 60 },
    );
    fc.assert(
      fc.property(acts, (sequence) => {
        runs += 1;
        const queue = new ByteQueue();
        let model = Buffer.alloc(0);
        const given: [Buffer, string][] = [];
        const give = (buffer: Buffer, length: number): void => {
          expect(buffer.equals(model.subarray(0, length))).toBe(true);
          given.push([buffer, buffer.toString('hex')]);
          model = model.subarray(length);
        };
        for (const act of sequence) {
          if ('push' in act) {
            queue.push(Buffer.from(new Uint8Array(act.push).buffer));
            model = Buffer.concat([model, act.push]);
          } else if ('take' in act) {
            const length = Math.min(act.take, model.length);
            give(queue.take(length), length);
          } else if ('view' in act) {
            const length = Math.min(act.view, model.length);
            give(queue.view(length), length);
          } else if ('skip' in act) {
            const length = Math.min(act.skip, model.length);
            queue.skip(length);
            model = model.subarray(length);
          } else if ('copy' in act) {
            const [from, end] = act.copy.map((at) => Math.min(at, model.length)).sort((a, b) => a - b) as [
              number,
              number,
            ];
            expect(queue.copy(from, end).equals(model.subarray(from, end))).toBe(true);
          } else if ('find' in act) {
            const [wanted, from] = act.find;
            if (wanted.length > 0 && from < model.length)
              expect(queue.indexOf(wanted, from)).toBe(model.indexOf(wanted, from));
          } else if ('before' in act) {
            const line = queue.takeBefore(act.before, 100);
            const at = model.indexOf(act.before);
            if (line !== undefined) {
              expect(line.length).toBe(at);
              give(line, at);
              model = model.subarray(1);
            }
          } else if (model.length >= act.number) {
            expect(queue.number(act.number)).toBe(model.readUIntBE(0, act.number));
          }
          expect(queue.length).toBe(model.length);
        }
        // What was given once is nobody else's to write.
        for (const [buffer, hex] of given) expect(buffer.toString('hex')).toBe(hex);
      }),
      tried,
    );
  });

  it('garbage gives packages or a documented error, never a hang, and holds no more than the limit and a chunk', async () => {
    const MAX = 500;
    const allowed = ['ERR_EOF', 'ERR_INVALID_PACKAGE_SIZE', 'ERR_LINE_TOO_LONG'];
    const CHUNK = 1000;
    await fc.assert(
      fc.asyncProperty(
        fc.array(bytes(CHUNK), { maxLength: 20 }),
        headerSizes,
        fc.constantFrom('package', 'packages', 'line', 'till', 'decoder'),
        async (chunks, headerSize, way) => {
          runs += 1;
          const options = { headerSize, maxDataSize: headerSize === 1 ? 255 : MAX };
          if (way === 'decoder') {
            const decoder = new PackageDecoder(options);
            try {
              for (const chunk of chunks) {
                decoder.push(chunk);
                expect(decoder.pending).toBeLessThanOrEqual(MAX + 4 + CHUNK);
              }
              decoder.end();
            } catch (error) {
              expect(allowed).toContain((error as { code: string }).code);
            }
            return;
          }
          const { conn, wire, held } = open();
          const receive = (): Promise<unknown> => {
            if (way === 'package') return conn.recvPkg(options);
            if (way === 'packages') return conn.recvPkgs(options);
            return way === 'line' ? conn.recvLine({ maxBytes: MAX }) : conn.recvTill('ab', { maxBytes: MAX });
          };
          const feeding = (async () => {
            for (const chunk of chunks) {
              wire.write(chunk);
              await new Promise((resolve) => setImmediate(resolve));
              expect(held()).toBeLessThanOrEqual(MAX + 4 + CHUNK);
            }
            wire.end();
          })();
          let error: unknown;
          while (error === undefined) await inTime(receive()).catch((reason: unknown) => (error = reason));
          expect(allowed).toContain((error as { code: string }).code);
          await feeding;
          conn.destroy();
        },
      ),
      tried,
    );
  });
});
