import 'reflect-metadata';
import { jest } from '@jest/globals';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { Controller, Get, type INestApplication } from '@nestjs/common';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { Test } from '@nestjs/testing';
import {
  type ConnPool,
  ConnPoolModule,
  type ConnPoolRootOptions,
  InjectPool,
  PoolRegistry,
} from 'nestjs-conn-pool';
import { type FakeConn, fakeConnector } from 'nestjs-conn-pool/testing';
import { applications, LogBook } from './applications.js';
import { KeepAliveClient } from './http-client.js';
import { until } from './until.js';

jest.setTimeout(30_000);

/** A promise that the test keeps. */
class Gate {
  open: () => void = () => undefined;
  readonly opened = new Promise<void>((resolve) => (this.open = resolve));
}

describe.each([
  ['Express', () => new ExpressAdapter()],
  ['Fastify', () => new FastifyAdapter()],
])('the end of an application on %s', (_name, adapter) => {
  const { adopt } = applications();
  const clients: KeepAliveClient[] = [];
  afterEach(() => clients.splice(0).forEach((client) => client.close()));

  async function serve(options: ConnPoolRootOptions = {}) {
    const answer = new Gate();
    let arrivals = 0;
    @Controller()
    class EchoController {
      constructor(@InjectPool() private readonly pool: ConnPool<FakeConn>) {}

      /** Borrows only when it is let: the pool must still lend then. */
      @Get('slow')
      async slow(): Promise<string> {
        arrivals += 1;
        await answer.opened;
        return this.pool.use((conn) => `served by ${conn.serial}`);
      }

      @Get('fast')
      fast(): Promise<string> {
        return this.pool.use((conn) => `served by ${conn.serial}`);
      }
    }
    const imports = [
      ConnPoolModule.forRoot(options),
      ConnPoolModule.forFeature({ connector: fakeConnector() }),
    ];
    const builder = Test.createTestingModule({ imports, controllers: [EchoController] }).setLogger(
      new LogBook(),
    );
    const app = adopt((await builder.compile()).createNestApplication<INestApplication>(adapter()));
    await app.listen(0, '127.0.0.1');
    const server = app.getHttpServer() as Server;
    // For ever: what is not closed by somebody holds the end up until this test fails.
    server.keepAliveTimeout = 0;
    const client = new KeepAliveClient((server.address() as AddressInfo).port);
    clients.push(client);
    /** So many slow requests are in the handler. */
    const arrived = (count = 1): Promise<void> => until(() => arrivals === count);
    const stopped = (): Promise<void> => until(() => !server.listening);
    return { app, client, arrived, answer, stopped, pool: app.get(PoolRegistry).get() };
  }

  it('[B67] answers the request in flight, which borrows after the server has stopped listening', async () => {
    const { app, client, arrived, answer, stopped, pool } = await serve();
    const asked = client.get('/slow');
    await arrived();
    const ended = app.close();
    await stopped();
    expect(pool.state).toBe('open');
    answer.open();
    await expect(asked).resolves.toEqual({ status: 200, body: 'served by 1' });
    await ended;
    expect(pool.state).toBe('closed');
  });

  it('is not held up by a client that keeps its connection', async () => {
    const { app, client } = await serve();
    await client.get('/fast');
    expect(client.idle).toBe(1);
    await app.close();
  });

  it('is held up by it when told to leave HTTP alone', async () => {
    const { app, client, arrived, answer, stopped } = await serve({ closeIdleHttp: false });
    const asked = client.get('/slow');
    await arrived();
    let ended = false;
    const closing = app.close().then(() => (ended = true));
    await stopped();
    answer.open();
    await expect(asked).resolves.toMatchObject({ status: 200 });
    await delay(250);
    expect(ended).toBe(false);
    client.close();
    await closing;
  });

  it('waits for every request, and none is cut off', async () => {
    const { app, arrived, answer, stopped, client } = await serve();
    const asked = [client.get('/slow')];
    await arrived();
    const { port } = (app.getHttpServer() as Server).address() as AddressInfo;
    for (let i = 0; i < 4; i++) {
      const other = new KeepAliveClient(port);
      clients.push(other);
      await other.get('/fast');
      asked.push(other.get('/slow'));
    }
    await arrived(5);
    const ended = app.close();
    await stopped();
    await delay(120);
    answer.open();
    const answers = await Promise.all(asked);
    expect(answers.map(({ status }) => status)).toEqual(Array(5).fill(200));
    await ended;
  });
});

describe('the end of an application without HTTP', () => {
  const { boot } = applications();

  it('is as good', async () => {
    const app = await boot({
      imports: [ConnPoolModule.forRoot(), ConnPoolModule.forFeature({ connector: fakeConnector() })],
    });
    await app.close();
    expect(app.get(PoolRegistry).get().state).toBe('closed');
  });
});
