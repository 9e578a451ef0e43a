import { Inject, Injectable, Optional } from '@nestjs/common';
import type { ManagedPool } from '../core/index.js';
import type { ConnHub, HubRegistry } from '../hub/index.js';
import { HUB_REGISTRY } from '../hub/nest/hub-tokens.js';
import type { PoolRegistry } from '../nest/pool-registry.js';
import { POOL_REGISTRY } from '../nest/conn-pool.tokens.js';
import { NothingToShowError } from './dashboard-errors.js';

/** What there is to look at: the pools and hubs of the application, under the names they are registered as. */
@Injectable()
export class Sights {
  /** @throws NothingToShowError */
  constructor(
    @Optional() @Inject(POOL_REGISTRY) private readonly poolRegistry?: PoolRegistry,
    @Optional() @Inject(HUB_REGISTRY) private readonly hubRegistry?: HubRegistry,
  ) {
    if (poolRegistry === undefined && hubRegistry === undefined) throw new NothingToShowError();
  }

  pools(): (readonly [name: string, pool: ManagedPool])[] {
    const names = this.poolRegistry?.names() ?? [];
    return names.flatMap((name) => {
      const pool = this.pool(name);
      return pool === undefined ? [] : [[name, pool] as const];
    });
  }

  pool(name: string): ManagedPool | undefined {
    return this.poolRegistry?.find<ManagedPool>(name);
  }

  hubs(): ConnHub<never>[] {
    const names = this.hubRegistry?.names() ?? [];
    return names.flatMap((name) => (this.hubRegistry?.find(name) as ConnHub<never> | undefined) ?? []);
  }
}
