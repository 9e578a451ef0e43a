import type { ConnHub, HubStats } from '../hub/index.js';
import type { MetricTitle, Sample } from './shared-metric.js';

/** A metric and how it is read off one hub. */
export interface HubMetric extends MetricTitle {
  read(hub: ConnHub, stats: HubStats): readonly Sample[] | Promise<readonly Sample[]>;
}

function one(
  type: 'gauge' | 'counter',
  name: string,
  help: string,
  value: (stats: HubStats) => number,
): HubMetric {
  const read = ({ name: hub }: ConnHub, stats: HubStats): Sample[] => [
    { labels: { hub }, value: value(stats) },
  ];
  return { name, help, type, read };
}

function byLabel(
  name: string,
  help: string,
  label: 'reason' | 'status',
  counts: (stats: HubStats) => Readonly<Record<string, number>>,
): HubMetric {
  const read = ({ name: hub }: ConnHub, stats: HubStats): Sample[] =>
    Object.entries(counts(stats)).map(([key, value]) => ({ labels: { hub, [label]: key }, value }));
  return { name, help, type: 'counter', read };
}

/** All that is told of hubs. */
export const HUB_METRICS: readonly HubMetric[] = [
  one('gauge', 'conn_hub_connections', 'Connections of this instance', (stats) => stats.connections),
  one('gauge', 'conn_hub_ids', 'Ids connected to this instance', (stats) => stats.ids),
  one('gauge', 'conn_hub_groups', 'Groups with members on this instance', (stats) => stats.groups),
  one('gauge', 'conn_hub_queued_messages', 'Messages that wait for sockets', (stats) => stats.queuedMessages),
  one('gauge', 'conn_hub_queued_bytes', 'Bytes that wait for sockets', (stats) => stats.queuedBytes),
  {
    name: 'conn_hub_backplane_up',
    help: '1: the other instances are reached; not told of a hub without a backplane',
    type: 'gauge',
    read: async (hub) => {
      const { backplane } = await hub.health();
      if (backplane === undefined) return [];
      return [{ labels: { hub: hub.name }, value: backplane.state === 'up' ? 1 : 0 }];
    },
  },
  one('counter', 'conn_hub_joined_total', 'Connections added', ({ totals }) => totals.joined),
  byLabel(
    'conn_hub_left_total',
    'Connections that have left, by reason',
    'reason',
    ({ totals }) => totals.left,
  ),
  byLabel('conn_hub_pushed_total', 'Pushes, by what became of them', 'status', ({ totals }) => totals.pushed),
  one('counter', 'conn_hub_broadcasts_total', 'Broadcasts', ({ totals }) => totals.broadcasts),
  one(
    'counter',
    'conn_hub_dropped_messages_total',
    'Messages that were not written',
    ({ totals }) => totals.dropped,
  ),
  one('counter', 'conn_hub_acked_messages_total', 'Messages acknowledged', ({ totals }) => totals.acked),
];
