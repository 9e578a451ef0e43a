import 'reflect-metadata';
import { jest } from '@jest/globals';
import { Controller, Get, type INestApplication } from '@nestjs/common';
import { HealthCheck, HealthCheckService, TerminusModule } from '@nestjs/terminus';
import { Test } from '@nestjs/testing';
import { type ConnPool, ConnPoolModule, getPoolToken } from 'nestjs-conn-pool';
import { ConnPoolHealthIndicator, ConnPoolHealthModule } from 'nestjs-conn-pool/terminus';
import { thriftConnector } from 'nestjs-conn-pool/thrift';
import request from 'supertest';
import { LogBook } from '../nest/applications.js';
import { until } from '../nest/until.js';
import { startDepotProcess } from './depot-process.js';
import * as Depot from './gen/Depot.js';

jest.setTimeout(60_000);

@Controller('health')
class HealthController {
  constructor(
    private readonly health: HealthCheckService,
    private readonly pools: ConnPoolHealthIndicator,
  ) {}

  @Get()
  @HealthCheck()
  check() {
    return this.health.check([() => this.pools.pingCheck('depot', { timeout: 300 })]);
  }
}

describe('an application on a Thrift server that comes and goes', () => {
  let app: INestApplication;
  let pool: ConnPool<Depot.Client>;
  const log = new LogBook();

  async function serve(port: number): Promise<void> {
    const builder = Test.createTestingModule({
      imports: [
        TerminusModule.forRoot({ logger: false }),
        ConnPoolModule.forRoot({ defaults: { drain: 0, heartbeatTimeout: 200, closeTimeout: 200 } }),
        ConnPoolModule.forFeature({
          name: 'depot',
          connector: thriftConnector({ service: Depot, host: '127.0.0.1', port }),
          max: 4,
          dialBackoff: { initial: 5, max: 50 },
        }),
        ConnPoolHealthModule,
      ],
      controllers: [HealthController],
    });
    app = (await builder.setLogger(log).compile()).createNestApplication();
    await app.listen(0, '127.0.0.1');
    pool = app.get(getPoolToken('depot'));
  }

  afterEach(() => app.close());

  const health = async (): Promise<number> => (await request(app.getHttpServer()).get('/health')).status;
  const isBack = () =>
    pool
      .use((client) => client.echo('hello'))
      .then(
        () => true,
        () => false,
      );

  it('says at each moment how it is, and in the log one line each way', async () => {
    await using server = await startDepotProcess();
    await serve(server.port);
    expect(await health()).toBe(200);

    // Stopped, the kernel goes on accepting: only a heartbeat tells.
    await server.signal('SIGSTOP');
    expect(await health()).toBe(503);
    await server.signal('SIGCONT');
    await until(async () => (await health()) === 200);

    await server.signal('SIGKILL');
    await until(() => pool.stats().idle === 0);
    const { dialFailures } = pool.stats().totals;
    await until(async () => !(await isBack()) && pool.stats().totals.dialFailures > dialFailures);
    expect(await health()).toBe(503);
    await using again = await startDepotProcess(server.port);
    expect(again.port).toBe(server.port);
    await until(isBack);
    expect(await health()).toBe(200);

    // The stop may have failed dials, too, and its end may not have been told when the kill came: one outage or two.
    const story = log
      .ofPools()
      .flatMap((line) => /dial attempt|dials failed|recovered/.exec(line)?.[0] ?? []);
    expect(story[0]).toMatch(/dial/);
    expect(story.at(-1)).toBe('recovered');
    expect(story.filter((word) => word === 'recovered').length).toBeLessThanOrEqual(2);
    await app.close();
    expect(log.ofPools().at(-1)).toMatch(/closed/);
  });
});
