import { Inject, Injectable, type OnApplicationShutdown, Optional } from '@nestjs/common';
import { type Meter, metrics, trace } from '@opentelemetry/api';
import { eventsOf } from '../core/pool-events.js';
import type { HubRegistry } from '../hub/index.js';
import { HUB_REGISTRY } from '../hub/nest/hub-tokens.js';
import { POOL_REGISTRY } from '../nest/conn-pool.tokens.js';
import { MissingRootModuleError, type PoolRegistry } from '../nest/index.js';
import { HubInstruments } from './hub-instruments.js';
import { type ConnPoolOtelOptions, type ResolvedOtelOptions, resolveOtelOptions } from './otel-options.js';
import { PoolInstruments } from './pool-instruments.js';
import { waitSpans } from './wait-spans.js';

/** What the module is told. */
export const OTEL_OPTIONS = 'ConnPoolOtelOptions';

/** What this package is called among the instrumentations. */
const SCOPE = 'nestjs-conn-pool';

/** Tells OpenTelemetry of an application's pools and hubs, from before they are started to the application's end. */
@Injectable()
export class Telemetry implements OnApplicationShutdown {
  private readonly ends: (() => void)[] = [];

  /** @throws InvalidRootOptionsError; MissingRootModuleError in an application that has neither pools nor hubs */
  constructor(
    @Inject(OTEL_OPTIONS) options: ConnPoolOtelOptions | undefined,
    @Optional() @Inject(POOL_REGISTRY) pools?: PoolRegistry,
    @Optional() @Inject(HUB_REGISTRY) hubs?: HubRegistry,
  ) {
    if (pools === undefined && hubs === undefined) throw new MissingRootModuleError();
    const resolved = resolveOtelOptions(options ?? {});
    const meter = (resolved.meterProvider ?? metrics).getMeter(SCOPE);
    if (pools !== undefined) this.tellOfPools(pools, meter, resolved);
    if (hubs !== undefined) {
      const instruments = new HubInstruments(meter, resolved.hubPrefix, hubs);
      this.ends.push(() => instruments.stop());
    }
  }

  private tellOfPools(pools: PoolRegistry, meter: Meter, options: ResolvedOtelOptions): void {
    const { prefix, waits, durations, tracerProvider } = options;
    const instruments = new PoolInstruments(meter, prefix, pools, durations);
    this.ends.push(() => instruments.stop());
    if (waits === false) return;
    const tracer = (tracerProvider ?? trace).getTracer(SCOPE);
    this.ends.push(
      pools.follow((pool, name) =>
        eventsOf(pool)?.watchWaits(waitSpans(tracer, { name, prefix, as: waits })),
      ),
    );
  }

  onApplicationShutdown(): void {
    for (const end of this.ends.splice(0)) end();
  }
}
