import { Injectable, Module } from '@nestjs/common';
import { registerAs } from '@nestjs/config';
import {
  type ConnPool,
  ConnPoolModule,
  getPoolToken,
  InvalidOptionsError,
  MissingFactoryError,
  type PoolAsyncOptions,
  type PoolFeatureOptions,
  type PoolOptionsFactory,
  PoolRegistry,
} from 'nestjs-conn-pool';
import { type FakeConn, fakeConnector } from 'nestjs-conn-pool/testing';
import { applications } from '../applications.js';

@Injectable()
class Limits {
  readonly max = 3;
}

@Module({ providers: [Limits], exports: [Limits] })
class LimitsModule {}

@Injectable()
class ThriftOptions implements PoolOptionsFactory<FakeConn> {
  constructor(private readonly limits: Limits) {}
  createPoolOptions(): PoolFeatureOptions<FakeConn> {
    return { connector: fakeConnector(), max: this.limits.max };
  }
}

@Module({ imports: [LimitsModule], providers: [ThriftOptions], exports: [ThriftOptions] })
class ThriftOptionsModule {}

describe('forFeatureAsync', () => {
  const { boot, compile } = applications();

  async function poolWith(options: PoolAsyncOptions<FakeConn>): Promise<ConnPool<FakeConn>> {
    const feature = ConnPoolModule.forFeatureAsync({ name: 'thrift', ...options });
    const app = await boot({ imports: [ConnPoolModule.forRoot(), feature] });
    expect(app.get(PoolRegistry).get('thrift')).toBe(app.get(getPoolToken('thrift')));
    return app.get(getPoolToken('thrift'));
  }

  it('takes a factory, which may be asynchronous', async () => {
    const pool = await poolWith({
      imports: [LimitsModule],
      inject: [Limits],
      useFactory: async (limits: Limits) => ({ connector: fakeConnector(), max: limits.max }),
    });
    expect(pool.stats()).toMatchObject({ name: 'thrift', max: 3 });
  });

  it('takes a class, which it makes', async () => {
    const pool = await poolWith({ imports: [LimitsModule], useClass: ThriftOptions });
    expect(pool.stats()).toMatchObject({ name: 'thrift', max: 3 });
  });

  it('takes a provider that exists', async () => {
    const pool = await poolWith({ imports: [ThriftOptionsModule], useExisting: ThriftOptions });
    expect(pool.stats()).toMatchObject({ name: 'thrift', max: 3 });
  });

  it('takes registerAs(…).asProvider()', async () => {
    const config = registerAs('thrift', () => ({ connector: fakeConnector(), max: 3 }));
    const pool = await poolWith(config.asProvider());
    expect(pool.stats()).toMatchObject({ name: 'thrift', max: 3 });
  });

  it('refuses a name inside the factory, where it comes too late', async () => {
    const useFactory = () => ({ name: 'other', connector: fakeConnector() }) as unknown as PoolFeatureOptions;
    const app = compile({
      imports: [ConnPoolModule.forRoot(), ConnPoolModule.forFeatureAsync({ name: 'thrift', useFactory })],
    });
    await expect(app).rejects.toThrow(InvalidOptionsError);
    await expect(app).rejects.toThrow(/Pool "thrift".*\n.*name: got "other"; allowed: .*beside "useFactory"/);
  });

  it('refuses a factory that makes nothing', async () => {
    const useFactory = () => undefined as unknown as PoolFeatureOptions;
    const app = compile({
      imports: [ConnPoolModule.forRoot(), ConnPoolModule.forFeatureAsync({ useFactory })],
    });
    await expect(app).rejects.toThrow(InvalidOptionsError);
  });

  it('refuses to be without a way to make its options', () => {
    expect(() => ConnPoolModule.forFeatureAsync({ name: 'thrift' })).toThrow(MissingFactoryError);
  });
});
