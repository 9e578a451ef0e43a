import type { ConnHub } from './conn-hub.js';
import type { HubStats } from './hub-stats.js';
import type { HubRegistry } from './nest/hub-registry.js';

/** One value of a figure, with what it is of. */
export interface HubReading {
  readonly value: number;
  readonly label?: { readonly name: 'reason' | 'status'; readonly value: string };
}

/** One thing that metrics tell of a hub: how it is named, and how it is read. */
export interface HubFigure {
  /** In words joined by `_`; what it counts, without the name of the whole and without a suffix. */
  readonly name: string;
  readonly help: string;
  /** A total only grows; amounts of several hubs and instances add up, as totals do; a state is each hub's own. */
  readonly kind: 'total' | 'amount' | 'state';
  /** As the semantic conventions of OpenTelemetry write it. */
  readonly unit: string;
  read(hub: ConnHub, stats: HubStats): readonly HubReading[] | Promise<readonly HubReading[]>;
}

type Value = (stats: HubStats) => number;

const figure =
  (kind: HubFigure['kind']) =>
  (name: string, unit: string, help: string, value: Value): HubFigure => ({
    name,
    help,
    kind,
    unit,
    read: (_hub, stats) => [{ value: value(stats) }],
  });
const amount = figure('amount');
const total = figure('total');

function totalBy(
  label: 'reason' | 'status',
  name: string,
  unit: string,
  help: string,
  counts: (stats: HubStats) => Readonly<Record<string, number>>,
): HubFigure {
  return {
    name,
    help,
    kind: 'total',
    unit,
    read: (_hub, stats) =>
      Object.entries(counts(stats)).map(([key, value]) => ({ label: { name: label, value: key }, value })),
  };
}

const CONNECTION = '{connection}';
const MESSAGE = '{message}';

/** All that metrics tell of hubs. */
export const HUB_FIGURES: readonly HubFigure[] = [
  amount('connections', CONNECTION, 'Connections of this instance', (stats) => stats.connections),
  amount('ids', '{id}', 'Ids connected to this instance', (stats) => stats.ids),
  amount('groups', '{group}', 'Groups with members on this instance', (stats) => stats.groups),
  amount('queued_messages', MESSAGE, 'Messages that wait for sockets', (stats) => stats.queuedMessages),
  amount('queued_bytes', 'By', 'Bytes that wait for sockets', (stats) => stats.queuedBytes),
  {
    name: 'backplane_up',
    help: '1: the other instances are reached; not told of a hub without a backplane',
    kind: 'state',
    unit: '1',
    read: async (hub) => {
      // A backplane may be a stranger's: one that fails must not take the other figures with it.
      const { backplane } = await hub.health().catch(() => ({ backplane: undefined }));
      return backplane === undefined ? [] : [{ value: backplane.state === 'up' ? 1 : 0 }];
    },
  },
  total('joined', CONNECTION, 'Connections added', ({ totals }) => totals.joined),
  totalBy('reason', 'left', CONNECTION, 'Connections that have left, by reason', ({ totals }) => totals.left),
  totalBy('status', 'pushed', '{push}', 'Pushes, by what became of them', ({ totals }) => totals.pushed),
  total('broadcasts', '{broadcast}', 'Broadcasts', ({ totals }) => totals.broadcasts),
  total('dropped_messages', MESSAGE, 'Messages that were not written', ({ totals }) => totals.dropped),
  total('acked_messages', MESSAGE, 'Messages acknowledged', ({ totals }) => totals.acked),
  total(
    'resumed_messages',
    MESSAGE,
    'Messages sent out of the box to clients that had missed them',
    ({ totals }) => totals.resumed,
  ),
  total(
    'not_recovered',
    '{resume}',
    'Times a client was told that not all it missed can be sent',
    ({ totals }) => totals.notRecovered,
  ),
];

/** The hubs that are not closed. */
export function openHubs(hubs: HubRegistry): ConnHub[] {
  const all = hubs.names().map((name) => hubs.find(name));
  return all.filter((hub) => hub !== undefined && hub.state !== 'closed') as ConnHub[];
}
