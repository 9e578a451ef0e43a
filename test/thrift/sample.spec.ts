import 'reflect-metadata';
import type { AddressInfo } from 'node:net';
import type { INestApplication } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { AppModule } from '../../sample/01-thrift/app.module.js';
import { startThriftServer, type ThriftServer } from '../../sample/01-thrift/thrift-server.js';
import { runWorkers } from '../../sample/01-thrift/workers.js';

describe('the workers of the sample', () => {
  it('end as the predecessor’s do: half of the calls refused, five broken, five connections', async () => {
    const server = await startThriftServer({ failEverySecondEcho: true });
    // 45 calls arrive, and every second of them is refused.
    expect(await runWorkers(server.host, server.port)).toEqual({
      answered: 23,
      refused: 22,
      broken: 5,
      connections: 5,
    });
    await server.close();
  });
});

describe('the application of the sample', () => {
  const given = process.env.THRIFT_PORT;
  let server: ThriftServer;
  let app: INestApplication;

  async function start(options?: Parameters<typeof startThriftServer>[0]): Promise<void> {
    server = await startThriftServer(options);
    process.env.THRIFT_PORT = String(server.port);
    app = await NestFactory.create(AppModule, { logger: false });
    await app.listen(0, '127.0.0.1');
  }

  async function get(path: string): Promise<{ status: number; body: string }> {
    const { port } = app.getHttpServer().address() as AddressInfo;
    const response = await fetch(`http://127.0.0.1:${port}${path}`);
    return { status: response.status, body: await response.text() };
  }

  afterEach(async () => {
    await app.close();
    await server.close();
    if (given === undefined) delete process.env.THRIFT_PORT;
    else process.env.THRIFT_PORT = given;
  });

  it('echoes, says that it is well, and shows its pool', async () => {
    await start();
    expect(await get('/echo/hello')).toEqual({ status: 200, body: 'hello' });
    const health = await get('/health');
    expect(health.status).toBe(200);
    expect(JSON.parse(health.body)).toMatchObject({
      status: 'ok',
      details: { thrift: { status: 'up', max: 10 } },
    });
    const [pool, ...others] = JSON.parse((await get('/pools')).body);
    expect(pool).toMatchObject({ name: 'thrift', state: 'open', leased: 0, totals: { lost: 0 } });
    expect(pool.idle).toBeGreaterThan(0);
    expect(others).toEqual([]);
  });

  it('answers 502 with what the service says of itself, and keeps the connection', async () => {
    await start({ failEverySecondEcho: true });
    expect(await get('/echo/one')).toEqual({ status: 200, body: 'one' });
    const { status, body } = await get('/echo/two');
    expect(status).toBe(502);
    expect(JSON.parse(body)).toEqual({
      statusCode: 502,
      error: 'Bad Gateway',
      message: 'Echo failed: echo error',
    });
    expect(await get('/echo/three')).toEqual({ status: 200, body: 'three' });
    const [pool] = JSON.parse((await get('/pools')).body);
    expect(pool.totals).toMatchObject({ lost: 0, closed: { discarded: 0 } });
  });

  it('answers 503 while the server is away, and tells nobody where it is', async () => {
    await start();
    expect((await get('/echo/hello')).status).toBe(200);
    await server.close();
    const { status, body } = await get('/echo/hello');
    expect(status).toBe(503);
    expect(JSON.parse(body).message).toMatch(/^Echo is not available \(ERR_[A-Z_]+\)\.$/);
    expect(body).not.toContain(String(server.port));
    expect((await get('/health')).status).toBe(503);
    expect(await get('/pools')).toMatchObject({ status: 200 });
  });
});
