import { Subject } from 'rxjs';
import type {
  CloseReport,
  HeartbeatOptions,
  HeartbeatReport,
  ManagedPool,
  PoolEvent,
  PoolState,
  PoolStats,
} from 'nestjs-conn-pool/core';

/** A pool of a kind the package does not know, written by hand; it does as its fields say and notes what it is asked. */
export class StrangerPool implements ManagedPool {
  readonly events$ = new Subject<PoolEvent>();
  readonly asked: string[] = [];
  readonly heartbeats: (HeartbeatOptions | undefined)[] = [];
  state: PoolState = 'open';
  counts: Partial<PoolStats> = {};
  report: Partial<HeartbeatReport> = { checked: 1, healthy: 1, failed: 0, latencyMs: 3 };
  starts = async (): Promise<void> => undefined;
  beats = async (): Promise<void> => undefined;
  closes = async (): Promise<void> => undefined;

  constructor(readonly name: string) {}

  async start(): Promise<void> {
    this.asked.push('start');
    await this.starts();
  }

  stats(): PoolStats {
    const none = { size: 0, idle: 0, leased: 0, dialing: 0, checking: 0, closing: 0, waiting: 0 };
    const { name, state } = this;
    return { name, state, max: 10, min: 0, maxIdle: 10, ...none, ...this.counts } as PoolStats;
  }

  async heartbeat(options?: HeartbeatOptions): Promise<HeartbeatReport> {
    this.heartbeats.push(options);
    await this.beats();
    return { checked: 0, healthy: 0, failed: 0, latencyMs: 0, ...this.report };
  }

  async close(options?: { drain?: number | string }): Promise<CloseReport> {
    this.asked.push(options === undefined ? 'close' : `close ${String(options.drain)}`);
    await this.closes();
    this.state = 'closed';
    return { closed: 0, forced: 0, failed: 0, durationMs: 0 };
  }
}
