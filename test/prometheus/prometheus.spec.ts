import { ConnPoolModule, getPoolToken, PoolRegistry } from 'nestjs-conn-pool';
import { type ConnPool, KeyedConnPool } from 'nestjs-conn-pool/core';
import { type Backplane, ConnHubModule, HubRegistry, memoryBackplane } from 'nestjs-conn-pool/hub';
import { SocketPool } from 'nestjs-conn-pool/net';
import { ConnPoolPrometheusModule, MetricNameTakenError } from 'nestjs-conn-pool/prometheus';
import { tcpPool } from 'nestjs-conn-pool/tcp';
import { FakeClock, type FakeConn, fakeConnector } from 'nestjs-conn-pool/testing';
import { AggregatorRegistry, Counter, Registry } from 'prom-client';
import { heldAfterRemoval } from '../nest/held-after-removal.js';
import { applications, LogBook } from '../nest/applications.js';
import { StrangerPool } from '../nest/stranger-pool.js';

/** What a scrape says: the value of each series, by its name and labels. */
async function scrape(registry: Registry): Promise<Map<string, number>> {
  const lines = (await registry.metrics()).split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return new Map(
    lines.map((line) => {
      const [, series = '', value = ''] = /^(.*) (\S+)$/.exec(line) ?? [];
      return [series, value === '+Inf' ? Infinity : Number(value)];
    }),
  );
}

const feature = (name = 'thrift', more: object = {}) =>
  ConnPoolModule.forFeature({ name, connector: fakeConnector(), max: 2, ...more });

describe('the metrics in a registry of prom-client', () => {
  const { boot } = applications();
  const withMetrics = (registry: Registry, ...features: ReturnType<typeof feature>[]) =>
    boot({
      imports: [ConnPoolModule.forRoot(), ...features, ConnPoolPrometheusModule.forRoot({ registry })],
    });

  it('are what the pool says at the scrape: connections by state, limits, the line', async () => {
    const registry = new Registry();
    const app = await withMetrics(registry, feature());
    const pool = app.get<ConnPool<FakeConn>>(getPoolToken('thrift'));
    const held = [await pool.acquire(), await pool.acquire()];
    const waiter = pool.acquire();
    const seen = await scrape(registry);
    expect(seen.get('conn_pool_connections{pool="thrift",state="leased"}')).toBe(2);
    expect(seen.get('conn_pool_connections{pool="thrift",state="idle"}')).toBe(0);
    expect(seen.get('conn_pool_max_connections{pool="thrift"}')).toBe(2);
    expect(seen.get('conn_pool_waiting{pool="thrift"}')).toBe(1);
    expect(seen.get('conn_pool_state{pool="thrift",state="open"}')).toBe(1);
    expect(seen.get('conn_pool_state{pool="thrift",state="paused"}')).toBe(0);
    for (const lease of held) lease.release();
    (await waiter).release();
    pool.pause();
    const later = await scrape(registry);
    expect(later.get('conn_pool_connections{pool="thrift",state="idle"}')).toBe(2);
    expect(later.get('conn_pool_waiting{pool="thrift"}')).toBe(0);
    expect(later.get('conn_pool_state{pool="thrift",state="paused"}')).toBe(1);
  });

  it('count what has happened, by reason where there are several', async () => {
    const registry = new Registry();
    const app = await withMetrics(registry, feature('thrift', { exhausted: 'fail' }));
    const pool = app.get<ConnPool<FakeConn>>(getPoolToken('thrift'));
    const [first, second] = [await pool.acquire(), await pool.acquire()];
    await expect(pool.acquire()).rejects.toThrow();
    await expect(pool.acquire({ signal: AbortSignal.abort() })).rejects.toThrow();
    first.discard();
    second.release();
    await new Promise(setImmediate);
    const seen = await scrape(registry);
    expect(seen.get('conn_pool_acquired_total{pool="thrift"}')).toBe(2);
    expect(seen.get('conn_pool_dialed_total{pool="thrift"}')).toBe(2);
    expect(seen.get('conn_pool_acquire_failures_total{pool="thrift",reason="exhausted"}')).toBe(1);
    expect(seen.get('conn_pool_acquire_failures_total{pool="thrift",reason="aborted"}')).toBe(1);
    expect(seen.get('conn_pool_acquire_failures_total{pool="thrift",reason="timeout"}')).toBe(0);
    expect(seen.get('conn_pool_closed_total{pool="thrift",reason="discarded"}')).toBe(1);
  });

  it('have histograms of wait, use and dial, in seconds and with the buckets asked for', async () => {
    const registry = new Registry();
    const clock = new FakeClock();
    const connector = fakeConnector({ clock });
    connector.dial.always({ after: 30 });
    const app = await boot({
      imports: [
        ConnPoolModule.forRoot(),
        ConnPoolModule.forFeature({ name: 'thrift', connector, clock, max: 1 }),
        ConnPoolPrometheusModule.forRoot({ registry, buckets: { use: [0.1, 1] } }),
      ],
    });
    const pool = app.get<ConnPool<FakeConn>>(getPoolToken('thrift'));
    const first = pool.acquire();
    await clock.advance(30);
    const lease = await first;
    await clock.advance(500);
    lease.release();
    (await pool.acquire()).release();
    const seen = await scrape(registry);
    expect(seen.get('conn_pool_dial_seconds_sum{pool="thrift"}')).toBeCloseTo(0.03);
    expect(seen.get('conn_pool_dial_seconds_bucket{le="0.025",pool="thrift"}')).toBe(0);
    expect(seen.get('conn_pool_dial_seconds_bucket{le="0.05",pool="thrift"}')).toBe(1);
    expect(seen.get('conn_pool_wait_seconds_bucket{le="0.001",pool="thrift"}')).toBe(1);
    expect(seen.get('conn_pool_wait_seconds_count{pool="thrift"}')).toBe(2);
    expect(seen.get('conn_pool_use_seconds_bucket{le="0.1",pool="thrift"}')).toBe(1);
    expect(seen.get('conn_pool_use_seconds_bucket{le="1",pool="thrift"}')).toBe(2);
    expect(seen.get('conn_pool_use_seconds_bucket{le="+Inf",pool="thrift"}')).toBe(2);
    expect(seen.get('conn_pool_use_seconds_sum{pool="thrift"}')).toBeCloseTo(0.5);
  });

  it('miss no dial of the start', async () => {
    const registry = new Registry();
    await withMetrics(registry, feature('thrift', { min: 2, startup: 'wait' }));
    expect((await scrape(registry)).get('conn_pool_dial_seconds_count{pool="thrift"}')).toBe(2);
  });

  it('leave the durations unmeasured when no histograms are wanted', async () => {
    const registry = new Registry();
    await boot({
      imports: [
        ConnPoolModule.forRoot(),
        feature(),
        ConnPoolPrometheusModule.forRoot({ registry, buckets: false }),
      ],
    });
    expect(await registry.metrics()).not.toContain('_seconds');
  });

  it('cover every kind of pool, and a stranger as far as it goes', async () => {
    const registry = new Registry();
    const tenants = { dial: (tenant: string) => ({ tenant }), close: () => undefined };
    const app = await boot({
      imports: [
        ConnPoolModule.forRoot(),
        ConnPoolModule.forFeature(
          { name: 'sockets', pool: ({ name }) => new SocketPool({ name }) },
          { name: 'tenants', pool: ({ name }) => new KeyedConnPool(tenants, { name, max: 4 }) },
          { name: 'odd', pool: ({ name }) => new StrangerPool(name) },
          tcpPool({ name: 'packages' }),
        ),
        ConnPoolPrometheusModule.forRoot({ registry }),
      ],
    });
    const pool = app.get<KeyedConnPool<string, object>>(getPoolToken('tenants'));
    await pool.use('acme', () => 1);
    await pool.use('other', () => 1);
    const seen = await scrape(registry);
    for (const name of ['sockets', 'tenants', 'odd', 'packages'])
      expect(seen.get(`conn_pool_connections{pool="${name}",state="leased"}`)).toBe(0);
    expect(seen.get('conn_pool_max_connections{pool="sockets"}')).toBe(Infinity);
    expect(seen.get('conn_pool_acquired_total{pool="tenants"}')).toBe(2);
    expect(seen.get('conn_pool_use_seconds_count{pool="tenants"}')).toBe(2);
    expect(seen.get('conn_pool_use_seconds_count{pool="packages"}')).toBe(0);
    expect(seen.has('conn_pool_acquired_total{pool="odd"}')).toBe(false);
    expect(seen.has('conn_pool_use_seconds_count{pool="odd"}')).toBe(false);
  });

  it('cover hubs: what is connected, what waits, whether the backplane is there', async () => {
    const registry = new Registry();
    const app = await boot({
      imports: [
        ConnHubModule.forRoot({ backplane: memoryBackplane() }),
        ConnHubModule.forFeature({ name: 'chat' }),
        ConnPoolPrometheusModule.forRoot({ registry }),
      ],
    });
    await app.get(HubRegistry).get('chat').push('nobody', 'hello');
    const seen = await scrape(registry);
    expect(seen.get('conn_hub_connections{hub="chat"}')).toBe(0);
    expect(seen.get('conn_hub_backplane_up{hub="chat"}')).toBe(1);
    expect(seen.get('conn_hub_pushed_total{hub="chat",status="offline"}')).toBe(1);
    expect(seen.get('conn_hub_left_total{hub="chat",reason="slow"}')).toBe(0);
    expect(seen.get('conn_hub_not_recovered_total{hub="chat"}')).toBe(0);
  });

  it('go on without the state of a backplane that fails when it is asked', async () => {
    const registry = new Registry();
    const link = {
      start: async () => undefined,
      stop: async () => undefined,
      health: () => {
        throw new Error('broken');
      },
    };
    await boot({
      imports: [
        ConnHubModule.forRoot({ backplane: { kind: 'own', link: () => link } as unknown as Backplane }),
        ConnHubModule.forFeature({ name: 'chat' }),
        ConnPoolPrometheusModule.forRoot({ registry }),
      ],
    });
    const seen = await scrape(registry);
    expect(seen.get('conn_hub_connections{hub="chat"}')).toBe(0);
    expect(seen.has('conn_hub_backplane_up{hub="chat"}')).toBe(false);
  });

  it('come and go with their pool', async () => {
    const registry = new Registry();
    const app = await withMetrics(registry, feature());
    const pools = app.get(PoolRegistry);
    const late = await pools.create({ name: 'late', connector: fakeConnector() });
    const series = 'conn_pool_use_seconds_count{pool="late"}';
    expect((await scrape(registry)).get(series)).toBe(0);
    await late.use(() => 1);
    expect((await scrape(registry)).get(series)).toBe(1);
    await pools.remove('late');
    expect(await registry.metrics()).not.toContain('late');
    await app.get<ConnPool<FakeConn>>(getPoolToken('thrift')).close();
    expect(await registry.metrics()).not.toContain('thrift');
  });

  it('go on without a pool whose stats() fails, which the log tells once, and without what is no number', async () => {
    const registry = new Registry();
    class Broken extends StrangerPool {
      override stats(): never {
        throw new Error('connect redis://user:secret@host failed');
      }
    }
    class Terse extends StrangerPool {
      override counts = { waiting: 3, checking: undefined, totals: null, maxIdle: '7' } as object;
    }
    const log = new LogBook();
    await boot(
      {
        imports: [
          ConnPoolModule.forRoot(),
          ConnPoolModule.forFeature(
            { name: 'broken', pool: ({ name }) => new Broken(name) },
            { name: 'terse', pool: ({ name }) => new Terse(name) },
            { name: 'thrift', connector: fakeConnector() },
          ),
          ConnPoolPrometheusModule.forRoot({ registry }),
        ],
      },
      { log },
    );
    await scrape(registry);
    const seen = await scrape(registry);
    expect(seen.get('conn_pool_waiting{pool="thrift"}')).toBe(0);
    expect(seen.get('conn_pool_waiting{pool="terse"}')).toBe(3);
    expect(seen.has('conn_pool_max_idle_connections{pool="terse"}')).toBe(false);
    expect([...seen].filter(([, value]) => Number.isNaN(value))).toEqual([]);
    expect([...seen.keys()].filter((series) => series.includes('broken'))).toEqual([]);
    expect(log.ofPools('warn')).toEqual([
      'Pool "broken" cannot be looked at, as its stats() fails: connect redis://***@host failed. Look at the code of the pool.',
    ]);
  });

  it('are labelled with what a pool is registered as, whatever it calls itself', async () => {
    const registry = new Registry();
    await boot({
      imports: [
        ConnPoolModule.forRoot(),
        ConnPoolModule.forFeature(
          { name: 'a', pool: () => new SocketPool({ max: 3 }) },
          { name: 'b', pool: () => new SocketPool({ max: 5 }) },
        ),
        ConnPoolPrometheusModule.forRoot({ registry }),
      ],
    });
    const seen = await scrape(registry);
    expect(seen.get('conn_pool_max_connections{pool="a"}')).toBe(3);
    expect(seen.get('conn_pool_max_connections{pool="b"}')).toBe(5);
    expect(seen.get('conn_pool_use_seconds_count{pool="b"}')).toBe(0);
    expect([...seen.keys()].filter((series) => series.includes('"default"'))).toEqual([]);
  });

  it('hold no pool that has been removed, also when nobody scrapes', async () => {
    expect(await heldAfterRemoval((await withMetrics(new Registry())).get(PoolRegistry))).toBe(0);
  });

  it('of two applications in one registry are told side by side, and leave with the last', async () => {
    const registry = new Registry();
    const one = await withMetrics(registry, feature('first'), feature('both'));
    const other = await withMetrics(registry, feature('second'), feature('both'));
    await one.get<ConnPool<FakeConn>>(getPoolToken('both')).use(() => 1);
    await other.get<ConnPool<FakeConn>>(getPoolToken('both')).use(() => 1);
    const seen = await scrape(registry);
    expect(seen.get('conn_pool_acquired_total{pool="first"}')).toBe(0);
    expect(seen.get('conn_pool_acquired_total{pool="second"}')).toBe(0);
    expect(seen.get('conn_pool_acquired_total{pool="both"}')).toBe(2);
    await one.close();
    expect((await scrape(registry)).get('conn_pool_acquired_total{pool="both"}')).toBe(1);
    await other.close();
    expect(registry.getMetricsAsArray()).toEqual([]);
    await withMetrics(registry, feature('again'));
    expect((await scrape(registry)).get('conn_pool_max_connections{pool="again"}')).toBe(2);
  });

  it('of two applications are added up only where that makes sense: a state is no amount', async () => {
    const registry = new Registry();
    let backplane: 'up' | 'down' = 'up';
    const link = {
      start: async () => undefined,
      stop: async () => undefined,
      health: () => ({ kind: 'redis', state: backplane }),
    };
    const hubs = (own: unknown) => [
      ConnHubModule.forRoot({ backplane: own as Backplane }),
      ConnHubModule.forFeature({ name: 'chat' }),
    ];
    const start = (own: unknown) =>
      boot({
        imports: [
          ConnPoolModule.forRoot(),
          feature(),
          ...hubs(own),
          ConnPoolPrometheusModule.forRoot({ registry }),
        ],
      });
    const one = await start(memoryBackplane());
    await start({ kind: 'redis', link: () => link });
    const state = (seen: Map<string, number>, name: string) =>
      seen.get(`conn_pool_state{pool="thrift",state="${name}"}`);
    const before = await scrape(registry);
    expect([state(before, 'open'), state(before, 'paused')]).toEqual([1, 0]);
    expect(before.get('conn_pool_max_connections{pool="thrift"}')).toBe(4);
    expect(before.get('conn_hub_backplane_up{hub="chat"}')).toBe(1);
    one.get<ConnPool<FakeConn>>(getPoolToken('thrift')).pause();
    backplane = 'down';
    const after = await scrape(registry);
    expect([state(after, 'open'), state(after, 'paused')]).toEqual([1, 1]);
    expect(after.get('conn_hub_backplane_up{hub="chat"}')).toBe(0);
  });

  it('are told of several processes in the same way, when their registries are aggregated', async () => {
    const registry = new Registry();
    await boot({
      imports: [
        ConnPoolModule.forRoot(),
        feature(),
        ConnHubModule.forRoot({ backplane: memoryBackplane() }),
        ConnHubModule.forFeature({ name: 'chat' }),
        ConnPoolPrometheusModule.forRoot({ registry }),
      ],
    });
    const worker = await registry.getMetricsAsJSON();
    const seen = await scrape(AggregatorRegistry.aggregate([worker, worker]));
    expect(seen.get('conn_pool_max_connections{pool="thrift"}')).toBe(4);
    expect(seen.get('conn_pool_state{pool="thrift",state="open"}')).toBe(1);
    expect(seen.get('conn_hub_backplane_up{hub="chat"}')).toBe(1);
  });

  it('are told once, however often the module is imported', async () => {
    const registry = new Registry();
    const again = () => ConnPoolPrometheusModule.forRootAsync({ useFactory: () => ({ registry }) });
    await boot({ imports: [ConnPoolModule.forRoot(), feature(), again(), again()] });
    expect((await scrape(registry)).get('conn_pool_max_connections{pool="thrift"}')).toBe(2);
  });

  it('survive that somebody clears the registry or resets it', async () => {
    const registry = new Registry();
    const app = await withMetrics(registry, feature());
    registry.resetMetrics();
    expect((await scrape(registry)).get('conn_pool_max_connections{pool="thrift"}')).toBe(2);
    registry.clear();
    const next = await withMetrics(registry, feature('next'));
    await app.close();
    expect((await scrape(registry)).get('conn_pool_max_connections{pool="next"}')).toBe(2);
    await next.close();
  });

  it('can have a prefix; a metric of the application under their name is told, with the remedy', async () => {
    const registry = new Registry();
    const own = new Counter({ name: 'conn_pool_waiting', help: 'mine', registers: [registry] });
    const imports = [ConnPoolModule.forRoot(), feature()];
    const refused = boot({ imports: [...imports, ConnPoolPrometheusModule.forRoot({ registry })] });
    await expect(refused).rejects.toThrow(MetricNameTakenError);
    await expect(refused).rejects.toThrow(/"conn_pool_waiting".*prefix/);
    expect(registry.getMetricsAsArray()).toEqual([own]);
    await boot({ imports: [...imports, ConnPoolPrometheusModule.forRoot({ registry, prefix: 'shop_' })] });
    expect((await scrape(registry)).get('shop_conn_pool_waiting{pool="thrift"}')).toBe(0);
  });

  it('go to the registry of the process where none is given, and to one that a provider makes', async () => {
    const { register } = await import('prom-client');
    const app = await boot({
      imports: [ConnPoolModule.forRoot(), feature(), ConnPoolPrometheusModule.forRoot()],
    });
    expect(register.getSingleMetric('conn_pool_waiting')).toBeDefined();
    await app.close();
    expect(register.getSingleMetric('conn_pool_waiting')).toBeUndefined();
    const registry = new Registry();
    await boot({
      imports: [
        ConnPoolModule.forRoot(),
        feature(),
        ConnPoolPrometheusModule.forRootAsync({ useFactory: () => ({ registry }) }),
      ],
    });
    expect(registry.getSingleMetric('conn_pool_waiting')).toBeDefined();
    expect(() => ConnPoolPrometheusModule.forRootAsync({})).toThrow(/useFactory/);
  });

  it('are told what is wrong with their options all at once, and that there are no pools', async () => {
    const bad = { registry: {}, prefix: '1 x', buckets: [1, 1] } as object;
    await expect(
      boot({ imports: [ConnPoolModule.forRoot(), ConnPoolPrometheusModule.forRoot(bad)] }),
    ).rejects.toThrow(/registry[^]*prefix[^]*buckets/);
    await expect(boot({ imports: [ConnPoolPrometheusModule.forRoot()] })).rejects.toThrow(/forRoot/);
  });

  it('are read when somebody scrapes, each pool once, and not between', async () => {
    const registry = new Registry();
    let reads = 0;
    class Counting extends StrangerPool {
      override stats() {
        reads += 1;
        return super.stats();
      }
    }
    await boot({
      imports: [
        ConnPoolModule.forRoot(),
        ConnPoolModule.forFeature({ name: 'odd', pool: ({ name }) => new Counting(name) }),
        ConnPoolPrometheusModule.forRoot({ registry }),
      ],
    });
    reads = 0;
    await registry.metrics();
    expect(reads).toBe(1);
    await registry.metrics();
    expect(reads).toBe(2);
  });
});
