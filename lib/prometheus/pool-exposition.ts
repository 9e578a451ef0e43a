import { Inject, Injectable, type OnApplicationShutdown, type OnModuleInit, Optional } from '@nestjs/common';
import { register, type Registry } from 'prom-client';
import { HUB_FIGURES, type HubFigure, openHubs } from '../hub/hub-figures.js';
import type { HubRegistry } from '../hub/index.js';
import { HUB_REGISTRY } from '../hub/nest/hub-tokens.js';
import { POOL_REGISTRY } from '../nest/conn-pool.tokens.js';
import { MissingRootModuleError, type PoolRegistry } from '../nest/index.js';
import { type Measured, POOL_HISTOGRAMS, POOL_METRICS, type PoolMetric } from './pool-metrics.js';
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
      const { hubs } = this;
      if (hubs !== undefined)
        for (const figure of HUB_FIGURES) this.share(titleOf(figure), () => ofHubs(hubs, figure));
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
    { name, help, type, aggregator }: MetricTitle,
    read: () => readonly Sample[] | Promise<readonly Sample[]>,
  ): void {
    const title = { name: `${this.prefix}${name}`, help, type, aggregator };
    this.removals.push(share(this.registry, title, { owner: this.owner, read }));
  }

  private ofPools(metric: PoolMetric, buckets: readonly number[]): readonly Sample[] {
    return this.readings
      .read()
      .flatMap((pool) => metric.read(pool, buckets))
      .filter(isKnown);
  }
}

/** Prometheus takes no page with a value that is no number. */
function isKnown(measured: Measured): measured is Sample {
  return typeof measured.value === 'number';
}

async function ofHubs(hubs: HubRegistry, { read }: HubFigure): Promise<readonly Sample[]> {
  const samples = openHubs(hubs).map(async (hub) => {
    const readings = await read(hub, hub.stats());
    return readings.map(({ value, label }) => ({
      labels: { hub: hub.name, ...(label && { [label.name]: label.value }) },
      value,
    }));
  });
  return (await Promise.all(samples)).flat();
}

function titleOf({ name, help, kind }: HubFigure): MetricTitle {
  if (kind === 'total') return { name: `conn_hub_${name}_total`, help, type: 'counter' };
  // A state holds of several hubs when it holds of each.
  const aggregator = kind === 'state' ? 'min' : 'sum';
  return { name: `conn_hub_${name}`, help, type: 'gauge', aggregator };
}
