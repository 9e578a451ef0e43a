import type { PoolTotals } from '../core/index.js';
import type { Kind, PoolReading } from './pool-readings.js';
import type { MetricTitle, Sample } from './shared-metric.js';

/** A metric and how it is read off one pool. */
export interface PoolMetric extends MetricTitle {
  read(pool: PoolReading, buckets: readonly number[]): readonly Measured[];
}

/** A sample; without its value where a stranger's pool does not say. */
export type Measured = Omit<Sample, 'value'> & { readonly value: number | undefined };
type Stats = PoolReading['stats'];

const CONNECTION_STATES = ['idle', 'leased', 'dialing', 'checking', 'closing'] as const;
const POOL_STATES = ['open', 'paused', 'draining'] as const;
const HELD_UP: Record<string, 'timeouts' | 'aborted' | 'refused'> = {
  timeout: 'timeouts',
  aborted: 'aborted',
  exhausted: 'refused',
};

function gauge(name: string, help: string, value: (stats: Stats) => number | undefined): PoolMetric {
  const read = ({ name: pool, stats }: PoolReading): Measured[] => [
    { labels: { pool }, value: value(stats) },
  ];
  return { name, help, type: 'gauge', read };
}

/** @param total - its name in `stats().totals` */
function counter(name: string, help: string, total: Exclude<keyof PoolTotals, 'closed'>): PoolMetric {
  const read = ({ name: pool, stats }: PoolReading): Measured[] => [
    { labels: { pool }, value: stats.totals?.[total] },
  ];
  return { name, help, type: 'counter', read };
}

/** A socket pool says 0 where it has no limit. */
function limit(max: number | undefined): number | undefined {
  return max === 0 ? Infinity : max;
}

const histogram = (kind: Kind, name: string, help: string): PoolMetric => ({
  name,
  help,
  type: 'histogram',
  read: ({ name: pool, durations }, buckets): Sample[] => {
    if (durations === undefined) return [];
    const { upTo, count, sum } = durations[kind];
    const bounded = buckets.map<Sample>((le, place) => ({
      labels: { le, pool },
      value: upTo[place] ?? 0,
      suffix: '_bucket',
    }));
    return [
      ...bounded,
      { labels: { le: '+Inf', pool }, value: count, suffix: '_bucket' },
      { labels: { pool }, value: sum / 1000, suffix: '_sum' },
      { labels: { pool }, value: count, suffix: '_count' },
    ];
  },
});

/** All that is told of pools as it stands or adds up. */
export const POOL_METRICS: readonly PoolMetric[] = [
  {
    name: 'conn_pool_connections',
    help: 'Connections of the pool, by state',
    type: 'gauge',
    read: ({ name: pool, stats }) =>
      CONNECTION_STATES.map((state) => ({ labels: { pool, state }, value: stats[state] })),
  },
  gauge('conn_pool_max_connections', 'How many connections there may be', ({ max }) => limit(max)),
  gauge('conn_pool_min_connections', 'How many connections are kept ready', ({ min }) => min),
  gauge('conn_pool_max_idle_connections', 'How many may be idle', ({ maxIdle }) => maxIdle),
  gauge('conn_pool_waiting', 'Acquires that stand in line', ({ waiting }) => waiting),
  {
    name: 'conn_pool_state',
    help: '1 for the state that the pool is in, 0 for the others',
    type: 'gauge',
    aggregator: 'max',
    read: ({ name: pool, stats }) =>
      POOL_STATES.map((state) => ({ labels: { pool, state }, value: stats.state === state ? 1 : 0 })),
  },
  counter('conn_pool_acquired_total', 'Leases granted', 'acquired'),
  counter('conn_pool_reused_total', 'Leases granted on a connection that was there already', 'reused'),
  {
    name: 'conn_pool_acquire_failures_total',
    help: 'Acquires without a lease: timeout, aborted by the caller, refused as the pool was exhausted',
    type: 'counter',
    read: ({ name: pool, stats: { totals } }) =>
      Object.entries(HELD_UP).map(([reason, total]) => ({
        labels: { pool, reason },
        value: totals?.[total],
      })),
  },
  counter('conn_pool_dialed_total', 'Dials that gave a connection fit for use', 'dialed'),
  counter('conn_pool_dial_failures_total', 'Dial attempts that did not', 'dialFailures'),
  counter('conn_pool_lost_total', 'Connections that died by themselves', 'lost'),
  counter('conn_pool_heartbeats_total', 'Heartbeats sent', 'heartbeats'),
  counter('conn_pool_heartbeat_failures_total', 'Heartbeats that failed', 'heartbeatFailures'),
  counter('conn_pool_leaks_total', 'Leases held longer than leakThreshold', 'leaks'),
  counter('conn_pool_detached_total', 'Connections taken out of the pool by their borrower', 'detached'),
  {
    name: 'conn_pool_closed_total',
    help: 'Connections closed, by reason',
    type: 'counter',
    read: ({ name: pool, stats: { totals } }) =>
      Object.entries(totals?.closed ?? {}).map(([reason, value]) => ({ labels: { pool, reason }, value })),
  },
];

/** What must be measured as it happens. Seconds. */
export const POOL_HISTOGRAMS: Readonly<Record<Kind, PoolMetric>> = {
  wait: histogram('wait', 'conn_pool_wait_seconds', 'From the acquire to the hand-out'),
  use: histogram('use', 'conn_pool_use_seconds', 'From the hand-out to the return'),
  dial: histogram('dial', 'conn_pool_dial_seconds', 'Of dials that gave a connection fit for use'),
};
