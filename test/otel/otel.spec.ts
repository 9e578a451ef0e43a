import { AsyncLocalStorage } from 'node:async_hooks';
import { type Context, context, type ContextManager, ROOT_CONTEXT, trace } from '@opentelemetry/api';
import {
  AggregationTemporality,
  DataPointType,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from '@opentelemetry/sdk-metrics';
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  SimpleSpanProcessor,
} from '@opentelemetry/sdk-trace-base';
import { ConnPoolModule, getPoolToken, type PoolDefinition, PoolRegistry } from 'nestjs-conn-pool';
import { type ConnPool, KeyedConnPool } from 'nestjs-conn-pool/core';
import { ConnHubModule, HubRegistry, memoryBackplane } from 'nestjs-conn-pool/hub';
import { SocketPool } from 'nestjs-conn-pool/net';
import { ConnPoolOtelModule } from 'nestjs-conn-pool/otel';
import { FakeClock, type FakeConn, fakeConnector } from 'nestjs-conn-pool/testing';
import { heldAfterRemoval } from '../nest/held-after-removal.js';
import { applications } from '../nest/applications.js';
import { StrangerPool } from '../nest/stranger-pool.js';

/** A provider that keeps what is exported, and what it says when asked to collect now. */
function meters(temporality = AggregationTemporality.CUMULATIVE) {
  const exporter = new InMemoryMetricExporter(temporality);
  const reader = new PeriodicExportingMetricReader({ exporter, exportIntervalMillis: 3_600_000 });
  const meterProvider = new MeterProvider({ readers: [reader] });
  const collect = async () => {
    exporter.reset();
    await reader.forceFlush();
    const metrics = exporter
      .getMetrics()
      .flatMap(({ scopeMetrics }) => scopeMetrics.flatMap((one) => one.metrics));
    return new Map(metrics.map((metric) => [metric.descriptor.name, metric]));
  };
  /** The value of one point, by its attributes but for the pool's name. */
  const points = async (name: string, pool = 'thrift') => {
    const { dataPoints = [] } = (await collect()).get(name) ?? {};
    return new Map(
      dataPoints
        .filter(({ attributes }) => Object.values(attributes)[0] === pool)
        .map(({ attributes, value }) => [Object.values(attributes).slice(1).join(), value]),
    );
  };
  return { meterProvider, collect, points, end: () => meterProvider.shutdown() };
}

/** What the SDK's own package for Node does. */
class StorageContext implements ContextManager {
  private readonly storage = new AsyncLocalStorage<Context>();
  active = (): Context => this.storage.getStore() ?? ROOT_CONTEXT;
  with: ContextManager['with'] = (active, fn, thisArg, ...args) =>
    this.storage.run(active, () => fn.apply(thisArg as never, args));
  bind = <T>(_context: Context, target: T): T => target;
  enable = (): this => this;
  disable = (): this => this;
}

describe('the metrics in OpenTelemetry', () => {
  const { boot } = applications();
  let under: ReturnType<typeof meters>;
  beforeEach(() => (under = meters()));
  afterEach(() => under.end());

  const start = (more: object = {}, feature: object = {}) =>
    boot({
      imports: [
        ConnPoolModule.forRoot(),
        ConnPoolModule.forFeature({ name: 'thrift', connector: fakeConnector(), max: 2, min: 1, ...feature }),
        ConnPoolOtelModule.forRoot({ meterProvider: under.meterProvider, ...more }),
      ],
    });

  it('are those of the semantic conventions, each with its unit and kind', async () => {
    const app = await start();
    await app.get<ConnPool<FakeConn>>(getPoolToken('thrift')).use(() => 1);
    const told = [...(await under.collect()).values()].map(
      ({ descriptor: { name, unit }, dataPointType }) => [
        name,
        unit,
        ['histogram', 'exponential', 'gauge', 'sum'][dataPointType],
      ],
    );
    const prefix = 'db.client.connection';
    expect(told.sort()).toEqual(
      [
        [`${prefix}.count`, '{connection}', 'sum'],
        [`${prefix}.create_time`, 's', 'histogram'],
        [`${prefix}.idle.max`, '{connection}', 'sum'],
        [`${prefix}.idle.min`, '{connection}', 'sum'],
        [`${prefix}.max`, '{connection}', 'sum'],
        [`${prefix}.pending_requests`, '{request}', 'sum'],
        [`${prefix}.timeouts`, '{timeout}', 'sum'],
        [`${prefix}.use_time`, 's', 'histogram'],
        [`${prefix}.wait_time`, 's', 'histogram'],
      ].sort(),
    );
  });

  it('are what the pool says at the collection', async () => {
    const app = await start();
    const pool = app.get<ConnPool<FakeConn>>(getPoolToken('thrift'));
    const held = [await pool.acquire(), await pool.acquire()];
    const waiter = pool.acquire();
    expect([...(await under.points('db.client.connection.count'))]).toEqual([
      ['idle', 0],
      ['used', 2],
      ['dialing', 0],
      ['checking', 0],
      ['closing', 0],
    ]);
    expect((await under.points('db.client.connection.pending_requests')).get('')).toBe(1);
    expect((await under.points('db.client.connection.max')).get('')).toBe(2);
    expect((await under.points('db.client.connection.idle.min')).get('')).toBe(1);
    expect((await under.points('db.client.connection.timeouts')).get('')).toBe(0);
    for (const lease of held) lease.release();
    (await waiter).release();
    expect((await under.points('db.client.connection.count')).get('idle')).toBe(2);
  });

  it('have the durations in seconds', async () => {
    const clock = new FakeClock();
    const connector = fakeConnector({ clock });
    connector.dial.always({ after: 40 });
    const app = await start({}, { clock, connector, min: 0, max: 1 });
    const pool = app.get<ConnPool<FakeConn>>(getPoolToken('thrift'));
    const first = pool.acquire();
    await clock.advance(40);
    const lease = await first;
    await clock.advance(500);
    lease.release();
    (await pool.acquire()).release();
    type Sum = { count: number; sum: number };
    const of = async (name: string) =>
      (await under.points(`db.client.connection.${name}`)).get('') as unknown as Sum;
    expect(await of('create_time')).toMatchObject({ count: 1, sum: 0.04 });
    expect(await of('wait_time')).toMatchObject({ count: 2, sum: 0.04 });
    expect(await of('use_time')).toMatchObject({ count: 2, sum: 0.5 });
  });

  it('can have another prefix, attributes included, and go without durations', async () => {
    const app = await start({ prefix: 'thrift.client.connection', durations: false });
    await app.get<ConnPool<FakeConn>>(getPoolToken('thrift')).use(() => 1);
    const told = await under.collect();
    expect([...told.keys()].every((name) => name.startsWith('thrift.client.connection.'))).toBe(true);
    expect([...told.keys()].filter((name) => name.endsWith('_time'))).toEqual([]);
    expect(told.get('thrift.client.connection.max')?.dataPoints[0]?.attributes).toEqual({
      'thrift.client.connection.pool.name': 'thrift',
    });
  });

  it('say nothing of limits that are not there, and of a stranger as much as it says', async () => {
    await boot({
      imports: [
        ConnPoolModule.forRoot(),
        ConnPoolModule.forFeature(
          { name: 'sockets', pool: ({ name }) => new SocketPool({ name }) },
          { name: 'odd', pool: ({ name }) => new StrangerPool(name) },
        ),
        ConnPoolOtelModule.forRoot({ meterProvider: under.meterProvider }),
      ],
    });
    expect((await under.points('db.client.connection.max', 'sockets')).size).toBe(0);
    expect((await under.points('db.client.connection.max', 'odd')).get('')).toBe(10);
    expect((await under.points('db.client.connection.timeouts', 'odd')).size).toBe(0);
  });

  it('come and go with their pool and their application', async () => {
    // With cumulative temporality the SDK repeats by itself what it was told last.
    await under.end();
    under = meters(AggregationTemporality.DELTA);
    const app = await start();
    const pools = app.get(PoolRegistry);
    const late = await pools.create({ name: 'late', connector: fakeConnector() });
    expect((await under.points('db.client.connection.pending_requests', 'late')).size).toBe(1);
    await late.use(() => 1);
    expect((await under.points('db.client.connection.use_time', 'late')).size).toBe(1);
    await pools.remove('late');
    expect((await under.points('db.client.connection.pending_requests', 'late')).size).toBe(0);
    await app.close();
    expect((await under.points('db.client.connection.pending_requests')).size).toBe(0);
  });

  it('go on without a pool whose stats() fails', async () => {
    class Broken extends StrangerPool {
      override stats(): never {
        throw new Error('broken');
      }
    }
    await boot({
      imports: [
        ConnPoolModule.forRoot(),
        ConnPoolModule.forFeature(
          { name: 'broken', pool: ({ name }) => new Broken(name) },
          { name: 'thrift', connector: fakeConnector() },
        ),
        ConnPoolOtelModule.forRoot({ meterProvider: under.meterProvider }),
      ],
    });
    expect((await under.points('db.client.connection.max')).get('')).toBe(10);
    expect((await under.points('db.client.connection.max', 'broken')).size).toBe(0);
  });

  it('are told under what a pool is registered as, whatever it calls itself', async () => {
    await boot({
      imports: [
        ConnPoolModule.forRoot(),
        ConnPoolModule.forFeature(
          { name: 'a', pool: () => new SocketPool({ max: 3 }) },
          { name: 'b', pool: () => new SocketPool({ max: 5 }) },
        ),
        ConnPoolOtelModule.forRoot({ meterProvider: under.meterProvider }),
      ],
    });
    expect((await under.points('db.client.connection.max', 'a')).get('')).toBe(3);
    expect((await under.points('db.client.connection.max', 'b')).get('')).toBe(5);
    expect((await under.points('db.client.connection.max', 'default')).size).toBe(0);
  });

  it.each([['span'], ['event'], [false]])(
    'and waits as %p: hold no pool that has been removed, also when nobody collects',
    async (waits) => {
      expect(await heldAfterRemoval((await start({ waits })).get(PoolRegistry))).toBe(0);
    },
  );

  it('are told what is wrong with their options all at once, and that there are no pools', async () => {
    const bad = {
      prefix: '',
      hubPrefix: 'a.',
      waits: 'always',
      durations: 1,
      meterProvider: 1,
      tracerProvider: 1,
    };
    await expect(start(bad)).rejects.toThrow(
      /prefix[^]*hubPrefix[^]*waits[^]*durations[^]*meterProvider[^]*tracerProvider/,
    );
    await expect(boot({ imports: [ConnPoolOtelModule.forRoot()] })).rejects.toThrow(/forRoot/);
    expect(() => ConnPoolOtelModule.forRootAsync({})).toThrow(/useFactory/);
  });
});

describe('the metrics of hubs in OpenTelemetry', () => {
  const { boot } = applications();
  let under: ReturnType<typeof meters>;
  beforeEach(() => (under = meters(AggregationTemporality.DELTA)));
  afterEach(() => under.end());

  const start = (more: object = {}) =>
    boot({
      imports: [
        ConnHubModule.forRoot({ backplane: memoryBackplane() }),
        ConnHubModule.forFeature({ name: 'chat' }),
        ConnPoolOtelModule.forRoot({ meterProvider: under.meterProvider, ...more }),
      ],
    });

  it('need no pools; are read at the collection, with what they are of, and go with the application', async () => {
    const app = await start();
    const hub = app.get(HubRegistry).get('chat');
    await hub.push('nobody', 'hello');
    await hub.push('nobody', 'hello');
    const told = await under.collect();
    const value = (name: string, more: object = {}) =>
      told.get(`conn.hub.${name}`)?.dataPoints.find(({ attributes }) => {
        const [[key, of] = []] = Object.entries(more);
        return attributes['conn.hub.name'] === 'chat' && (key === undefined || attributes[key] === of);
      })?.value;
    expect(value('connections')).toBe(0);
    expect(value('backplane_up')).toBe(1);
    expect(value('pushed', { 'conn.hub.status': 'offline' })).toBe(2);
    expect(value('left', { 'conn.hub.reason': 'slow' })).toBe(0);
    expect(told.get('conn.hub.queued_bytes')?.descriptor.unit).toBe('By');
    await hub.push('nobody', 'hello');
    expect((await under.collect()).get('conn.hub.pushed')?.dataPoints.map((point) => point.value)).toContain(
      1,
    );
    await app.close();
    expect((await under.collect()).get('conn.hub.connections')?.dataPoints ?? []).toEqual([]);
  });

  it('have each its kind: what only grows, what adds up, what is each hub’s own', async () => {
    await start({ hubPrefix: 'push' });
    const told = await under.collect();
    const kind = (name: string) => {
      const metric = told.get(`push.${name}`);
      return metric?.dataPointType === DataPointType.SUM
        ? { grows: metric.isMonotonic }
        : metric?.dataPointType;
    };
    expect(kind('joined')).toEqual({ grows: true });
    expect(kind('ids')).toEqual({ grows: false });
    expect(kind('backplane_up')).toBe(DataPointType.GAUGE);
    expect(told.get('push.ids')?.dataPoints[0]?.attributes).toEqual({ 'push.name': 'chat' });
  });
});

describe('an acquire that stands in line', () => {
  const { boot } = applications();
  const spans = new InMemorySpanExporter();
  const tracerProvider = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(spans)] });
  const tracer = tracerProvider.getTracer('test');
  beforeAll(() => void context.setGlobalContextManager(new StorageContext()));
  afterAll(() => context.disable());
  afterEach(() => spans.reset());

  const boots = (definition: PoolDefinition, more: object = {}) =>
    boot({
      imports: [
        ConnPoolModule.forRoot(),
        ConnPoolModule.forFeature(definition),
        ConnPoolOtelModule.forRootAsync({ useFactory: () => ({ tracerProvider, ...more }) }),
      ],
    });
  const start = async (more: object = {}) => {
    const app = await boots({ name: 'thrift', connector: fakeConnector(), max: 1 }, more);
    return app.get<ConnPool<FakeConn>>(getPoolToken('thrift'));
  };
  /** Work within a span of its own. */
  const within = async (work: () => Promise<unknown>): Promise<string> => {
    const span = tracer.startSpan('request');
    await context.with(trace.setSpan(context.active(), span), work);
    span.end();
    return span.spanContext().spanId;
  };
  const finished = () => spans.getFinishedSpans().filter(({ name }) => name !== 'request');

  it('is a child span of whoever waits, with the pool and the connection', async () => {
    const pool = await start();
    const held = await pool.acquire();
    const parent = within(async () => (await pool.acquire()).release());
    held.release();
    const parentId = await parent;
    expect(finished()).toMatchObject([
      {
        name: 'wait for thrift',
        parentSpanContext: { spanId: parentId },
        attributes: {
          'db.client.connection.pool.name': 'thrift',
          'db.client.connection.id': 1,
          'db.client.connection.reused': true,
        },
      },
    ]);
  });

  it('is told as failed with the code of its error, and no more of it', async () => {
    const pool = await start();
    await pool.acquire();
    const refusal = within(() => pool.acquire({ timeout: 1 }).catch(() => undefined));
    await refusal;
    expect(finished()).toMatchObject([
      {
        status: { code: 2, message: 'ERR_ACQUIRE_TIMEOUT' },
        attributes: { 'error.type': 'ERR_ACQUIRE_TIMEOUT' },
      },
    ]);
  });

  it('is an event of the span where that is asked for', async () => {
    const pool = await start({ waits: 'event' });
    const held = await pool.acquire();
    const parent = within(async () => (await pool.acquire()).release());
    held.release();
    await parent;
    expect(finished()).toEqual([]);
    expect(spans.getFinishedSpans()[0]?.events).toMatchObject([
      { name: 'db.client.connection.waited', attributes: { 'db.client.connection.pool.name': 'thrift' } },
    ]);
  });

  it('bears the name the pool is registered under, and its key without credentials', async () => {
    const tenants = { dial: (tenant: string) => ({ tenant }), close: () => undefined };
    const app = await boots({ name: 'tenants', pool: () => new KeyedConnPool(tenants, { maxPerKey: 1 }) });
    const pool = app.get<KeyedConnPool<string, object>>(getPoolToken('tenants'));
    const key = 'redis://user:secret@host:6379';
    const held = await pool.acquire(key);
    const parent = within(async () => (await pool.acquire(key)).release());
    held.release();
    await parent;
    expect(finished()).toMatchObject([
      {
        name: 'wait for tenants',
        attributes: {
          'db.client.connection.pool.name': 'tenants',
          'db.client.connection.pool.key': '"redis://***@host:6379"',
        },
      },
    ]);
  });

  it('leaves no span without a parent, when served at once, when it is not wanted', async () => {
    const pool = await start();
    const held = await pool.acquire();
    const waiter = pool.acquire();
    held.release();
    (await waiter).release();
    await within(async () => (await pool.acquire()).release());
    const silent = await start({ waits: false });
    const other = await silent.acquire();
    const parent = within(async () => (await silent.acquire()).release());
    other.release();
    await parent;
    expect(finished()).toEqual([]);
  });
});
