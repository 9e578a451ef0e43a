import { Pool } from 'sequelize-pool';

/**
 * Always has an acquire timeout, of 30 s by default.
 *
 * @type {import('../adapter.mjs').OpenPool}
 */
export function open({ max, acquireTimeout, make }) {
  const pool = new Pool({
    create: () => Promise.resolve(make()),
    destroy: () => undefined,
    validate: () => true,
    min: 0,
    max,
    ...(acquireTimeout === undefined ? {} : { acquireTimeoutMillis: acquireTimeout }),
  });
  return {
    acquire: () => pool.acquire(),
    release: (conn) => pool.release(conn),
    discard: (conn) => void pool.destroy(conn),
  };
}
