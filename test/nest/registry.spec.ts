import { Injectable, Module } from '@nestjs/common';
import { LazyModuleLoader } from '@nestjs/core';
import {
  ConnPool,
  ConnPoolModule,
  DialError,
  DuplicatePoolError,
  getPoolToken,
  InvalidOptionsError,
  PoolClosedError,
  PoolRegistry,
  UnknownPoolError,
} from 'nestjs-conn-pool';
import { type FakeConn, fakeConnector } from 'nestjs-conn-pool/testing';
import { applications, LogBook } from './applications.js';
import { StrangerPool } from './stranger-pool.js';

describe('PoolRegistry', () => {
  const { boot, compile } = applications();

  async function registryOf(...names: string[]): Promise<PoolRegistry> {
    const features = names.map((name) => ConnPoolModule.forFeature({ name, connector: fakeConnector() }));
    const app = await boot({ imports: [ConnPoolModule.forRoot({ defaults: { max: 4 } }), ...features] });
    return app.get(PoolRegistry);
  }

  it('finds pools by name', async () => {
    const registry = await registryOf('a', 'b');
    expect(registry.names()).toEqual(['a', 'b']);
    expect(registry.get('a')).toBeInstanceOf(ConnPool);
    expect(registry.find('b')?.name).toBe('b');
    expect([registry.has('a'), registry.has('c')]).toEqual([true, false]);
    expect(registry.find('c')).toBeUndefined();
    expect(Array.from(registry, ({ name }) => name)).toEqual(['a', 'b']);
  });

  it('names those it knows when it does not know one', async () => {
    const registry = await registryOf('a', 'b');
    expect(() => registry.get('c')).toThrow(UnknownPoolError);
    expect(() => registry.get('c')).toThrow('Pool "c" is not registered (known: "a", "b")');
    await expect(registry.remove('c')).rejects.toThrow(UnknownPoolError);
  });

  describe('create', () => {
    it('resolves with a pool that is started and has the root’s defaults', async () => {
      const registry = await registryOf();
      const connector = fakeConnector();
      const pool: ConnPool<FakeConn> = await registry.create({
        name: 'tenant',
        connector,
        min: 1,
        startup: 'wait',
      });
      expect(pool.stats()).toMatchObject({ name: 'tenant', max: 4, idle: 1 });
      expect(registry.get('tenant')).toBe(pool);
    });

    it('takes a pool of another kind', async () => {
      const registry = await registryOf();
      const pool: StrangerPool = await registry.create({
        name: 's',
        pool: ({ name }) => new StrangerPool(name),
      });
      expect(pool.asked).toEqual(['start']);
    });

    it('refuses a name that exists', async () => {
      const registry = await registryOf('a');
      await expect(registry.create({ name: 'a', connector: fakeConnector() })).rejects.toThrow(
        DuplicatePoolError,
      );
    });

    it('refuses bad options', async () => {
      const registry = await registryOf();
      await expect(registry.create({ name: 'a', connector: fakeConnector(), max: 0.5 })).rejects.toThrow(
        InvalidOptionsError,
      );
      expect(registry.names()).toEqual([]);
    });

    it('closes and forgets a pool that cannot be started', async () => {
      const registry = await registryOf();
      const connector = fakeConnector();
      connector.dial.next('ok', 'fail');
      const definition = { name: 'a', connector, min: 2, startup: 'wait' } as const;
      await expect(registry.create(definition)).rejects.toThrow(DialError);
      expect(registry.has('a')).toBe(false);
      expect(connector.live).toEqual([]);
      await expect(registry.create(definition)).resolves.toBeInstanceOf(ConnPool);
    });

    it('forgets only the pool that cannot be started, not another that has its name meanwhile', async () => {
      const registry = await registryOf();
      let fail: (error: Error) => void = () => undefined;
      class Slow extends StrangerPool {
        override starts = () => new Promise<undefined>((_resolve, reject) => (fail = reject));
      }
      const created = registry.create({ name: 'tenant', pool: ({ name }) => new Slow(name) });
      await registry.remove('tenant');
      const other = await registry.create({ name: 'tenant', connector: fakeConnector() });
      fail(new Error('refused'));
      await expect(created).rejects.toThrow('refused');
      expect(registry.get('tenant')).toBe(other);
    });

    it('starts a pool once, also before the application begins', async () => {
      const app = await compile({ imports: [ConnPoolModule.forRoot()] });
      const pool = await app.get(PoolRegistry).create({ name: 's', pool: () => new StrangerPool('s') });
      await app.init();
      expect(pool.asked).toEqual(['start']);
    });

    it('is refused once the pools are closed', async () => {
      const registry = await registryOf();
      await registry.onApplicationShutdown();
      await expect(registry.create({ name: 'a', connector: fakeConnector() })).rejects.toThrow(
        PoolClosedError,
      );
    });
  });

  describe('remove', () => {
    it('closes the pool first, within its own drain, and then forgets it', async () => {
      const registry = await registryOf();
      const pool = await registry.create({ name: 'a', connector: fakeConnector() });
      const lease = await pool.acquire();
      const removed = registry.remove('a');
      expect(registry.get('a')).toBe(pool);
      expect(pool.state).toBe('draining');
      lease.release();
      await expect(removed).resolves.toMatchObject({ closed: 1, forced: 0 });
      expect(registry.has('a')).toBe(false);
    });

    it('makes room for another of that name', async () => {
      const registry = await registryOf('a');
      await registry.remove('a');
      const again = await registry.create({ name: 'a', connector: fakeConnector() });
      expect(registry.get('a')).toBe(again);
    });

    it('can be called twice at once', async () => {
      const registry = await registryOf('a');
      const reports = await Promise.all([registry.remove('a'), registry.remove('a')]);
      expect(reports[0]).toBe(reports[1]);
    });

    it('forgets a pool whose close fails, and says so', async () => {
      const registry = await registryOf();
      const pool = await registry.create({ name: 's', pool: () => new StrangerPool('s') });
      pool.closes = () => Promise.reject(new Error('stuck'));
      await expect(registry.remove('s')).rejects.toThrow('stuck');
      expect(registry.has('s')).toBe(false);
    });
  });

  describe('who follows the pools', () => {
    it('is told of each that is there or comes, and when it goes: once', async () => {
      const registry = await registryOf('a');
      const told: string[] = [];
      const end = registry.follow((pool, name) => {
        told.push(`+${name}`);
        expect(registry.get(name)).toBe(pool);
        return () => told.push(`-${name}`);
      });
      await registry.create({ name: 'b', connector: fakeConnector() });
      const refused = fakeConnector();
      refused.dial.always({ fail: new Error('refused') });
      await expect(
        registry.create({ name: 'c', connector: refused, min: 1, startup: 'wait', acquireTimeout: 50 }),
      ).rejects.toThrow('refused');
      await registry.remove('b');
      expect(told).toEqual(['+a', '+b', '+c', '-c', '-b']);
      end();
      end();
      await registry.create({ name: 'd', connector: fakeConnector() });
      expect(told.slice(5)).toEqual(['-a']);
    });
  });

  it('starts the pools of a module that is loaded lazily', async () => {
    const app = await boot({ imports: [ConnPoolModule.forRoot()] });
    const stranger = new StrangerPool('lazy');
    @Module({ imports: [ConnPoolModule.forFeature({ name: 'lazy', pool: () => stranger })] })
    class LazyModule {}
    const lazy = await app.get(LazyModuleLoader).load(() => LazyModule);
    expect(lazy.get(getPoolToken('lazy'), { strict: false })).toBe(stranger);
    expect(app.get(PoolRegistry).get('lazy')).toBe(stranger);
    expect(stranger.asked).toEqual(['start']);
  });

  describe('at the end of the application', () => {
    it('marks the pools as draining, and they lend until the last hook of everybody else', async () => {
      const seen: unknown[] = [];
      @Injectable()
      class Late {
        constructor(private readonly registry: PoolRegistry) {}
        async onModuleDestroy() {
          seen.push('destroy', this.registry.draining, await this.registry.get('a').use(() => 'lent'));
        }
        async beforeApplicationShutdown() {
          seen.push('before', await this.registry.get('a').use(() => 'lent'));
        }
        async onApplicationShutdown() {
          seen.push('after', this.registry.draining, await this.registry.get('a').use(() => 'lent'));
        }
      }
      const feature = ConnPoolModule.forFeature({ name: 'a', connector: fakeConnector() });
      const app = await boot({ imports: [ConnPoolModule.forRoot(), feature], providers: [Late] });
      await app.close();
      expect(seen).toEqual(['destroy', false, 'lent', 'before', 'lent', 'after', true, 'lent']);
      expect(app.get(PoolRegistry).get('a').state).toBe('closed');
    });

    it('closes all pools side by side', async () => {
      const app = await boot({ imports: [ConnPoolModule.forRoot()] });
      const registry = app.get(PoolRegistry);
      const release: (() => void)[] = [];
      const strangers = ['a', 'b', 'c'].map((name) => new StrangerPool(name));
      for (const stranger of strangers) {
        stranger.closes = () => new Promise((resolve) => void release.push(resolve));
        await registry.create({ name: stranger.name, pool: () => stranger });
      }
      const closed = registry.onApplicationShutdown();
      expect(strangers.map(({ asked }) => asked)).toEqual(Array(3).fill(['start', 'close']));
      for (const done of release) done();
      await closed;
    });

    it('goes on when one cannot be closed, and says which', async () => {
      const log = new LogBook();
      const bad = new StrangerPool('bad');
      bad.closes = () => Promise.reject(new Error('no way'));
      const good = new StrangerPool('good');
      const features = [bad, good].map((each) =>
        ConnPoolModule.forFeature({ name: each.name, pool: () => each }),
      );
      const app = await boot({ imports: [ConnPoolModule.forRoot(), ...features] }, { log });
      await app.close();
      expect(good.state).toBe('closed');
      const texts = log.lines.filter(({ level }) => level === 'error').map(({ text }) => text);
      expect(texts).toEqual(['Failed to close pool "bad": no way']);
    });

    it('does not wait for ever for a pool that never answers', async () => {
      const log = new LogBook();
      const deaf = new StrangerPool('deaf');
      deaf.closes = () => new Promise(() => undefined);
      const feature = ConnPoolModule.forFeature({
        name: 'deaf',
        pool: () => deaf,
        drain: 1,
        closeTimeout: 1,
      });
      const app = await boot({ imports: [ConnPoolModule.forRoot(), feature] }, { log });
      await app.close();
      expect(log.lines.filter(({ level }) => level === 'error')).toEqual([
        expect.objectContaining({
          text: 'Failed to close pool "deaf": close() gave no answer within 1002 ms',
        }),
      ]);
    });
  });
});

describe('a pool that a test replaces', () => {
  const { boot } = applications();

  it('is injected, and no real one is made', async () => {
    const connector = fakeConnector();
    const fake = new StrangerPool('thrift');
    const app = await boot(
      {
        imports: [ConnPoolModule.forRoot(), ConnPoolModule.forFeature({ name: 'thrift', connector, min: 1 })],
      },
      { adjust: (builder) => builder.overrideProvider(getPoolToken('thrift')).useValue(fake) },
    );
    expect(app.get(getPoolToken('thrift'))).toBe(fake);
    expect(app.get(PoolRegistry).names()).toEqual([]);
    expect(connector.dial.count).toBe(0);
    await app.close();
    expect(fake.asked).toEqual([]);
  });

  it('is not made from its factory, either', async () => {
    const fake = new StrangerPool('thrift');
    const app = await boot(
      {
        imports: [
          ConnPoolModule.forRoot(),
          ConnPoolModule.forFeatureAsync({
            name: 'thrift',
            useFactory: () => ({ connector: fakeConnector(), min: 1 }),
          }),
        ],
      },
      { adjust: (builder) => builder.overrideProvider(getPoolToken('thrift')).useValue(fake) },
    );
    expect(app.get(PoolRegistry).names()).toEqual([]);
  });
});
