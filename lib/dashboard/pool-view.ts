import { keyText } from '../core/error-text.js';
import type { ConnInfo, ManagedPool, PoolStats } from '../core/index.js';
import { type DashboardAction, possibleActions } from './actions.js';
import type { PoolTrouble } from './pool-trouble.js';

/** How a pool is, in one word; the worse word wins. */
export type PoolMood = 'ok' | 'busy' | 'paused' | 'failing' | 'exhausted' | 'draining' | 'closed';

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
  /** The last dial that failed, while none has succeeded since. */
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

export function viewPool(
  name: string,
  pool: ManagedPool & Inspectable,
  allowed: readonly DashboardAction[],
  trouble: PoolTrouble | undefined,
): PoolView {
  const stats = withLimit(pool.stats());
  const rows = pool.inspect?.().sort(byInterest);
  return {
    ...stats,
    name,
    kind: pool.constructor.name,
    mood: moodOf(stats, trouble),
    ...(trouble?.cause !== undefined && { trouble: trouble.cause }),
    actions: possibleActions(pool, allowed),
    ...(rows && { rows: rows.slice(0, MOST_ROWS).sort(byId).map(viewRow) }),
    more: Math.max(0, (rows?.length ?? 0) - MOST_ROWS),
  };
}

/** A pool of sockets says 0 for no limit. */
function withLimit(stats: PoolStats): PoolStats {
  return stats.max === 0 ? { ...stats, max: Infinity } : stats;
}

export function moodOf(stats: PoolStats, trouble: PoolTrouble | undefined): PoolMood {
  const { state, size, max, leased, idle, waiting } = stats;
  if (state !== 'open') return state;
  if (trouble?.refusedLately === true || (waiting > 0 && size >= max && idle === 0)) return 'exhausted';
  if (trouble?.cause !== undefined) return 'failing';
  return leased >= max ? 'busy' : 'ok';
}

/** What has been held for longest matters most; then what is in use at all. */
function byInterest(a: ConnInfo, b: ConnInfo): number {
  return (b.lease?.held ?? -1) - (a.lease?.held ?? -1);
}

function byId(a: ConnInfo, b: ConnInfo): number {
  return a.id - b.id;
}

function viewRow(info: ReturnType<NonNullable<Inspectable['inspect']>>[number]): ConnView {
  const { id, state, age, idle, uses, lease, key, network, address } = info;
  const ofKey = key === undefined ? undefined : keyText(key);
  const of = address === undefined ? ofKey : `${network} ${address}`;
  return {
    id,
    state,
    age: Math.round(age),
    idle: Math.round(idle),
    uses,
    ...(of !== undefined && { of }),
    ...(lease && { held: Math.round(lease.held) }),
    ...(lease?.stack !== undefined && { stack: lease.stack }),
  };
}
