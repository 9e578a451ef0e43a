import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { jest } from '@jest/globals';
import { ConnPool, DialError } from 'nestjs-conn-pool/core';
import { ThriftConnectionError, thriftConnector } from 'nestjs-conn-pool/thrift';
import { byHand, rejection } from './by-hand.js';
import { startDepotServer } from './depot-server.mjs';
import * as Depot from './gen/Depot.js';
import { freePort, scriptedServer, type ScriptedServer } from './scripted-server.js';

const host = '127.0.0.1';

/** Accepts and never answers. */
describe('a mute server', () => {
  let mute: ScriptedServer;

  beforeEach(async () => (mute = await scriptedServer()));
  afterEach(() => mute.close());

  it('fails the dial at connectTimeout when its TLS handshake never ends, and the socket is closed', async () => {
    const connector = byHand(
      thriftConnector({ service: Depot, host, port: mute.port, tls: true, connectTimeout: 50 }),
    );
    const error = await rejection(connector.dial());
    expect(error).toBeInstanceOf(ThriftConnectionError);
    expect(error.message).toBe(`Thrift connection to ${host}:${mute.port} could not be opened within 50 ms.`);
    await mute.allClosed();
    expect(connector.isPermanent(error)).toBe(false);
  });

  it('fails the dial after 5 s unless connectTimeout says otherwise', async () => {
    jest.useFakeTimers({ doNotFake: ['nextTick', 'setImmediate', 'queueMicrotask'] });
    try {
      const connector = byHand(thriftConnector({ service: Depot, host, port: mute.port, tls: true }));
      const dial = rejection(connector.dial());
      jest.advanceTimersByTime(4999);
      await mute.connected();
      expect(jest.getTimerCount()).toBe(1);
      jest.advanceTimersByTime(1);
      expect((await dial).message).toContain('could not be opened within 5000 ms');
    } finally {
      jest.useRealTimers();
    }
  });

  it('fails the dial when the signal aborts, and the socket is closed', async () => {
    await using server = await scriptedServer();
    const connector = byHand(thriftConnector({ service: Depot, host, port: server.port, tls: true }));
    const controller = new AbortController();
    const dial = rejection(connector.dial(controller.signal));
    await server.connected();
    const reason = new Error('enough');
    controller.abort(reason);
    expect((await dial).cause).toBe(reason);
    await server.allClosed();
  });

  it('is not dialled at all when the signal has aborted before', async () => {
    const connector = byHand(thriftConnector({ service: Depot, host, port: mute.port }));
    expect(await rejection(connector.dial(AbortSignal.abort('enough')))).toBe('enough');
    expect(mute.open.size).toBe(0);
  });

  it('fails an acquire by the first heartbeat’s deadline, and the socket is closed', async () => {
    await using pool = new ConnPool(thriftConnector({ service: Depot, host, port: mute.port }), {
      heartbeatTimeout: 50,
    });
    const error = await rejection(pool.acquire());
    expect(error).toBeInstanceOf(DialError);
    expect(error.cause).toMatchObject({ code: 'ERR_CALL_TIMEOUT', call: 'heartbeat' });
    await mute.allClosed();
    await pool.close();
    expect(pool.stats()).toMatchObject({ size: 0, totals: { closed: { 'heartbeat-failed': 1 } } });
  });

  it('fails a heartbeat when its signal aborts', async () => {
    const connector = byHand(thriftConnector({ service: Depot, host, port: mute.port, ping: 'touch' }));
    const client = await connector.dial();
    const controller = new AbortController();
    const heartbeat = rejection(connector.heartbeat(client, controller.signal));
    controller.abort('late');
    expect(await heartbeat).toBe('late');
    expect(await rejection(connector.heartbeat(client, controller.signal))).toBe('late');
    await connector.close(client);
    await mute.allClosed();
  });
});

describe('a dial', () => {
  it('that is refused says where and why', async () => {
    const port = await freePort();
    const connector = byHand(thriftConnector({ service: Depot, host, port }));
    const error = await rejection(connector.dial());
    expect(error).toBeInstanceOf(ThriftConnectionError);
    expect(error).toMatchObject({ code: 'ERR_THRIFT_CONNECTION', pool: 'depot', address: `${host}:${port}` });
    expect(error.message).toBe(
      `Thrift connection to ${host}:${port} could not be opened: connect ECONNREFUSED ${host}:${port}.`,
    );
    expect(error.cause).toMatchObject({ code: 'ECONNREFUSED' });
    expect(connector.isPermanent(error)).toBe(false);
  });

  it('that is refused on every address of a host says so of each', async () => {
    const port = await freePort();
    const error = await rejection(byHand(thriftConnector({ service: Depot, port })).dial());
    expect(error.message).toContain(`Thrift connection to localhost:${port} could not be opened: `);
    expect(error.message).toContain('ECONNREFUSED');
  });

  it('that is reset during the TLS handshake fails', async () => {
    await using server = await scriptedServer((socket) =>
      socket.once('data', () => socket.resetAndDestroy()),
    );
    const error = await rejection(
      byHand(thriftConnector({ service: Depot, host, port: server.port, tls: true })).dial(),
    );
    expect(error).toBeInstanceOf(ThriftConnectionError);
    expect(error.message).toContain('could not be opened: ');
  });

  it('leaves no socket behind when the service cannot be used', async () => {
    await using server = await scriptedServer();
    class Client {
      constructor() {
        throw new Error('not generated');
      }
    }
    const connector = byHand(thriftConnector({ service: { Client }, host, port: server.port }));
    expect((await rejection(connector.dial())).message).toBe('not generated');
    await server.allClosed();
  });

  it('reaches a Unix socket', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'thrift-'));
    const path = join(folder, 'depot.sock');
    await using server = await startDepotServer({ path });
    const connector = byHand(thriftConnector({ service: Depot, path }));
    const client = await connector.dial();
    expect(await client.echo('hello')).toBe('hello');
    const [socket] = server.sockets;
    await Promise.all([once(socket, 'close'), connector.close(client)]);
    await server.close();
    const error = await rejection(connector.dial());
    expect(error.message).toContain(`Thrift connection to ${path} could not be opened: `);
    await rm(folder, { recursive: true });
  });
});
