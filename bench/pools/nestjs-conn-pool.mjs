import { ConnPool } from '../../dist/esm/core/index.js';

/**
 * The built package with its default options: a 30 s acquire timeout, lifetimes and idle limits on, and, as there is
 * a heartbeat, checks after every dial and every minute.
 *
 * @type {import('../adapter.mjs').OpenPool}
 */
export async function open({ max, acquireTimeout, make }) {
  const pool = new ConnPool(connectorOf(make), { max, acquireTimeout });
  await pool.start();
  return underTest(pool);
}

/** @param {() => object} make */
export function connectorOf(make) {
  return { dial: () => make(), heartbeat: () => undefined, close: () => undefined };
}

/** @returns {import('../adapter.mjs').PoolUnderTest} */
export function underTest(pool) {
  return {
    acquire: () => pool.acquire(),
    release: (lease) => lease.release(),
    discard: (lease) => lease.discard(),
    use: (work) => pool.use(work),
    tryAcquire: () => pool.tryAcquire(),
  };
}
