import { Injectable, Module } from '@nestjs/common';
import { ConfigModule, registerAs } from '@nestjs/config';
import {
  type ConnPoolModuleOptions,
  ConnPoolModule,
  type ConnPoolOptionsFactory,
  type ConnPoolRootAsyncOptions,
  MissingFactoryError,
  PoolRegistry,
} from 'nestjs-conn-pool';
import { fakeConnector } from 'nestjs-conn-pool/testing';
import { applications } from '../applications.js';

@Injectable()
class Limits {
  readonly max = 7;
}

@Module({ providers: [Limits], exports: [Limits] })
class LimitsModule {}

@Injectable()
class RootOptions implements ConnPoolOptionsFactory {
  constructor(private readonly limits: Limits) {}
  createConnPoolOptions(): ConnPoolModuleOptions {
    return { defaults: { max: this.limits.max } };
  }
}

@Module({ imports: [LimitsModule], providers: [RootOptions], exports: [RootOptions] })
class RootOptionsModule {}

describe('forRootAsync', () => {
  const { boot } = applications();

  async function maxWith(options: ConnPoolRootAsyncOptions): Promise<number> {
    const app = await boot({
      imports: [
        ConnPoolModule.forRootAsync(options),
        ConnPoolModule.forFeature({ connector: fakeConnector() }),
      ],
    });
    return app.get(PoolRegistry).get().stats().max;
  }

  it('takes a factory, which may be asynchronous', async () => {
    const useFactory = async (limits: Limits): Promise<ConnPoolModuleOptions> => ({
      defaults: { max: limits.max },
    });
    await expect(maxWith({ imports: [LimitsModule], inject: [Limits], useFactory })).resolves.toBe(7);
  });

  it('takes a class, which it makes', async () => {
    await expect(maxWith({ imports: [LimitsModule], useClass: RootOptions })).resolves.toBe(7);
  });

  it('takes a provider that exists', async () => {
    await expect(maxWith({ imports: [RootOptionsModule], useExisting: RootOptions })).resolves.toBe(7);
  });

  it('takes registerAs(…).asProvider()', async () => {
    const config = registerAs('pools', () => ({ defaults: { max: 7 } }));
    await expect(maxWith(config.asProvider())).resolves.toBe(7);
  });

  it('takes a registerAs() that ConfigModule has loaded', async () => {
    const config = registerAs('pools', () => ({ defaults: { max: 7 } }));
    const app = await boot({
      imports: [
        ConfigModule.forRoot({ ignoreEnvFile: true, load: [config] }),
        ConnPoolModule.forRootAsync(config.asProvider()),
        ConnPoolModule.forFeature({ connector: fakeConnector() }),
      ],
    });
    expect(app.get(PoolRegistry).get().stats().max).toBe(7);
  });

  it('takes a factory that has nothing to say', async () => {
    await expect(maxWith({ useFactory: () => ({}) })).resolves.toBe(10);
  });

  it('refuses to be without a way to make its options', () => {
    expect(() => ConnPoolModule.forRootAsync({})).toThrow(MissingFactoryError);
    expect(() => ConnPoolModule.forRootAsync({})).toThrow('"useFactory", "useClass" or "useExisting"');
  });
});
