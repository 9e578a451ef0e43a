import { keyText } from '../core/error-text.js';
import type { ConnInfo, ManagedPool, PoolStats } from '../core/index.js';
import { type DialTrouble, eventsOf } from '../core/pool-events.js';
import { causeText } from '../nest/cause-text.js';
import { counted } from '../nest/counted.js';
import { type DashboardAction, possibleActions } from './actions.js';

/** How a pool is, in one word; the worse word wins. */
export type PoolMood = 'ok' | 'busy' | 'dialing' | 'paused' | 'failing' | 'exhausted' | 'draining' | 'closed';

/** One connection. Durations in milliseconds. */
export interface ConnView {
  readonly id: number;
  readonly state: ConnInfo['state'];
  readonly age: number;
  readonly idle: number;
  readonly uses: number;
  /** Of a pool by keys or addresses: which. */
  readonly of?: string;
  /** How long it has been lent. */
  readonly held?: number;
  /** Where it was acquired; only with `leakThreshold` on. */
  readonly stack?: string;
}

/** A pool as the page shows it; numbers that are `Infinity` arrive as `null`. */
export interface PoolView extends PoolStats {
  /** The name of its class. */
  readonly kind: string;
  readonly mood: PoolMood;
  /** Why dials fail, while they do. */
  readonly trouble?: string;
  readonly actions: readonly DashboardAction[];
  /** `undefined` for a pool without rows. */
  readonly rows?: readonly ConnView[];
  /** Connections that exist beyond those in `rows`. */
  readonly more: number;
}

/** A page of more rows than this is no help to anybody. */
const MOST_ROWS = 100;

interface Inspectable {
  inspect?(): (ConnInfo & { key?: unknown; network?: string; address?: string })[];
}

/** @param refused - it has refused an acquire lately */
export function viewPool(
  name: string,
  pool: ManagedPool & Inspectable,
  allowed: readonly DashboardAction[],
  refused: boolean,
): PoolView {
  const stats = complete(pool.stats());
  const rows = pool.inspect?.().sort(byInterest);
  const trouble = troubleText(eventsOf(pool)?.dialTroubles() ?? []);
  return {
    ...stats,
    name,
    kind: pool.constructor.name,
    mood: moodOf(stats, { refused, failing: trouble !== undefined }),
    ...(trouble !== undefined && { trouble }),
    actions: possibleActions(pool, allowed),
    ...(rows && { rows: rows.slice(0, MOST_ROWS).sort(byId).map(viewRow) }),
    more: Math.max(0, (rows?.length ?? 0) - MOST_ROWS),
  };
}

const COUNTS = [
  'min',
  'maxIdle',
  'size',
  'idle',
  'leased',
  'dialing',
  'checking',
  'closing',
  'waiting',
] as const;

/** A stranger's pool may lack some, or hold what cannot be sent; one of sockets says 0 for no limit. */
function complete(stats: PoolStats): PoolStats {
  const given = numbersOf(stats);
  return {
    name: stats.name,
    state: stats.state,
    ...(Object.fromEntries(COUNTS.map((name) => [name, given[name] ?? 0])) as Record<
      (typeof COUNTS)[number],
      number
    >),
    max: given.max || Infinity,
    totals: { ...numbersOf(stats.totals), closed: numbersOf(stats.totals?.closed) } as PoolStats['totals'],
  };
}

function numbersOf(counts: object | undefined): Record<string, number> {
  return Object.fromEntries(Object.entries(counts ?? {}).filter(([, number]) => typeof number === 'number'));
}

function troubleText([first, ...others]: readonly DialTrouble[]): string | undefined {
  if (first === undefined) return undefined;
  const cause = causeText(first.cause) || 'no cause is known';
  const more = others.length === 0 ? '' : ` and ${counted(others.length, 'other key')}`;
  return first.key === undefined ? cause : `${cause}, key ${keyText(first.key)}${more}`;
}

export function moodOf(
  { state, max, leased, dialing, checking, closing, waiting }: PoolStats,
  { refused, failing }: { refused: boolean; failing: boolean },
): PoolMood {
  if (state !== 'open') return state;
  // What is being dialled may be for those who wait: a peer that hangs exhausts nobody.
  const isFull = dialing === 0 && leased + checking + closing >= max;
  if (refused || (waiting > 0 && isFull)) return 'exhausted';
  if (failing) return 'failing';
  // Room, and nothing on its way: they wait for the limit of a key.
  if (waiting > 0) return dialing + checking > 0 ? 'dialing' : 'exhausted';
  return leased >= max ? 'busy' : 'ok';
}

/** What has been held for longest matters most; then what is in use at all. */
function byInterest(a: ConnInfo, b: ConnInfo): number {
  return (b.lease?.held ?? -1) - (a.lease?.held ?? -1);
}

function byId(a: ConnInfo, b: ConnInfo): number {
  return Number(a.id) - Number(b.id);
}

function viewRow(info: ReturnType<NonNullable<Inspectable['inspect']>>[number]): ConnView {
  const { id, state, age, idle, uses, lease, key, network, address } = info;
  const ofKey = key === undefined ? undefined : keyText(key);
  const of = address === undefined ? ofKey : `${network} ${address}`;
  return {
    id: Number(id),
    state,
    age: Math.round(age),
    idle: Math.round(idle),
    uses: Number(uses),
    ...(of !== undefined && { of }),
    ...(lease && { held: Math.round(lease.held) }),
    ...(lease?.stack !== undefined && { stack: lease.stack }),
  };
}
