import { Inject, Injectable, Optional } from '@nestjs/common';
import { type HealthIndicatorResult, HealthIndicatorService } from '@nestjs/terminus';
import {
  type Duration,
  type HeartbeatReport,
  InvalidOptionsError,
  type ManagedPool,
  UnknownPoolError,
} from '../core/index.js';
import { parseDuration } from '../core/duration.js';
import { HUB_REGISTRY } from '../hub/nest/hub-tokens.js';
import { POOL_REGISTRY } from '../nest/conn-pool.tokens.js';
import { withDeadline } from '../nest/deadline.js';
import { MissingRootModuleError, type PoolRegistry } from '../nest/index.js';
import { type PoolVerdict, verdictOfError, verdictOfReport, verdictOfState } from './pool-verdict.js';

export interface PoolHealthOptions {
  /** The answer comes within this time, whatever the peer does. Above 0 and finite; default `'1s'`. */
  timeout?: Duration;
}

export interface PoolPingOptions extends PoolHealthOptions {
  /** Which pool. Default: the key. */
  pool?: string;
}

/** What the pool is told to be done by, of the whole: its own report says more than a deadline that was missed. */
const REPORT_SHARE = 0.9;

/**
 * Asks pools for their health: their idle connections answer a heartbeat, or a new one does if there is none. Never waits
 * behind traffic.
 *
 * - `up`, with `{ idle, leased, waiting, max, latencyMs }`
 * - `degraded` (with Terminus 11: `up`), with a `message`: saturated, all connections are leased
 * - `down`, with a `message` and, where there is one, a `cause`: no connection answers; or the pool is paused, draining,
 *   closed or unknown
 */
@Injectable()
export class ConnPoolHealthIndicator {
  /** @throws MissingRootModuleError in an application that has neither pools nor hubs */
  constructor(
    private readonly health: HealthIndicatorService,
    @Optional() @Inject(POOL_REGISTRY) private readonly pools?: PoolRegistry,
    @Optional() @Inject(HUB_REGISTRY) hubs?: object,
  ) {
    if (pools === undefined && hubs === undefined) throw new MissingRootModuleError();
  }

  /**
   * The health of one pool.
   *
   * @param key - in the result; the pool's name unless `pool` says otherwise
   * @throws InvalidOptionsError for a `timeout` that is none
   *
   * @example
   * @Get('health')
   * @HealthCheck()
   * check() {
   *   return this.health.check([() => this.pools.pingCheck('thrift', { timeout: '500ms' })]);
   * }
   */
  async pingCheck<const Key extends string>(
    key: Key,
    { pool: name = key, timeout = '1s' }: PoolPingOptions = {},
  ): Promise<HealthIndicatorResult<Key>> {
    const limit = limitOf(name, timeout);
    const session = this.health.check(key);
    const pool = this.registry.find<ManagedPool>(name);
    if (pool === undefined) {
      return session.down({ message: new UnknownPoolError(name, this.registry.names()).message });
    }
    const { verdict, latencyMs } = await this.examine(name, pool, limit);
    const { idle, leased, waiting, max } = pool.stats();
    const counts = { idle, leased, waiting, max };
    const { status, ...reasons } = verdict;
    if (status === 'down') return session.down({ ...reasons, ...counts });
    // Terminus 11 knows no third state, and a saturated pool is not a dead one.
    const knowsDegraded = 'degraded' in session;
    if (status === 'degraded' && knowsDegraded) return session.degraded({ ...reasons, ...counts, latencyMs });
    return session.up({ ...reasons, ...counts, latencyMs });
  }

  /**
   * The health of all pools, each under its own name.
   *
   * @example
   * this.health.check([() => this.pools.checkAll()])
   */
  async checkAll(options: PoolHealthOptions = {}): Promise<HealthIndicatorResult> {
    const { timeout } = options;
    const results = await Promise.all(this.registry.names().map((name) => this.pingCheck(name, { timeout })));
    return Object.assign({}, ...results) as HealthIndicatorResult;
  }

  private get registry(): PoolRegistry {
    if (this.pools === undefined) throw new MissingRootModuleError();
    return this.pools;
  }

  private async examine(
    name: string,
    pool: ManagedPool,
    limit: number,
  ): Promise<{ verdict: PoolVerdict; latencyMs: number }> {
    try {
      const state = this.registry.draining && pool.state !== 'closed' ? 'draining' : pool.state;
      const unfit = verdictOfState(name, state);
      if (unfit !== undefined) return { verdict: unfit, latencyMs: 0 };
      const report = await heartbeat(pool, limit);
      return {
        verdict: verdictOfReport(name, pool.stats(), report),
        latencyMs: Math.round(report.latencyMs),
      };
    } catch (error) {
      return { verdict: verdictOfError(name, error), latencyMs: 0 };
    }
  }
}

function heartbeat(pool: ManagedPool, limit: number): Promise<HeartbeatReport> {
  const ask = async (): Promise<HeartbeatReport> =>
    pool.heartbeat({ timeout: limit * REPORT_SHARE, dialIfNone: true });
  return withDeadline(ask, limit, 'no heartbeat was answered');
}

function limitOf(pool: string, timeout: Duration): number {
  const ms = parseDuration(timeout);
  if (ms !== undefined && ms > 0 && ms < Infinity) return ms;
  const allowed = "a finite duration above 0, in milliseconds or as text such as '1s'";
  throw new InvalidOptionsError(pool, [{ path: 'timeout', given: timeout, allowed }]);
}
