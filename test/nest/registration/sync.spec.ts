import { Injectable } from '@nestjs/common';
import { ConnPool, ConnPoolModule, InjectPool, PoolRegistry } from 'nestjs-conn-pool';
import { type FakeConn, fakeConnector } from 'nestjs-conn-pool/testing';
import { applications } from '../applications.js';

describe('forRoot and forFeature', () => {
  const { boot, compile } = applications();

  it('inject a pool into a service of the importing module', async () => {
    @Injectable()
    class EchoService {
      constructor(@InjectPool('thrift') readonly pool: ConnPool<FakeConn>) {}
    }
    const app = await boot({
      imports: [
        ConnPoolModule.forRoot(),
        ConnPoolModule.forFeature({ name: 'thrift', connector: fakeConnector() }),
      ],
      providers: [EchoService],
    });
    const { pool } = app.get(EchoService);
    expect(pool).toBeInstanceOf(ConnPool);
    expect(pool.name).toBe('thrift');
    await expect(pool.use((conn) => conn.serial)).resolves.toBe(1);
  });

  it('register several pools at once, each with the type of its own connector', async () => {
    const app = await boot({
      imports: [
        ConnPoolModule.forRoot({}),
        ConnPoolModule.forFeature(
          { name: 'numbers', connector: { dial: () => 1, close: (conn) => void conn.toFixed() } },
          { name: 'texts', connector: { dial: () => 'a', close: (conn) => void conn.trim() } },
          { name: 'fakes', connector: fakeConnector() },
        ),
      ],
    });
    expect(app.get(PoolRegistry).names()).toEqual(['numbers', 'texts', 'fakes']);
  });

  it('make the pools when providers are made and open them when the application begins', async () => {
    const connector = fakeConnector();
    const app = await compile({
      imports: [ConnPoolModule.forRoot(), ConnPoolModule.forFeature({ connector, min: 2, startup: 'wait' })],
    });
    expect(app.get(PoolRegistry).get().stats()).toMatchObject({ state: 'open', size: 0 });
    expect(connector.dial.count).toBe(0);
    await app.init();
    expect(app.get(PoolRegistry).get().stats()).toMatchObject({ idle: 2 });
  });

  it('have opened the pools before any onModuleInit of the application', async () => {
    const seen: unknown[] = [];
    @Injectable()
    class Early {
      constructor(@InjectPool() private readonly pool: ConnPool<FakeConn>) {}
      async onModuleInit(): Promise<void> {
        seen.push(this.pool.stats().idle, await this.pool.use((conn) => conn.serial));
      }
    }
    await boot({
      imports: [
        ConnPoolModule.forRoot(),
        ConnPoolModule.forFeature({ connector: fakeConnector(), min: 1, startup: 'wait' }),
      ],
      providers: [Early],
    });
    expect(seen).toEqual([1, 1]);
  });
});
