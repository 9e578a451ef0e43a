import 'reflect-metadata';
import { jest } from '@jest/globals';
import { Controller, Get, type INestApplication } from '@nestjs/common';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { HealthCheck, HealthCheckService, TerminusModule } from '@nestjs/terminus';
import { Test } from '@nestjs/testing';
import { ConnPoolModule, PoolRegistry } from 'nestjs-conn-pool';
import { ConnPoolHealthIndicator, ConnPoolHealthModule } from 'nestjs-conn-pool/terminus';
import { fakeConnector } from 'nestjs-conn-pool/testing';
import request from 'supertest';
import { applications, LogBook } from '../nest/applications.js';

jest.setTimeout(30_000);

@Controller()
class HealthController {
  constructor(
    private readonly health: HealthCheckService,
    private readonly pools: ConnPoolHealthIndicator,
  ) {}

  @Get('health')
  @HealthCheck()
  one() {
    return this.health.check([() => this.pools.pingCheck('thrift', { timeout: 100 })]);
  }

  @Get('health/all')
  @HealthCheck()
  all() {
    return this.health.check([() => this.pools.checkAll()]);
  }
}

describe.each([
  ['Express', () => new ExpressAdapter()],
  ['Fastify', () => new FastifyAdapter()],
])('a health route on %s', (_name, adapter) => {
  const { adopt } = applications();

  async function serve() {
    const connector = fakeConnector({ heartbeat: true });
    const builder = Test.createTestingModule({
      imports: [
        TerminusModule.forRoot({ logger: false }),
        ConnPoolModule.forRoot({ defaults: { drain: 0 } }),
        ConnPoolModule.forFeature({ name: 'thrift', connector, max: 1, dialBackoff: { initial: 1, max: 1 } }),
        ConnPoolHealthModule,
      ],
      controllers: [HealthController],
    }).setLogger(new LogBook());
    const app = adopt((await builder.compile()).createNestApplication<INestApplication>(adapter()));
    await app.listen(0, '127.0.0.1');
    const { body, status } = await request(app.getHttpServer()).get('/health');
    expect([status, body.status, body.info.thrift.status]).toEqual([200, 'ok', 'up']);
    return { app, connector, pool: app.get(PoolRegistry).get('thrift') };
  }

  const ask = (app: INestApplication, path = '/health') => request(app.getHttpServer()).get(path);

  it('answers 200 while the peer is up, with the counts', async () => {
    const { app } = await serve();
    const { body } = await ask(app, '/health/all').expect(200);
    expect(body.details).toEqual({
      thrift: { status: 'up', idle: 1, leased: 0, waiting: 0, max: 1, latencyMs: expect.any(Number) },
    });
  });

  it('answers 503 with the cause when the peer is killed, and 200 when it is back', async () => {
    const { app, connector } = await serve();
    connector.heartbeat.always('fail');
    connector.dial.always('fail');
    const { body } = await ask(app).expect(503);
    expect(body.error.thrift).toMatchObject({ status: 'down', cause: expect.any(String) });
    connector.heartbeat.always('ok');
    connector.dial.always('ok');
    let status: number;
    do ({ status } = await ask(app));
    while (status !== 200);
  });

  it('answers 503 when the peer accepts and says nothing', async () => {
    const { app, connector } = await serve();
    connector.heartbeat.always('hang');
    const { body } = await ask(app).expect(503);
    // Which of the two it is depends on how busy the process is.
    expect(body.error.thrift.message).toMatch(/gave no answer|no heartbeat was answered/);
  });

  it('answers 200 and "degraded" when the pool is saturated', async () => {
    const { app, pool } = await serve();
    await pool.acquire();
    const { body } = await ask(app).expect(200);
    expect(body.status).toBe('degraded');
    expect(body.details.thrift).toMatchObject({ status: 'degraded', leased: 1, max: 1 });
  });

  it('answers 503 while the application drains', async () => {
    const { app } = await serve();
    app.get(PoolRegistry).beforeApplicationShutdown();
    const { body } = await ask(app).expect(503);
    expect(body.error.thrift).toMatchObject({ status: 'down', message: 'Pool "thrift" is draining.' });
  });
});
