import { Pool } from 'tarn';

/**
 * Always has an acquire timeout, of 30 s by default. It has no call that discards a connection: the nearest is a
 * validation that fails at the next hand-out.
 *
 * @type {import('../adapter.mjs').OpenPool}
 */
export function open({ max, acquireTimeout, make, discards }) {
  const spent = new WeakSet();
  const pool = new Pool({
    create: () => Promise.resolve(make()),
    destroy: () => undefined,
    min: 0,
    max,
    ...(acquireTimeout === undefined ? {} : { acquireTimeoutMillis: acquireTimeout }),
    ...(discards ? { validate: (conn) => !spent.has(conn) } : {}),
  });
  return {
    acquire: () => pool.acquire().promise,
    release: (conn) => void pool.release(conn),
    discard: (conn) => {
      spent.add(conn);
      pool.release(conn);
    },
  };
}
