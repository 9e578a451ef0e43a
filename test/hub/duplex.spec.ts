import { jest } from '@jest/globals';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { Duplex } from 'node:stream';
import { ConnectionClosedError, ConnHub, type HubEvent, type Membership } from 'nestjs-conn-pool/hub';
import { until } from './until.js';

describe('any Duplex in a hub', () => {
  jest.setTimeout(30_000);
  let server: Server;
  let hub: ConnHub;
  let events: HubEvent[];
  let clients: Socket[];

  beforeEach(async () => {
    events = [];
    clients = [];
    hub = new ConnHub({ maxQueueMessages: 10 });
    hub.events$.subscribe((event) => void events.push(event));
    server = createServer((socket) => void hub.add('ann', socket)).listen(0, '127.0.0.1');
    await once(server, 'listening');
  });
  afterEach(async () => {
    await hub.close({ drain: 0 });
    for (const client of clients) client.destroy();
    await new Promise((resolve) => server.close(resolve));
  });

  async function client(): Promise<{ socket: Socket; heard: () => string }> {
    const socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
    clients.push(socket);
    let text = '';
    socket.on('data', (chunk: Buffer) => (text += chunk.toString())).on('error', () => undefined);
    await until(() => hub.has('ann'));
    return { socket, heard: () => text };
  }

  it('[W11] is sent payloads with delimiters, in order', async () => {
    const { heard } = await client();
    await Promise.all([
      hub.push('ann', 'one'),
      hub.push('ann', { two: 2 }),
      hub.broadcast('three'),
      hub.push('ann', Buffer.from('four'), { binary: true }),
    ]);
    await until(() => heard().endsWith('four'));
    expect(heard()).toBe('one\n{"two":2}\nthree\nfour');
  });

  it('[W11] leaves when the peer ends or resets it, and when the application ends it', async () => {
    const first = await client();
    first.socket.end();
    await until(() => !hub.has('ann'));
    const second = await client();
    second.socket.resetAndDestroy();
    await until(() => !hub.has('ann'));
    await client();
    (hub.get('ann')[0]?.conn as Duplex).end();
    await until(() => !hub.has('ann'));
    const reasons = events.flatMap((event) => (event.type === 'left' ? [event.reason] : []));
    expect(reasons).toEqual(['closed', 'error', 'closed']);
  });

  it('[W11] is ended by delete(), and closed although the peer does not end its side', async () => {
    await client();
    const conn = hub.get('ann')[0]?.conn as Socket;
    const stubborn = connect({
      port: (server.address() as AddressInfo).port,
      host: '127.0.0.1',
      allowHalfOpen: true,
    });
    clients.push(stubborn);
    stubborn.resume();
    await until(() => hub.get('ann')[0]?.conn !== conn);
    const theirs = hub.get('ann')[0]?.conn as Socket;
    hub.delete('ann');
    await until(() => theirs.destroyed && conn.destroyed);
  });

  it('[W11] is read as lines, acknowledgements left out and heard', async () => {
    const { socket, heard } = await client();
    const [membership] = hub.get('ann') as [Membership];
    const lines = membership.lines();
    const pushed = hub.push('ann', 'x', { ack: true });
    await until(() => heard().endsWith('\n'));
    expect(heard()).toBe('{"offset":1,"data":"x"}\n');
    socket.write('hel');
    socket.write('lo\n{"ack":1}\nthere\nrest');
    expect((await lines.next()).value).toBe('hello');
    await expect(pushed).resolves.toMatchObject({ acked: true });
    expect((await lines.next()).value).toBe('there');
    socket.end();
    expect((await lines.next()).value).toBe('rest');
    expect((await lines.next()).done).toBe(true);
  });

  it('[W11] is not read when nobody asks, and what comes waits for the next reader', async () => {
    const { socket } = await client();
    const conn = hub.get('ann')[0]?.conn as Socket;
    const [membership] = hub.get('ann') as [Membership];
    for await (const line of (socket.write('one\n'), membership.lines())) {
      expect(line).toBe('one');
      break;
    }
    socket.write('two\n');
    await until(() => conn.readableLength === 4);
    const messages = membership.messages();
    expect((await messages.next()).value).toEqual(Buffer.from('two\n'));
  });

  it('[W11] that stops reading is disconnected like a WebSocket, and terminated', async () => {
    const { socket } = await client();
    socket.pause();
    const conn = hub.get('ann')[0]?.conn as Socket;
    const big = 'x'.repeat(60_000);
    const pushed: Promise<{ status: string }>[] = [];
    while (hub.has('ann')) {
      pushed.push(hub.push('ann', big));
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect((await pushed.at(-1))?.status).toBe('refused');
    await until(() => conn.destroyed);
    await Promise.all(pushed);
  });

  it('[W11] is refused when it is closed or cannot be written', async () => {
    await client();
    const conn = hub.get('ann')[0]?.conn as Socket;
    hub.delete('ann');
    expect(() => hub.add('ann', conn)).toThrow(ConnectionClosedError);
  });

  it('[W11] may be made by hand, write one by one, and in object mode', async () => {
    const written: string[] = [];
    const duplex = new Duplex({
      writableObjectMode: true,
      read() {},
      write(chunk: Buffer, _encoding, done) {
        written.push(chunk.toString());
        setImmediate(done);
      },
    });
    hub.add('hand', duplex);
    const pushed = ['a', 'b', 'c'].map((text) => hub.push('hand', text));
    expect(await Promise.all(pushed)).toEqual(Array(3).fill({ status: 'sent', connections: 1 }));
    expect(written).toEqual(['a\n', 'b\n', 'c\n']);
    hub.delete('hand');
    await once(duplex, 'close').catch(() => undefined);
  });

  it.each(['at once', 'later'])(
    '[W6] [W11] leaves when a write fails %s, and the message is told',
    async (when) => {
      const duplex = new Duplex({
        read() {},
        write(_chunk, _encoding, done) {
          const error = new Error('disk full');
          if (when === 'at once') done(error);
          else setImmediate(() => done(error));
        },
      });
      hub.add('bad', duplex);
      const refused = { status: 'refused', connections: 0, reason: 'closed' };
      const pushed = [hub.push('bad', 'x'), hub.push('bad', 'y')];
      expect(await Promise.all(pushed)).toEqual([refused, refused]);
      expect([hub.has('bad'), duplex.destroyed]).toEqual([false, true]);
      expect(events).toMatchObject([
        { type: 'joined' },
        { type: 'online' },
        { type: 'dropped', reason: 'closed', messages: 2, bytes: 4 },
        { type: 'left', reason: 'error' },
        { type: 'offline' },
      ]);
    },
  );

  it('[W6] leaves when its write() throws, and others are served', async () => {
    const { heard } = await client();
    const duplex = new Duplex({ read() {}, write() {} });
    duplex.write = () => {
      throw new Error('broken');
    };
    hub.add('bad', duplex);
    const results = await Promise.all([hub.push('bad', 'x'), hub.push('ann', 'fine')]);
    expect(results.map(({ status }) => status)).toEqual(['refused', 'sent']);
    await until(() => heard() === 'fine\n');
    expect(hub.has('bad')).toBe(false);
  });

  it('may push to itself from inside its own write', async () => {
    const written: string[] = [];
    let inner: Promise<unknown> | undefined;
    const duplex = new Duplex({
      read() {},
      write(chunk: Buffer, _encoding, done) {
        written.push(chunk.toString());
        inner ??= hub.push('self', 'inner');
        done();
      },
    });
    hub.add('self', duplex);
    await hub.push('self', 'outer');
    await expect(inner).resolves.toMatchObject({ status: 'sent' });
    expect(written).toEqual(['outer\n', 'inner\n']);
  });
});
