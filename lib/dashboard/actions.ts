import type { HeartbeatReport, ManagedPool, PoolSize, PoolStats } from '../core/index.js';
import { counted } from '../nest/counted.js';
import { causeText } from '../nest/cause-text.js';

/** What the page can do to a pool when it is allowed to. */
export const DASHBOARD_ACTIONS = [
  'heartbeat',
  'close-idle',
  'evict-all',
  'resize',
  'pause',
  'resume',
] as const;

export type DashboardAction = (typeof DASHBOARD_ACTIONS)[number];

/** The methods that some kinds of pools have. */
export interface SteerablePool extends ManagedPool {
  closeIdle?(): Promise<number>;
  evictAll?(): void;
  pause?(): void;
  resume?(): void;
  resize?(size: PoolSize): void;
}

const METHODS: Record<DashboardAction, keyof SteerablePool> = {
  heartbeat: 'heartbeat',
  'close-idle': 'closeIdle',
  'evict-all': 'evictAll',
  resize: 'resize',
  pause: 'pause',
  resume: 'resume',
};

/** Those that make sense for this pool now. */
export function possibleActions(pool: SteerablePool, allowed: readonly DashboardAction[]): DashboardAction[] {
  const { state } = pool;
  if (state === 'draining' || state === 'closed') return [];
  const pointless: DashboardAction = state === 'paused' ? 'pause' : 'resume';
  return allowed.filter((action) => action !== pointless && canDo(pool, action));
}

export function canDo(pool: SteerablePool, action: DashboardAction): boolean {
  return typeof pool[METHODS[action]] === 'function';
}

/**
 * Does it.
 *
 * @returns a sentence about what has become of it
 * @throws InvalidOptionsError for sizes that are none, and whatever the pool throws
 */
export async function perform(pool: SteerablePool, action: DashboardAction, size: PoolSize): Promise<string> {
  const of = `Pool "${pool.name}"`;
  switch (action) {
    case 'heartbeat':
      return `${of}: ${checkText(await pool.heartbeat())}`;
    case 'close-idle':
      return `${of}: ${counted((await pool.closeIdle?.()) ?? 0, 'idle connection')} closed.`;
    case 'evict-all':
      pool.evictAll?.();
      return `${of}: its connections are being replaced; those in use go when they come back.`;
    case 'resize':
      pool.resize?.(size);
      return `${of} now has ${sizeText(pool.stats())}.`;
    case 'pause':
      pool.pause?.();
      return `${of} is paused.`;
    case 'resume':
      pool.resume?.();
      return `${of} lends again.`;
  }
}

function checkText({ checked, healthy, failed, latencyMs, cause }: HeartbeatReport): string {
  if (checked === 0) return 'no idle connection to check.';
  const slowest = `the slowest in ${Math.round(latencyMs)} ms`;
  if (failed === 0) return `${healthy} of ${counted(checked, 'idle connection')} answered, ${slowest}.`;
  return `${failed} of ${counted(checked, 'idle connection')} failed: ${causeText(cause)}`;
}

function sizeText({ max, min, maxIdle }: PoolStats): string {
  return `max ${max}, min ${min}, maxIdle ${maxIdle}`;
}
