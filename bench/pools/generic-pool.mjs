import { createPool } from 'generic-pool';

/** @type {import('../adapter.mjs').OpenPool} */
export function open({ max, acquireTimeout, make }) {
  const factory = { create: () => Promise.resolve(make()), destroy: () => Promise.resolve() };
  const pool = createPool(
    factory,
    acquireTimeout === undefined ? { max } : { max, acquireTimeoutMillis: acquireTimeout },
  );
  return {
    acquire: () => pool.acquire(),
    release: (conn) => void pool.release(conn),
    discard: (conn) => void pool.destroy(conn),
    use: (work) => pool.use(work),
  };
}
