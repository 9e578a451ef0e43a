/**
 * Borrows every connection there may be, so that whoever comes next must wait.
 *
 * @template H
 * @param {import('./adapter.mjs').PoolUnderTest<H>} pool
 * @param {number} max
 * @returns {Promise<H[]>}
 */
export async function holdAll(pool, max) {
  return Promise.all(Array.from({ length: max }, () => pool.acquire()));
}
