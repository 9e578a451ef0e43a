import { OURS, PEERS, PEERS_WITH_TIMEOUT, WITH_PROMETHEUS } from './pools.mjs';
import { burst } from './scenarios/burst.mjs';
import { churn } from './scenarios/churn.mjs';
import { contended } from './scenarios/contended.mjs';
import { expiry } from './scenarios/expiry.mjs';
import { idleBytes } from './scenarios/idle-bytes.mjs';
import { tryAcquire } from './scenarios/try-acquire.mjs';
import { uncontended } from './scenarios/uncontended.mjs';
import { use } from './scenarios/use.mjs';
import { waiterBytes } from './scenarios/waiter-bytes.mjs';

/**
 * @typedef {object} Measured - what one child found
 * @property {number} [cpu] - nanoseconds of CPU time per operation
 * @property {number} [wall] - nanoseconds per operation
 * @property {number} [bytes]
 * @property {string} [note]
 */

/**
 * @typedef {object} Scenario
 * @property {string} name
 * @property {string} title
 * @property {'ns' | 'bytes'} unit - nanoseconds of CPU time per operation, or bytes each
 * @property {string} [base] - the pool that the ratios are to; left out: none are shown
 * @property {string[]} [pools] - left out: this one, the base and the peers
 * @property {boolean} [variants] - also this one with metrics, and the pools that time out on request only with a timeout
 * @property {boolean} [waits] - most of the wall time is spent waiting: it says nothing
 * @property {number} [rounds] - at most; for what varies little or takes long
 * @property {(open: import('./adapter.mjs').OpenPool, effort: import('./sampling.mjs').Effort) => Promise<Measured>} measure
 */

/** @type {readonly Scenario[]} */
export const SCENARIOS = [
  uncontended,
  contended,
  burst,
  expiry,
  churn,
  use,
  tryAcquire,
  idleBytes,
  waiterBytes,
];

/** @param {Scenario} scenario */
export function poolsOf({ pools, base, variants }) {
  return pools ?? [OURS, base, ...PEERS, ...(variants ? [WITH_PROMETHEUS, ...PEERS_WITH_TIMEOUT] : [])];
}
