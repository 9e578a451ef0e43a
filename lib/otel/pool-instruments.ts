import type {
  Attributes,
  BatchObservableCallback,
  BatchObservableResult,
  Histogram,
  Meter,
  Observable,
} from '@opentelemetry/api';
import { eventsOf } from '../core/pool-events.js';
import type { ManagedPool, PoolStats } from '../core/index.js';
import type { PoolRegistry } from '../nest/index.js';
import { StatsReader } from '../nest/stats-reader.js';

const KINDS = ['wait', 'use', 'dial'] as const;
type Kind = (typeof KINDS)[number];

/** From a millisecond to what acquires are given, in seconds. */
const BOUNDARIES = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

/** The instruments of the pools' metrics. All but the histograms are read in one callback, when somebody collects. */
export class PoolInstruments {
  private readonly counts: Record<
    'count' | 'idleMax' | 'idleMin' | 'max' | 'pending' | 'timeouts',
    Observable
  >;
  private readonly histograms: Record<Kind, Histogram> | undefined;
  private readonly followed = new Set<{ readonly name: string; readonly pool: ManagedPool }>();
  private readonly reader = new StatsReader();
  private readonly observe: BatchObservableCallback;
  private readonly endFollowing: () => void;

  constructor(
    private readonly meter: Meter,
    private readonly prefix: string,
    pools: PoolRegistry,
    durations: boolean,
  ) {
    const upDown = (name: string, unit: string, description: string): Observable =>
      meter.createObservableUpDownCounter(`${prefix}.${name}`, { unit, description });
    this.counts = {
      count: upDown('count', '{connection}', 'Connections, by state'),
      idleMax: upDown('idle.max', '{connection}', 'How many may be idle'),
      idleMin: upDown('idle.min', '{connection}', 'How many are kept ready'),
      max: upDown('max', '{connection}', 'How many there may be'),
      pending: upDown('pending_requests', '{request}', 'Acquires that stand in line'),
      timeouts: meter.createObservableCounter(`${prefix}.timeouts`, {
        unit: '{timeout}',
        description: 'Acquires that missed their deadline',
      }),
    };
    const histogram = (name: string, description: string): Histogram =>
      meter.createHistogram(`${prefix}.${name}`, {
        unit: 's',
        description,
        advice: { explicitBucketBoundaries: BOUNDARIES },
      });
    if (durations) {
      this.histograms = {
        dial: histogram('create_time', 'The time to make a connection'),
        wait: histogram('wait_time', 'From the acquire to the hand-out'),
        use: histogram('use_time', 'From the hand-out to the return'),
      };
    }
    this.observe = (result) => this.tellAll(result);
    meter.addBatchObservableCallback(this.observe, Object.values(this.counts));
    this.endFollowing = pools.follow((pool, name) => this.begin(pool, name));
  }

  stop(): void {
    this.endFollowing();
    this.meter.removeBatchObservableCallback(this.observe, Object.values(this.counts));
  }

  private tellAll(result: BatchObservableResult): void {
    for (const { name, pool } of this.followed) {
      const stats = this.reader.read(name, pool);
      if (stats !== undefined) this.tell(result, name, stats);
    }
  }

  private tell(result: BatchObservableResult, name: string, stats: Partial<PoolStats>): void {
    const { count, idleMax, idleMin, max, pending, timeouts } = this.counts;
    const pool = this.attributesOf(name);
    const observe = (observable: Observable, value: number | undefined, attributes = pool): void => {
      // Where there is no limit there is nothing to tell, nor where a stranger's pool does not say.
      if (Number.isFinite(value)) result.observe(observable, value as number, attributes);
    };
    const states = {
      idle: 'idle',
      used: 'leased',
      dialing: 'dialing',
      checking: 'checking',
      closing: 'closing',
    } as const;
    for (const [state, field] of Object.entries(states))
      observe(count, stats[field], { ...pool, [`${this.prefix}.state`]: state });
    observe(idleMax, stats.maxIdle);
    observe(idleMin, stats.min);
    observe(max, stats.max === 0 ? Infinity : stats.max);
    observe(pending, stats.waiting);
    observe(timeouts, stats.totals?.timeouts);
  }

  private begin(pool: ManagedPool, name: string): () => void {
    const followed = { name, pool };
    this.followed.add(followed);
    const endListening = this.listen(pool, name);
    return () => {
      this.followed.delete(followed);
      endListening?.();
    };
  }

  private listen(pool: ManagedPool, name: string): (() => void) | undefined {
    const { histograms } = this;
    const latencies = histograms && eventsOf(pool)?.latencies();
    if (histograms === undefined || latencies === undefined) return undefined;
    const attributes = this.attributesOf(name);
    const ends = KINDS.map((kind) => {
      const listener = latencies[kind].listen({
        addNone: () => histograms[kind].record(0, attributes),
        add: (ms: number) => histograms[kind].record(ms / 1000, attributes),
      });
      return () => latencies[kind].leave(listener);
    });
    return () => {
      for (const end of ends) end();
    };
  }

  private attributesOf(name: string): Attributes {
    return { [`${this.prefix}.pool.name`]: name };
  }
}
