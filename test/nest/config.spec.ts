import { ConfigModule, ConfigService, registerAs } from '@nestjs/config';
import { connPoolConfig, ConnPoolModule, InvalidOptionsError, PoolRegistry } from 'nestjs-conn-pool';
import { fakeConnector } from 'nestjs-conn-pool/testing';
import { applications } from './applications.js';

describe('connPoolConfig', () => {
  const { boot, compile } = applications();
  const before = { ...process.env };
  afterEach(() => {
    for (const key of Object.keys(process.env)) if (!(key in before)) delete process.env[key];
  });

  const features = () => [
    ConnPoolModule.forFeature({ name: 'thrift', connector: fakeConnector(), max: 2, min: 1 }),
    ConnPoolModule.forFeature({ name: 'user-db', connector: fakeConnector() }),
  ];

  it('is what registerAs() would have made', () => {
    const real = registerAs('connPool', () => ({}));
    const names = (factory: object) => Object.getOwnPropertyNames(factory).sort();
    expect(names(connPoolConfig)).toEqual(names(real));
    for (const name of ['PARTIAL_CONFIGURATION_KEY', 'KEY'] as const) {
      expect(Object.getOwnPropertyDescriptor(connPoolConfig, name)).toEqual(
        Object.getOwnPropertyDescriptor(real, name),
      );
    }
    const [ours, theirs] = [connPoolConfig.asProvider(), real.asProvider()];
    expect(Object.keys(ours).sort()).toEqual(Object.keys(theirs).sort());
    expect(ours.inject).toEqual(theirs.inject);
    expect(ours.imports).toHaveLength(theirs.imports.length);
  });

  it('brings the operator’s word to the pools, over their features’', async () => {
    process.env.CONN_POOL_THRIFT_MAX = '20';
    process.env.CONN_POOL_USER_DB_MAX_IDLE = '3';
    process.env.CONN_POOL_DEFAULTS_MIN = '2';
    const app = await boot({
      imports: [
        ConfigModule.forRoot({ ignoreEnvFile: true, load: [connPoolConfig] }),
        ConnPoolModule.forRootAsync(connPoolConfig.asProvider()),
        ...features(),
      ],
    });
    const registry = app.get(PoolRegistry);
    expect(registry.get('thrift').stats()).toMatchObject({ max: 20, min: 1 });
    expect(registry.get('user-db').stats()).toMatchObject({ max: 10, maxIdle: 3, min: 2 });
    expect(app.get(ConfigService).get('connPool')).toEqual({
      defaults: { min: 2 },
      pools: { thrift: { max: 20 }, user_db: { maxIdle: 3 } },
    });
    expect(app.get(connPoolConfig.KEY)).toBe(app.get('CONFIGURATION(connPool)'));
  });

  it('works without ConfigModule.forRoot()', async () => {
    process.env.CONN_POOL_THRIFT_MAX = '20';
    const app = await boot({
      imports: [ConnPoolModule.forRootAsync(connPoolConfig.asProvider()), ...features()],
    });
    expect(app.get(PoolRegistry).get('thrift').stats().max).toBe(20);
  });

  it('can be added to, injected by its KEY', async () => {
    process.env.CONN_POOL_THRIFT_MAX = '20';
    const app = await boot({
      imports: [
        ConnPoolModule.forRootAsync({
          imports: [ConfigModule.forFeature(connPoolConfig)],
          inject: [connPoolConfig.KEY],
          useFactory: (config: ReturnType<typeof connPoolConfig>) => ({
            ...config,
            defaults: { min: 3, ...config.defaults },
          }),
        }),
        ...features(),
      ],
    });
    expect(app.get(PoolRegistry).get('user-db').stats().min).toBe(3);
    expect(app.get(PoolRegistry).get('thrift').stats().max).toBe(20);
  });

  it('can be replaced by a test', async () => {
    const app = await boot(
      { imports: [ConnPoolModule.forRootAsync(connPoolConfig.asProvider()), ...features()] },
      {
        adjust: (builder) =>
          builder
            .overrideProvider(connPoolConfig.KEY)
            .useValue({ defaults: {}, pools: { thrift: { max: 9 } } }),
      },
    );
    expect(app.get(PoolRegistry).get('thrift').stats().max).toBe(9);
  });

  it('stops the boot with every variable that is wrong', async () => {
    process.env.CONN_POOL_THRIFT_MAX = 'many';
    process.env.CONN_POOL_THRIFT_DRAIN = 'never';
    const app = compile({
      imports: [ConnPoolModule.forRootAsync(connPoolConfig.asProvider()), ...features()],
    });
    await expect(app).rejects.toThrow(InvalidOptionsError);
    await expect(app).rejects.toThrow(
      /2 bad values:\n {2}CONN_POOL_THRIFT_MAX: got "many".*\n {2}CONN_POOL_THRIFT_DRAIN: got "never"/,
    );
  });

  it('refuses two pools that the environment writes alike, whether it speaks of them or not', async () => {
    const alike = ConnPoolModule.forFeature({ name: 'user.db', connector: fakeConnector() });
    const app = compile({
      imports: [ConnPoolModule.forRootAsync(connPoolConfig.asProvider()), ...features(), alike],
    });
    await expect(app).rejects.toThrow(/name: got "user[.-]db"; .*"user[.-]db".*USER_DB/);
  });
});
