import type { Connector } from '../core/connector.js';
import type { ConnPoolOptions } from '../core/options.js';
import { ConnPool } from '../core/pool.js';

/**
 * A pool for tests that lends what it is given, for `overrideProvider(getPoolToken(…)).useValue(…)`.
 *
 * It is a real `ConnPool`: leases end, `use` releases, `stats()` counts; only the connections are not dialled, checked
 * or closed, and nothing happens by itself with time. One object is lent to everybody who asks, ten at once; of an array
 * each one is lent to one borrower at a time.
 *
 * @param conns - the object to lend, or an array of them
 * @param options - as for a `ConnPool`, to be more like the real pool (its `name`, its `max`)
 *
 * @example
 * const client = { echo: async (text: string) => text };
 * const module = await Test.createTestingModule({ imports: [AppModule] })
 *   .overrideProvider(getPoolToken('thrift'))
 *   .useValue(fakePool(client))
 *   .compile();
 */
export function fakePool<T>(conns: T | readonly T[], options: ConnPoolOptions = {}): ConnPool<T> {
  const given: readonly T[] = Array.isArray(conns) ? (conns as readonly T[]) : [conns as T];
  if (given.length === 0) throw new RangeError('fakePool([]) has nothing to lend');
  const shared = !Array.isArray(conns);
  const pool = new ConnPool<T>(shared ? lendOne(given[0] as T) : lendEach(given), {
    ...(!shared && { max: given.length }),
    idleTimeout: Infinity,
    maxLifetime: Infinity,
    ...options,
  });
  // So that tryAcquire() finds something, too.
  void pool.warmUp(Math.min(given.length, pool.stats().max));
  return pool;
}

function lendOne<T>(conn: T): Connector<T> {
  return { dial: () => conn, close: () => undefined };
}

/** A connection that was discarded is as good as new: the next dial finds it again. */
function lendEach<T>(conns: readonly T[]): Connector<T> {
  const free = [...conns];
  return {
    dial: () => {
      if (free.length === 0) throw new Error(`fakePool() has no more than the ${conns.length} it was given`);
      return free.shift() as T;
    },
    close: (conn) => void free.push(conn),
  };
}
