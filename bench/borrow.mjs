/**
 * `use()` written by hand, for the pools that have none.
 *
 * @param {import('./adapter.mjs').PoolUnderTest} pool
 * @param {() => unknown} work
 */
export async function borrow(pool, work) {
  const held = await pool.acquire();
  try {
    return await work();
  } finally {
    pool.release(held);
  }
}
