import { Inject, Injectable, type OnApplicationShutdown, Optional } from '@nestjs/common';
import { metrics, trace } from '@opentelemetry/api';
import { eventsOf } from '../core/pool-events.js';
import { POOL_REGISTRY } from '../nest/conn-pool.tokens.js';
import { MissingRootModuleError, type PoolRegistry } from '../nest/index.js';
import { type ConnPoolOtelOptions, type ResolvedOtelOptions, resolveOtelOptions } from './otel-options.js';
import { PoolInstruments } from './pool-instruments.js';
import { waitSpans } from './wait-spans.js';

/** What the module is told. */
export const OTEL_OPTIONS = 'ConnPoolOtelOptions';

/** What this package is called among the instrumentations. */
const SCOPE = 'nestjs-conn-pool';

/** Tells OpenTelemetry of an application's pools, from before they are started to the application's end. */
@Injectable()
export class PoolTelemetry implements OnApplicationShutdown {
  private readonly ends: (() => void)[] = [];

  /** @throws InvalidRootOptionsError, MissingRootModuleError */
  constructor(
    @Inject(OTEL_OPTIONS) options: ConnPoolOtelOptions | undefined,
    @Optional() @Inject(POOL_REGISTRY) pools?: PoolRegistry,
  ) {
    if (pools === undefined) throw new MissingRootModuleError();
    this.begin(pools, resolveOtelOptions(options ?? {}));
  }

  private begin(pools: PoolRegistry, options: ResolvedOtelOptions): void {
    const { prefix, waits, durations, meterProvider, tracerProvider } = options;
    const meter = (meterProvider ?? metrics).getMeter(SCOPE);
    const instruments = new PoolInstruments(meter, prefix, pools, durations);
    this.ends.push(() => instruments.stop());
    if (waits === false) return;
    const watcher = waitSpans((tracerProvider ?? trace).getTracer(SCOPE), { prefix, as: waits });
    const endFollowing = pools.follow((pool) => {
      const end = eventsOf(pool)?.watchWaits(watcher);
      if (end !== undefined) this.ends.push(end);
    });
    this.ends.push(endFollowing);
  }

  onApplicationShutdown(): void {
    for (const end of this.ends.splice(0)) end();
  }
}
