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
import type { DurationListener, Latencies } from '../core/latency.js';
import type { PoolRegistry } from '../nest/index.js';

type Kind = keyof Pick<Latencies, 'wait' | 'use' | 'dial'>;

/** From a millisecond to what acquires are given, in seconds. */
const BOUNDARIES = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

/** The instruments of the pools' metrics. All but the histograms are read in one callback, when somebody collects. */
export class PoolInstruments {
  private readonly counts: Record<
    'count' | 'idleMax' | 'idleMin' | 'max' | 'pending' | 'timeouts',
    Observable
  >;
  private readonly histograms: Record<Kind, Histogram> | undefined;
  private readonly listening = new Map<ManagedPool, Record<Kind, DurationListener> | undefined>();
  private readonly observe: BatchObservableCallback;
  private readonly endFollowing: () => void;

  constructor(
    private readonly meter: Meter,
    private readonly prefix: string,
    private readonly pools: PoolRegistry,
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
    this.endFollowing = pools.follow((pool) => this.listening.set(pool, this.listen(pool)));
  }

  stop(): void {
    this.endFollowing();
    this.meter.removeBatchObservableCallback(this.observe, Object.values(this.counts));
    for (const pool of [...this.listening.keys()]) this.leave(pool);
  }

  private tellAll(result: BatchObservableResult): void {
    this.forget();
    for (const pool of this.listening.keys()) if (pool.state !== 'closed') this.tell(result, pool.stats());
  }

  private tell(result: BatchObservableResult, stats: PoolStats): void {
    const { count, idleMax, idleMin, max, pending, timeouts } = this.counts;
    const pool = this.attributesOf(stats);
    const limit = (observable: Observable, most: number): void => {
      // Where there is no limit there is nothing to tell.
      if (Number.isFinite(most)) result.observe(observable, most, pool);
    };
    const states = {
      idle: 'idle',
      used: 'leased',
      dialing: 'dialing',
      checking: 'checking',
      closing: 'closing',
    } as const;
    for (const [state, field] of Object.entries(states))
      result.observe(count, stats[field], { ...pool, [`${this.prefix}.state`]: state });
    limit(idleMax, stats.maxIdle);
    limit(idleMin, stats.min);
    limit(max, stats.max === 0 ? Infinity : stats.max);
    result.observe(pending, stats.waiting, pool);
    const totals = stats.totals as PoolStats['totals'] | undefined;
    if (totals !== undefined) result.observe(timeouts, totals.timeouts, pool);
  }

  /** Lets go of those that are not registered any more. */
  private forget(): void {
    const present = new Set(this.pools);
    for (const pool of this.listening.keys()) if (!present.has(pool)) this.leave(pool);
  }

  private listen(pool: ManagedPool): Record<Kind, DurationListener> | undefined {
    const { histograms } = this;
    const latencies = histograms === undefined ? undefined : eventsOf(pool)?.latencies();
    if (histograms === undefined || latencies === undefined) return undefined;
    const attributes = this.attributesOf(pool);
    const recording = (kind: Kind): DurationListener =>
      latencies[kind].listen({
        addNone: () => histograms[kind].record(0, attributes),
        add: (ms) => histograms[kind].record(ms / 1000, attributes),
      });
    return { wait: recording('wait'), use: recording('use'), dial: recording('dial') };
  }

  private leave(pool: ManagedPool): void {
    const listeners = this.listening.get(pool);
    this.listening.delete(pool);
    const latencies = listeners === undefined ? undefined : eventsOf(pool)?.latencies();
    if (listeners === undefined || latencies === undefined) return;
    latencies.wait.leave(listeners.wait);
    latencies.use.leave(listeners.use);
    latencies.dial.leave(listeners.dial);
  }

  private attributesOf({ name }: { name: string }): Attributes {
    return { [`${this.prefix}.pool.name`]: name };
  }
}
