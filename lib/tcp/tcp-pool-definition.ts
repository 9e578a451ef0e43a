import type { ConnPoolOptions } from '../core/index.js';
import { OPTION_NAMES } from '../core/options.js';
import { TcpPool } from './tcp-pool.js';
import type { TcpPoolOptions } from './tcp-pool-options.js';

/** What `ConnPoolModule.forFeature()` takes. */
export interface TcpPoolDefinition extends ConnPoolOptions<unknown> {
  readonly pool: (context: { readonly name: string; readonly options: ConnPoolOptions<unknown> }) => TcpPool;
  readonly connector?: undefined;
}

/** What a pool by address has no use for. */
const NOT_HERE: readonly string[] = ['min', 'meta', 'startup', 'dialTimeout'];

/**
 * A `TcpPool` as a pool of a Nest application. What `forRoot()` and the environment say of the options of every pool holds
 * for it as well; there `connectTimeout` is called `dialTimeout`.
 *
 * @example
 * ConnPoolModule.forFeature(tcpPool({ name: 'devices', max: 200, idleTimeout: '1m' }))
 */
export function tcpPool(options: TcpPoolOptions = {}): TcpPoolDefinition {
  const shared: Record<string, unknown> = {};
  const own: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(options)) {
    if (name === 'connectTimeout') shared.dialTimeout = value;
    else (isShared(name) ? shared : own)[name] = value;
  }
  return {
    ...shared,
    pool: ({ name, options: merged }) => {
      const { dialTimeout: connectTimeout, ...rest } = merged;
      const used = Object.entries(rest).filter(([each]) => isShared(each));
      return new TcpPool({ ...own, ...Object.fromEntries(used), connectTimeout, name });
    },
  };
}

function isShared(name: string): boolean {
  return (OPTION_NAMES as readonly string[]).includes(name) && !NOT_HERE.includes(name);
}
