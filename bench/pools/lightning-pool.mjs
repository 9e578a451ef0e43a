import { Pool } from 'lightning-pool';

/**
 * Refuses more than 1,000 waiters by default, which the scenarios need.
 *
 * @type {import('../adapter.mjs').OpenPool}
 */
export function open({ max, acquireTimeout, make }) {
  const factory = { create: () => make(), destroy: () => undefined };
  const pool = new Pool(factory, {
    max,
    maxQueue: 1_000_000,
    ...(acquireTimeout === undefined ? {} : { acquireTimeoutMillis: acquireTimeout }),
  });
  return {
    acquire: () => pool.acquire(),
    release: (conn) => pool.release(conn),
    discard: (conn) => pool.destroy(conn),
  };
}
