import { type HealthIndicatorService } from '@nestjs/terminus';
import { ConnPoolModule, InvalidOptionsError, MissingRootModuleError, PoolRegistry } from 'nestjs-conn-pool';
import type { PoolDefinition } from 'nestjs-conn-pool';
import { ConnPoolHealthIndicator, ConnPoolHealthModule } from 'nestjs-conn-pool/terminus';
import { fakeConnector } from 'nestjs-conn-pool/testing';
import { applications } from '../nest/applications.js';
import { StrangerPool } from '../nest/stranger-pool.js';

/** The pool's own report, or the deadline when the process was too busy for the report to come first. */
const SILENCE = /heartbeat gave no answer|no heartbeat was answered/;

describe('ConnPoolHealthIndicator', () => {
  const { boot, compile } = applications();

  async function indicatorOf(...definitions: PoolDefinition[]) {
    const imports = [
      ConnPoolModule.forRoot({ defaults: { drain: 0 } }),
      ConnPoolModule.forFeature(...definitions),
      ConnPoolHealthModule,
    ];
    const app = await boot({ imports });
    return { app, health: app.get(ConnPoolHealthIndicator), registry: app.get(PoolRegistry) };
  }

  function stranger(adjust: (pool: StrangerPool) => void = () => undefined) {
    const pool = new StrangerPool('thrift');
    adjust(pool);
    return { pool, definition: { name: 'thrift', pool: () => pool } };
  }

  describe('of a real pool', () => {
    it('is up by a heartbeat of an idle connection, with the counts at the top', async () => {
      const connector = fakeConnector({ heartbeat: true });
      const { health } = await indicatorOf({ name: 'thrift', connector, min: 2, startup: 'wait', max: 5 });
      const beats = connector.heartbeat.count;
      await expect(health.pingCheck('thrift')).resolves.toEqual({
        thrift: { status: 'up', idle: 2, leased: 0, waiting: 0, max: 5, latencyMs: expect.any(Number) },
      });
      expect(connector.heartbeat.count - beats).toBe(2);
      expect(connector.dial.count).toBe(2);
    });

    it('is up by a new connection when there is none', async () => {
      const connector = fakeConnector({ heartbeat: true });
      const { health } = await indicatorOf({ name: 'thrift', connector });
      await expect(health.pingCheck('thrift')).resolves.toMatchObject({ thrift: { status: 'up', idle: 1 } });
      expect(connector.dial.count).toBe(1);
    });

    it('is down with the cause when it cannot dial, and stays so during the back-off', async () => {
      const connector = fakeConnector();
      connector.dial.always('fail');
      const { health } = await indicatorOf({
        name: 'thrift',
        connector,
        dialBackoff: { initial: '1m', max: '1m' },
      });
      for (let round = 0; round < 2; round++) {
        const { thrift } = await health.pingCheck('thrift');
        expect(thrift).toMatchObject({ status: 'down', cause: expect.stringContaining('dial') });
        expect(thrift.message).toMatch(/^Pool "thrift" had no good answer from its connection: /);
      }
    });

    it('is down when every heartbeat hangs, within its timeout', async () => {
      const connector = fakeConnector({ heartbeat: true });
      const { health } = await indicatorOf({ name: 'thrift', connector, min: 2, startup: 'wait' });
      connector.heartbeat.always('hang');
      for (let round = 0; round < 2; round++) {
        await expect(health.pingCheck('thrift', { timeout: 50 })).resolves.toMatchObject({
          thrift: { status: 'down', cause: expect.stringMatching(SILENCE) },
        });
      }
    });

    it('is down when a dial hangs, within its timeout', async () => {
      const connector = fakeConnector();
      connector.dial.always('hang');
      const { health } = await indicatorOf({ name: 'thrift', connector });
      await expect(health.pingCheck('thrift', { timeout: 50 })).resolves.toMatchObject({
        thrift: { status: 'down' },
      });
    });

    it('is degraded when it is saturated, and does not wait in line', async () => {
      const connector = fakeConnector({ heartbeat: true });
      const { health, registry } = await indicatorOf({ name: 'thrift', connector, max: 1 });
      await registry.get('thrift').acquire();
      const waiting = registry.get('thrift').acquire();
      waiting.catch(() => undefined);
      await expect(health.pingCheck('thrift')).resolves.toEqual({
        thrift: {
          status: 'degraded',
          message: 'Pool "thrift" is saturated: 1 of 1 connections are leased, 1 waiting.',
          idle: 0,
          leased: 1,
          waiting: 1,
          max: 1,
          latencyMs: 0,
        },
      });
    });

    it('is down when it is paused, since it lends nothing', async () => {
      const { health, registry } = await indicatorOf({ name: 'thrift', connector: fakeConnector() });
      registry.get('thrift').pause();
      await expect(health.pingCheck('thrift')).resolves.toMatchObject({
        thrift: { status: 'down', message: 'Pool "thrift" is paused.' },
      });
    });

    it('is down when the pool drains and when it is closed', async () => {
      const { health, registry } = await indicatorOf({ name: 'thrift', connector: fakeConnector() });
      const pool = registry.get('thrift');
      const lease = await pool.acquire();
      const closed = pool.close({ drain: '1m' });
      await expect(health.pingCheck('thrift')).resolves.toMatchObject({
        thrift: { status: 'down', message: 'Pool "thrift" is draining.', leased: 1 },
      });
      lease.release();
      await closed;
      await expect(health.pingCheck('thrift')).resolves.toMatchObject({
        thrift: { status: 'down', message: 'Pool "thrift" is closed.' },
      });
    });

    it('is down once the application shuts down, while the pool still lends', async () => {
      const { health, registry } = await indicatorOf({ name: 'thrift', connector: fakeConnector() });
      registry.beforeApplicationShutdown();
      await expect(health.pingCheck('thrift')).resolves.toMatchObject({
        thrift: { status: 'down', message: 'Pool "thrift" is draining.' },
      });
      await expect(registry.get('thrift').use(() => 'lent')).resolves.toBe('lent');
      await registry.onApplicationShutdown();
      await expect(health.pingCheck('thrift')).resolves.toMatchObject({
        thrift: { status: 'down', message: 'Pool "thrift" is closed.' },
      });
    });
  });

  describe('of a pool of another kind', () => {
    it('asks for a heartbeat that leaves time to answer, and for a dial if there is nothing to ask', async () => {
      const { pool, definition } = stranger();
      const { health } = await indicatorOf(definition);
      await health.pingCheck('thrift');
      await health.pingCheck('thrift', { timeout: '2s' });
      expect(pool.heartbeats).toEqual([
        { timeout: 900, dialIfNone: true },
        { timeout: 1800, dialIfNone: true },
      ]);
    });

    it('answers when the heartbeat never does', async () => {
      const { definition } = stranger((pool) => (pool.beats = () => new Promise(() => undefined)));
      const { health } = await indicatorOf(definition);
      await expect(health.pingCheck('thrift', { timeout: 20 })).resolves.toMatchObject({
        thrift: { status: 'down', cause: 'no heartbeat was answered within 20 ms' },
      });
    });

    it('is down when the heartbeat rejects or throws', async () => {
      const { pool, definition } = stranger(
        (each) => (each.beats = () => Promise.reject(new Error('rejected'))),
      );
      const { health } = await indicatorOf(definition);
      await expect(health.pingCheck('thrift')).resolves.toMatchObject({
        thrift: { status: 'down', cause: 'rejected' },
      });
      pool.heartbeat = () => {
        throw new Error('thrown');
      };
      await expect(health.pingCheck('thrift')).resolves.toMatchObject({
        thrift: { status: 'down', cause: 'thrown' },
      });
    });

    it('does not let a rejection that comes too late go unhandled', async () => {
      let reject: (error: Error) => void = () => undefined;
      const late = new Promise<void>((_resolve, no) => (reject = no));
      const { definition } = stranger((pool) => (pool.beats = () => late));
      const { health } = await indicatorOf(definition);
      const unhandled: unknown[] = [];
      const note = (reason: unknown): void => void unhandled.push(reason);
      process.on('unhandledRejection', note);
      await health.pingCheck('thrift', { timeout: 5 });
      reject(new Error('late'));
      await new Promise((resolve) => setImmediate(resolve));
      process.off('unhandledRejection', note);
      expect(unhandled).toEqual([]);
    });
  });

  it('takes the pool from its options when the key is another', async () => {
    const { health } = await indicatorOf(stranger().definition);
    await expect(health.pingCheck('gateway', { pool: 'thrift' })).resolves.toMatchObject({
      gateway: { status: 'up' },
    });
  });

  it('is down for a pool that is not registered, and names those that are', async () => {
    const { health } = await indicatorOf(stranger().definition);
    await expect(health.pingCheck('thrfit')).resolves.toEqual({
      thrfit: {
        status: 'down',
        message: expect.stringContaining('"thrfit" is not registered (known: "thrift")'),
      },
    });
  });

  it.each([0, -1, Infinity, NaN, 'soon'])('refuses %p as a timeout', async (timeout) => {
    const { health } = await indicatorOf(stranger().definition);
    await expect(health.pingCheck('thrift', { timeout })).rejects.toThrow(InvalidOptionsError);
  });

  it('checks all pools side by side, each under its own name', async () => {
    const slow = new StrangerPool('slow');
    slow.beats = () => new Promise(() => undefined);
    const slower = new StrangerPool('slower');
    slower.beats = () => new Promise(() => undefined);
    const { health } = await indicatorOf(
      { name: 'a', connector: fakeConnector() },
      { name: 'slow', pool: () => slow },
      { name: 'slower', pool: () => slower },
    );
    const results = await health.checkAll({ timeout: 50 });
    expect(Object.fromEntries(Object.entries(results).map(([name, { status }]) => [name, status]))).toEqual({
      a: 'up',
      slow: 'down',
      slower: 'down',
    });
    expect(slower.heartbeats).toHaveLength(1);
  });

  it('has nothing to say without pools', async () => {
    const { health } = await indicatorOf();
    await expect(health.checkAll()).resolves.toEqual({});
  });

  it('asks for the root module', async () => {
    await expect(compile({ imports: [ConnPoolHealthModule] })).rejects.toThrow(MissingRootModuleError);
  });

  it('finds the registry where isGlobal is false, too', async () => {
    const imports = [ConnPoolModule.forRoot({ isGlobal: false }), ConnPoolHealthModule];
    await expect(compile({ imports })).resolves.toBeDefined();
  });

  it('says up for a saturated pool where Terminus knows no third state', async () => {
    const withoutDegraded = {
      check: (key: string) => ({
        up: (data: object) => ({ [key]: { status: 'up', ...data } }),
        down: (data: object) => ({ [key]: { status: 'down', ...data } }),
      }),
    } as unknown as HealthIndicatorService;
    const { definition } = stranger((pool) => {
      pool.counts = { size: 10, leased: 10 };
      pool.report = { checked: 0, healthy: 0 };
    });
    const { registry } = await indicatorOf(definition);
    const health = new ConnPoolHealthIndicator(withoutDegraded, registry);
    await expect(health.pingCheck('thrift')).resolves.toMatchObject({
      thrift: { status: 'up', message: expect.stringContaining('saturated'), leased: 10 },
    });
  });
});
