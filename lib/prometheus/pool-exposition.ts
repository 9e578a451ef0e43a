import { Inject, Injectable, type OnApplicationShutdown, type OnModuleInit, Optional } from '@nestjs/common';
import { register, type Registry } from 'prom-client';
import type { HubRegistry } from '../hub/index.js';
import { HUB_REGISTRY } from '../hub/nest/hub-tokens.js';
import { POOL_REGISTRY } from '../nest/conn-pool.tokens.js';
import { MissingRootModuleError, type PoolRegistry } from '../nest/index.js';
import { HUB_METRICS, type HubMetric } from './hub-metrics.js';
import { POOL_HISTOGRAMS, POOL_METRICS, type PoolMetric } from './pool-metrics.js';
import { KINDS, PoolReadings } from './pool-readings.js';
import { type ConnPoolPrometheusOptions, resolvePrometheusOptions } from './prometheus-options.js';
import { type MetricTitle, type Sample, share } from './shared-metric.js';

/** What the module is told. */
export const PROMETHEUS_OPTIONS = 'ConnPoolPrometheusOptions';

/**
 * Puts an application's pools and hubs into a registry of prom-client, from its `onModuleInit` to its end. Between scrapes it
 * does nothing but count durations.
 */
@Injectable()
export class PoolExposition implements OnModuleInit, OnApplicationShutdown {
  private readonly registry: Registry;
  private readonly prefix: string;
  private readonly readings: PoolReadings;
  private readonly owner: object;
  private readonly removals: (() => void)[] = [];

  /** @throws InvalidRootOptionsError; MissingRootModuleError in an application that has neither pools nor hubs */
  constructor(
    @Inject(PROMETHEUS_OPTIONS) options: ConnPoolPrometheusOptions | undefined,
    @Optional() @Inject(POOL_REGISTRY) pools?: PoolRegistry,
    @Optional() @Inject(HUB_REGISTRY) private readonly hubs?: HubRegistry,
  ) {
    if (pools === undefined && hubs === undefined) throw new MissingRootModuleError();
    const { registry = register, prefix, buckets } = resolvePrometheusOptions(options ?? {});
    this.registry = registry;
    this.prefix = prefix;
    this.readings = new PoolReadings(pools, buckets);
    this.owner = pools ?? this.hubs ?? this;
  }

  /** @throws MetricNameTakenError */
  onModuleInit(): void {
    try {
      for (const metric of POOL_METRICS) this.share(metric, () => this.ofPools(metric, []));
      const { buckets } = this.readings;
      if (buckets !== undefined) {
        for (const kind of KINDS) {
          const metric = POOL_HISTOGRAMS[kind];
          this.share(metric, () => this.ofPools(metric, buckets[kind]));
        }
      }
      if (this.hubs !== undefined)
        for (const metric of HUB_METRICS) this.share(metric, () => this.ofHubs(metric));
    } catch (error) {
      this.onApplicationShutdown();
      throw error;
    }
  }

  onApplicationShutdown(): void {
    for (const remove of this.removals.splice(0)) remove();
    this.readings.stop();
  }

  private share(
    { name, help, type }: MetricTitle,
    read: () => readonly Sample[] | Promise<readonly Sample[]>,
  ): void {
    const title = { name: `${this.prefix}${name}`, help, type };
    this.removals.push(share(this.registry, title, { owner: this.owner, read }));
  }

  private ofPools(metric: PoolMetric, buckets: readonly number[]): readonly Sample[] {
    return this.readings.read().flatMap((pool) => metric.read(pool, buckets));
  }

  private async ofHubs(metric: HubMetric): Promise<readonly Sample[]> {
    const hubs = (this.hubs?.names() ?? []).map((name) => this.hubs?.find(name));
    const open = hubs.filter((hub) => hub !== undefined && hub.state !== 'closed');
    const samples = await Promise.all(open.map(async (hub) => hub && metric.read(hub, hub.stats())));
    return samples.flatMap((some) => some ?? []);
  }
}
