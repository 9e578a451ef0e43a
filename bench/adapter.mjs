/**
 * What a scenario asks of a pool. A process loads one adapter only, so the calls through it are inlined and cost
 * every pool the same: nothing.
 *
 * @template [H=any]
 * @typedef {object} PoolUnderTest
 * @property {() => Promise<H>} acquire
 * @property {(held: H) => void} release
 * @property {(held: H) => void} discard - gives it back as unfit; for a pool without such a call, whatever comes nearest
 * @property {(work: () => unknown) => Promise<unknown>} [use] - the pool's own, where it has one
 * @property {() => H | undefined} [tryAcquire] - where the pool has one
 */

/**
 * @typedef {object} PoolSettings
 * @property {number} max
 * @property {number} [acquireTimeout] - milliseconds; left out: the pool's own default
 * @property {() => object} make - makes the user's object, at once
 * @property {boolean} [discards] - every connection will be discarded; asked of pools that must be prepared for it
 */

/** @typedef {(settings: PoolSettings) => PoolUnderTest | Promise<PoolUnderTest>} OpenPool */

/** The deadline a pool gets when its name ends in `@30s`. */
const VARIANT = { suffix: '@30s', acquireTimeout: 30_000 };

/**
 * Finds the adapter of a pool. `generic-pool@30s` is `generic-pool` with an acquire timeout of 30 seconds.
 *
 * @param {string} pool
 * @returns {Promise<OpenPool>}
 */
export async function loadAdapter(pool) {
  const variant = pool.endsWith(VARIANT.suffix);
  const module = variant ? pool.slice(0, -VARIANT.suffix.length) : pool;
  const { open } = await import(`./pools/${module}.mjs`);
  return variant ? (settings) => open({ acquireTimeout: VARIANT.acquireTimeout, ...settings }) : open;
}
