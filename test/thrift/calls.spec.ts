import { once } from 'node:events';
import { ConnPool } from 'nestjs-conn-pool/core';
import { ThriftConnectionError, thriftConnector } from 'nestjs-conn-pool/thrift';
import thrift from 'thrift';
import { byHand, rejection } from './by-hand.js';
import { startDepotServer } from './depot-server.mjs';
import * as Depot from './gen/Depot.js';
import { type Parcel, Refused } from './gen/depot_types.js';
import { scriptedServer } from './scripted-server.js';

const { TApplicationException, TProtocolException } = thrift.Thrift;
const host = '127.0.0.1';

const WIRES = [
  ['buffered', 'binary'],
  ['framed', 'binary'],
  ['buffered', 'compact'],
  ['framed', 'compact'],
  ['buffered', 'json'],
] as const;

const CLASSES = {
  buffered: thrift.TBufferedTransport,
  framed: thrift.TFramedTransport,
  binary: thrift.TBinaryProtocol,
  compact: thrift.TCompactProtocol,
  json: thrift.TJSONProtocol,
};

describe.each(WIRES)('calls, %s and %s', (transport, protocol) => {
  let server: Awaited<ReturnType<typeof startDepotServer>>;
  let pool: ConnPool<Depot.Client>;

  beforeEach(async () => {
    server = await startDepotServer({ transport: CLASSES[transport], protocol: CLASSES[protocol] });
    pool = new ConnPool(thriftConnector({ service: Depot, host, port: server.port, transport, protocol }), {
      max: 1,
    });
  });

  afterEach(async () => {
    await pool.close({ drain: 0 });
    await server.close();
  });

  /** How a call fails, and whether its connection was kept. */
  async function outcome(call: (client: Depot.Client) => Promise<unknown>) {
    const error: unknown = await rejection(pool.use(call));
    const kept = pool.stats().idle === 1;
    expect(await pool.use((client) => client.echo('next'))).toBe('next');
    expect(pool.stats().totals.dialed).toBe(kept ? 1 : 2);
    return { error, kept };
  }

  it('are answered', async () => {
    expect(await pool.use((client) => client.echo('hello'))).toBe('hello');
    expect(await pool.use((client) => client.touch())).toBeUndefined();
    expect(pool.stats().totals).toMatchObject({ dialed: 1, heartbeats: 1 });
  });

  it('without an answer are sent, and the connection stays', async () => {
    await pool.use((client) => client.note('one'));
    await pool.use((client) => client.note('two'));
    expect(await pool.use((client) => client.notes())).toEqual(['one', 'two']);
    expect(pool.stats().totals.dialed).toBe(1);
  });

  it('are sent before a close that follows at once', async () => {
    const noted = once([...server.sockets][0] ?? (await connected()), 'close');
    await pool.use((client) => client.note('last'));
    await pool.close();
    await noted;
    const again = byHand(thriftConnector({ service: Depot, host, port: server.port, transport, protocol }));
    const client = await again.dial();
    expect(await client.notes()).toEqual(['last']);
    await again.close(client);
  });

  async function connected() {
    await pool.use(() => undefined);
    return [...server.sockets][0];
  }

  it('that end in a declared exception keep their connection', async () => {
    const { error, kept } = await outcome((client) => client.refuse('no room'));
    expect(error).toBeInstanceOf(Refused);
    expect(error).toMatchObject({ reason: 'no room' });
    expect(kept).toBe(true);
  });

  it('that end in any other exception of the server keep their connection', async () => {
    const { error, kept } = await outcome((client) => client.crash('boom'));
    expect(error).toBeInstanceOf(TApplicationException);
    expect(error).toMatchObject({ message: 'boom' });
    expect(kept).toBe(true);
  });

  it('that end without a result keep their connection', async () => {
    const { error, kept } = await outcome((client) => client.nothing());
    expect(error).toBe('nothing failed: unknown result');
    expect(kept).toBe(true);
  });

  it('whose arguments are incomplete are not sent and keep their connection', async () => {
    const { error, kept } = await outcome((client) => client.send({} as Parcel));
    expect(error).toBeInstanceOf(TProtocolException);
    expect(kept).toBe(true);
  });

  it('that cannot be encoded cost their connection', async () => {
    const cannotBe = protocol === 'json' ? (Symbol('text') as unknown) : 123;
    const { error, kept } = await outcome((client) => client.echo(cannotBe as string));
    expect(error).not.toBeInstanceOf(ThriftConnectionError);
    expect(kept).toBe(false);
  });

  it('that cannot be encoded leave nothing behind for a later call of the same lease', async () => {
    using lease = await pool.acquire();
    const cannotBe = protocol === 'json' ? (Symbol('text') as unknown) : 123;
    await rejection(lease.conn.echo(cannotBe as string));
    expect(lease.signal.aborted).toBe(true);
    const error = await rejection(lease.conn.echo('hello'));
    expect(error).toBeInstanceOf(ThriftConnectionError);
    expect(error.message).toBe(
      `Thrift connection to ${host}:${server.port} was given up, because a call on it could not be encoded and is half written.`,
    );
  });

  it('in flight are told of a close, and later ones are refused', async () => {
    const hanging = server.called('hang');
    const lease = await pool.acquire();
    const { conn } = lease;
    const call = rejection(conn.hang());
    await hanging;
    lease.discard();
    const error = await call;
    expect(error).toBeInstanceOf(ThriftConnectionError);
    expect(error.message).toBe(
      `Thrift connection to ${host}:${server.port} was closed by its pool (discarded).`,
    );
    expect(await rejection(conn.echo('hello'))).toBe(error);
    expect(await rejection(conn.note('hello'))).toBe(error);
  });

  it('cost their connection when they end in an error of the caller', async () => {
    const { error, kept } = await outcome(() => Promise.reject(new TypeError('mine')));
    expect(error).toBeInstanceOf(TypeError);
    expect(kept).toBe(false);
  });

  it('of many at once on one connection are all answered, each with its own', async () => {
    const texts = Array.from({ length: 100 }, (_, index) => `text ${index}`);
    const answers = await pool.use((client) => Promise.all(texts.map((text) => client.echo(text))));
    expect(answers).toEqual(texts);
  });
});

describe('a reply that cannot be decoded', () => {
  const BAD_VERSION = Buffer.from('00000004' + '81010002', 'hex');

  it.each([
    ['of a version nobody knows', 'framed', BAD_VERSION, 'Bad version'],
    ['of a frame with a negative size', 'framed', Buffer.from('fffffffc', 'hex'), 'Frame size -4'],
    [
      'of another language',
      'framed',
      Buffer.from('HTTP/1.1 400 Bad Request\r\n\r\n'),
      'larger than the maximum',
    ],
    [
      'of a text with a negative size',
      'buffered',
      Buffer.from('80010002ffffffff', 'hex'),
      'Negative string size',
    ],
  ] as const)(
    '%s kills the connection and rejects the calls in flight',
    async (_, transport, bytes, reason) => {
      await using server = await scriptedServer((socket) => socket.once('data', () => socket.write(bytes)));
      const connector = byHand(thriftConnector({ service: Depot, host, port: server.port, transport }));
      const client = await connector.dial();
      const lost = connector.lost(client);
      const [first, second] = await Promise.all([
        rejection(client.echo('one')),
        rejection(client.echo('two')),
      ]);
      expect(first).toBeInstanceOf(ThriftConnectionError);
      expect(second).toBe(first);
      expect(first.message).toContain(`Thrift connection to ${host}:${server.port} `);
      expect(first.message).toContain(reason);
      expect((first.cause as Error).message).toContain(reason);
      expect(await lost).toBe(first);
      expect(connector.isAlive(client)).toBe(false);
      expect(connector.isFatal(first)).toBe(true);
      await server.allClosed();
      await connector.close(client);
    },
  );

  it('because it is for a method nobody called kills the connection', async () => {
    const reply = '80010002' + '00000001' + '78' + '00000001' + '00';
    await using server = await scriptedServer((socket) =>
      socket.once('data', () => socket.write(Buffer.from(reply, 'hex'))),
    );
    const connector = byHand(thriftConnector({ service: Depot, host, port: server.port }));
    const error = await rejection((await connector.dial()).echo('one'));
    expect(error).toBeInstanceOf(ThriftConnectionError);
    expect(error.cause).toMatchObject({ message: 'Received a response to an unknown RPC function' });
    await server.allClosed();
  });

  it.each(['framed', 'buffered'] as const)(
    'because it is longer than maxMessageSize kills the connection (%s)',
    async (transport) => {
      await using server = await startDepotServer({ transport: CLASSES[transport] });
      const target = { service: Depot, host, port: server.port, transport };
      const text = 'x'.repeat(2000);
      for (const [maxMessageSize, passes] of [
        [1000, false],
        [4000, true],
        [undefined, true],
        [Infinity, true],
      ] as const) {
        const connector = byHand(thriftConnector({ ...target, maxMessageSize }));
        const client = await connector.dial();
        if (passes) expect(await client.echo(text)).toBe(text);
        else expect((await rejection(client.echo(text))).message).toContain('maximum allowed 1000 bytes');
        await connector.close(client);
      }
    },
  );
});

describe('a connection that dies', () => {
  it.each([
    [
      'is reset',
      'was lost: read ECONNRESET.',
      (socket: import('node:net').Socket) => socket.resetAndDestroy(),
    ],
    ['is ended', 'was closed by the server.', (socket: import('node:net').Socket) => socket.end()],
  ] as const)('because it %s rejects the calls in flight and tells why', async (_, happened, end) => {
    await using server = await scriptedServer((socket) => socket.once('data', () => end(socket)));
    const connector = byHand(thriftConnector({ service: Depot, host, port: server.port }));
    const client = await connector.dial();
    expect(connector.isAlive(client)).toBe(true);
    const lost = connector.lost(client);
    const call = await rejection(client.echo('hello'));
    expect(call).toBeInstanceOf(ThriftConnectionError);
    expect(call.message).toBe(`Thrift connection to ${host}:${server.port} ${happened}`);
    expect(await lost).toBe(call);
    expect(await connector.lost(client)).toBe(call);
    expect(connector.isAlive(client)).toBe(false);
    expect(connector.isFatal(call)).toBe(true);
    expect(await rejection(client.echo('again'))).toBe(call);
    expect(await rejection(connector.heartbeat(client))).toBe(call);
    await connector.close(client);
    await server.allClosed();
  });

  it('after it is no longer watched tells nobody', async () => {
    await using server = await startDepotServer();
    const connector = thriftConnector({ service: Depot, host, port: server.port });
    const hand = byHand(connector);
    const client = await hand.dial();
    let told = 0;
    const unwatch = connector.watch?.(client, () => (told += 1));
    unwatch?.();
    const call = rejection(client.hang());
    await server.close();
    await call;
    expect(told).toBe(0);
  });

  it('after an answer has come gives the answer', async () => {
    const answer =
      '80010002' + '00000004' + '6563686f' + '00000001' + '0b0000' + '00000004' + '6c617374' + '00';
    await using server = await scriptedServer((socket) =>
      socket.once('data', () => socket.end(Buffer.from(answer, 'hex'))),
    );
    const connector = byHand(thriftConnector({ service: Depot, host, port: server.port }));
    const client = await connector.dial();
    const lost = connector.lost(client);
    expect(await client.echo('last')).toBe('last');
    await lost;
  });
});

describe('close', () => {
  it('does not wait for the server', async () => {
    await using mute = await scriptedServer((socket) => void socket.pause());
    const connector = byHand(thriftConnector({ service: Depot, host, port: mute.port }));
    const client = await connector.dial();
    await connector.close(client);
    expect(connector.isAlive(client)).toBe(false);
    await connector.close(client);
  });

  it('ends although what was written cannot be sent', async () => {
    await using mute = await scriptedServer((socket) => void socket.pause());
    const connector = byHand(thriftConnector({ service: Depot, host, port: mute.port }));
    const client = await connector.dial();
    // More than the buffers of both ends hold.
    const call = rejection(client.echo('x'.repeat(32 * 1024 * 1024)));
    await connector.close(client);
    expect(await call).toBeInstanceOf(ThriftConnectionError);
  });
});
