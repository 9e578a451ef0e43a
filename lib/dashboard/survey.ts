import type { ManagedPool } from '../core/index.js';
import type { ConnHub, HubHealth } from '../hub/index.js';
import { causeText } from '../nest/cause-text.js';
import type { DashboardAction } from './actions.js';
import { type HubPoint, Peaks, type Point, type PoolPoint, poolPoint } from './course.js';
import { type HubView, viewHub } from './hub-view.js';
import { readLatency } from './latency-reading.js';
import { type PoolView, viewPool } from './pool-view.js';
import type { Reporters } from './reporters.js';
import type { Sights } from './sights.js';

/** A pool that cannot be looked at: it is a stranger's, and its own code fails. */
export interface UnseenPool {
  readonly name: string;
  readonly failed: string;
}

/** Everything at one instant. */
export interface Snapshot {
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly pools: readonly (PoolView | UnseenPool)[];
  readonly hubs: readonly HubView[];
}

/** Looks at every pool and hub. */
export class Survey {
  private readonly peaks = new Peaks();
  private readonly healths = new WeakMap<ConnHub<never>, HubHealth>();

  constructor(
    private readonly sights: Sights,
    private readonly reporters: Reporters,
    private readonly allowed: readonly DashboardAction[],
  ) {}

  snapshot(): Snapshot {
    const pools = this.sights.pools().map(([name, pool]) => this.lookAt(name, pool));
    const hubs = this.sights.hubs().map((hub) => viewHub(hub, this.healths.get(hub)));
    return { at: Date.now(), pools, hubs };
  }

  private lookAt(name: string, pool: ManagedPool): PoolView | UnseenPool {
    try {
      const view = viewPool(name, pool, this.allowed, this.reporters.tellOfRefusals(name));
      this.peaks.note(name, view);
      return view;
    } catch (error) {
      return { name, failed: causeText(error) };
    }
  }

  /** The next point of the charts. */
  point(): Point {
    const peaks = this.peaks.take();
    const pools: Record<string, PoolPoint> = {};
    for (const [name, pool] of this.sights.pools()) {
      const peak = peaks.get(name);
      if (peak !== undefined) pools[name] = poolPoint(peak, latencyOf(pool));
    }
    const hubs: Record<string, HubPoint> = {};
    for (const hub of this.sights.hubs()) {
      this.askHealth(hub);
      const { connections, queuedMessages } = hub.stats();
      hubs[hub.name] = { connections, queued: queuedMessages };
    }
    return { at: Date.now(), pools, hubs };
  }

  private askHealth(hub: ConnHub<never>): void {
    hub.health().then(
      (health) => this.healths.set(hub, health),
      () => this.healths.delete(hub),
    );
  }
}

function latencyOf(pool: ManagedPool): ReturnType<typeof readLatency> {
  try {
    return readLatency(pool);
  } catch {
    return undefined;
  }
}
