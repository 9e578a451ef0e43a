import {
  type ConnPoolModuleOptions,
  ConnPoolModule,
  InvalidOptionsError,
  type PoolOptions,
  PoolRegistry,
} from 'nestjs-conn-pool';
import { fakeConnector } from 'nestjs-conn-pool/testing';
import { applications, LogBook } from './applications.js';
import { StrangerPool } from './stranger-pool.js';

describe('the options of a pool', () => {
  const { boot, compile } = applications();

  /** What reaches a pool of another kind is all that was said, and nothing else. */
  async function merged(root: ConnPoolModuleOptions, own: PoolOptions, name = 'thrift'): Promise<object> {
    let options: object = {};
    const pool = (context: { name: string; options: object }) => {
      options = context.options;
      return new StrangerPool(context.name);
    };
    await compile({
      imports: [ConnPoolModule.forRoot(root), ConnPoolModule.forFeature({ name, pool, ...own })],
    });
    const { name: _name, ...rest } = options as { name: string };
    return rest;
  }

  it('come from the defaults, then its feature, then the operator', async () => {
    const defaults = { max: 1, min: 1, maxUses: 1 };
    await expect(
      merged({ defaults, pools: { thrift: { maxUses: 3 } } }, { min: 2, maxUses: 2 }),
    ).resolves.toEqual({
      max: 1,
      min: 2,
      maxUses: 3,
    });
  });

  it('are not taken away by undefined', async () => {
    const defaults = { max: 5, min: undefined };
    const pools = {
      thrift: { max: undefined, drain: undefined },
      other: undefined as unknown as PoolOptions,
    };
    await expect(merged({ defaults, pools }, { max: undefined, min: 1, drain: 0 })).resolves.toEqual({
      max: 5,
      min: 1,
      drain: 0,
    });
  });

  it('take each half of the back-off from whoever says it', async () => {
    const root = {
      defaults: { dialBackoff: { initial: 5, max: 50 } },
      pools: { thrift: { dialBackoff: { initial: undefined, max: '1m' } } },
    };
    await expect(merged(root, { dialBackoff: { initial: 6 } })).resolves.toEqual({
      dialBackoff: { initial: 6, max: '1m' },
    });
  });

  it('are those of the operator for the name itself before those for its spelling in the environment', async () => {
    const pools = { 'user-db': { max: 2 }, user_db: { max: 1, min: 1 }, USER_DBS: { max: 9 } };
    await expect(merged({ pools }, {}, 'user-db')).resolves.toEqual({ max: 2, min: 1 });
  });

  it('are the built-in ones where nobody says anything', async () => {
    const app = await boot({
      imports: [ConnPoolModule.forRoot(), ConnPoolModule.forFeature({ connector: fakeConnector() })],
    });
    expect(app.get(PoolRegistry).get().stats()).toMatchObject({ max: 10, min: 0, maxIdle: 10 });
  });

  it('cannot be a name: that stands at the pool', async () => {
    const defaults = { name: 'all' } as PoolOptions;
    await expect(merged({ defaults }, {})).rejects.toThrow(/defaults\.name: got "all"/);
    await expect(merged({ pools: { thrift: defaults } }, {})).rejects.toThrow(
      /pools\.thrift\.name: got "all"/,
    );
  });

  describe('when they are wrong', () => {
    it('stop the boot with the name of the pool and of every bad field', async () => {
      const connector = fakeConnector();
      const app = compile({
        imports: [
          ConnPoolModule.forRoot(),
          ConnPoolModule.forFeature({ name: 'thrift', connector, max: 0, idleTimeout: 'soon' }),
        ],
      });
      await expect(app).rejects.toThrow(InvalidOptionsError);
      await expect(app).rejects.toThrow(
        /Pool "thrift" has 2 bad options:\n {2}max: got 0.*\n {2}idleTimeout: got "soon"/,
      );
    });

    it('stop the boot without any pool when they are the root’s, and are told all at once', async () => {
      const root = {
        defaults: { max: -1, maximum: 3 },
        pools: { thrift: { drain: 'never' }, cache: 5 },
        closeIdleHttp: 'yes',
        default: {},
      } as unknown as ConnPoolModuleOptions;
      const error: unknown = await compile({ imports: [ConnPoolModule.forRoot(root)] }).catch(
        (e: unknown) => e,
      );
      expect(error).toBeInstanceOf(InvalidOptionsError);
      const { problems, message } = error as InvalidOptionsError;
      expect(message).toMatch(/^ConnPoolModule\.forRoot\(\) was given 6 bad values:\n/);
      expect(problems.map(({ path }) => path).sort()).toEqual(
        [
          'closeIdleHttp',
          'default',
          'defaults.max',
          'defaults.maximum',
          'pools.cache',
          'pools.thrift.drain',
        ].sort(),
      );
    });

    it('are no contradiction before all layers are together', async () => {
      await expect(merged({ defaults: { min: 20 } }, { max: 30 })).resolves.toEqual({ min: 20, max: 30 });
      const app = compile({
        imports: [
          ConnPoolModule.forRoot({ defaults: { min: 20 } }),
          ConnPoolModule.forFeature({ name: 'thrift', connector: fakeConnector() }),
        ],
      });
      await expect(app).rejects.toThrow(
        /Pool "thrift" .*\n {2}min: got 20; allowed: at most "max", which is 10/,
      );
    });
  });

  describe('given for pools that do not exist', () => {
    it('are told as a warning, with the pools that do, once all have had time to come', async () => {
      const log = new LogBook();
      const app = await compile(
        {
          imports: [
            ConnPoolModule.forRoot({ pools: { thrfit: { max: 1 }, thrift: { max: 2 }, late: { max: 3 } } }),
            ConnPoolModule.forFeature({ name: 'thrift', connector: fakeConnector() }),
          ],
          providers: [
            {
              provide: 'latecomer',
              useFactory: (registry: PoolRegistry) => ({
                onModuleInit: () => registry.create({ name: 'late', connector: fakeConnector() }),
              }),
              inject: [PoolRegistry],
            },
          ],
        },
        { log },
      );
      expect(log.ofPools('warn')).toEqual([]);
      await app.init();
      expect(log.ofPools('warn')).toEqual([
        'There are options for "thrfit", but no such pool (known: "thrift", "late").',
      ]);
      expect(app.get(PoolRegistry).get('late').stats().max).toBe(3);
    });
  });

  describe('given by an operator', () => {
    const two = [
      ConnPoolModule.forFeature({ name: 'user-db', connector: fakeConnector() }),
      ConnPoolModule.forFeature({ name: 'user_db', connector: fakeConnector() }),
    ];

    it('refuse two names that the environment writes alike', async () => {
      const app = compile({ imports: [ConnPoolModule.forRoot({ pools: {} }), ...two] });
      await expect(app).rejects.toThrow(InvalidOptionsError);
      await expect(app).rejects.toThrow(/name: got "user[-_]db"; .*differs from "user[-_]db".*USER_DB/);
    });

    it('refuse a pool that is called as the defaults are', async () => {
      const named = ConnPoolModule.forFeature({ name: 'Defaults', connector: fakeConnector() });
      await expect(compile({ imports: [ConnPoolModule.forRoot({ pools: {} }), named] })).rejects.toThrow(
        /"defaults"/,
      );
    });

    it('are no matter where there is no operator', async () => {
      const app = await boot({ imports: [ConnPoolModule.forRoot(), ...two] });
      expect(app.get(PoolRegistry).names()).toEqual(['user-db', 'user_db']);
    });
  });
});
