import { whole } from '../figures.mjs';
import { IDLE, TCP, WARM } from './scenarios.mjs';

/** @typedef {import('../results.mjs').Results} Results */
/** @typedef {import('../targets.mjs').Verdict} Verdict */

const RATES = [
  { contender: 'acquire', base: 'raw', least: 0.95, what: 'acquire, round trip, release' },
  { contender: 'dial', base: 'raw', least: 0.8, what: 'dial, round trip, close' },
  { contender: 'dial', base: 'connect', least: 3, what: 'dial, round trip, close' },
];

const BYTES = 1024;
/** O(1), but for what a processor's caches do not hold of a hundred times as much. */
const WARM_RATIO = 1.25;
const UPKEEP = 0.01;

/**
 * What was to be reached, and what was. A target whose scenario did not run is left out.
 *
 * @param {Results} results
 * @returns {Verdict[]}
 */
export function judge(results) {
  return [
    ...RATES.flatMap((target) => TCP.map((scenario) => rate(results, scenario, target))),
    memory(results),
    warm(results),
    ...IDLE.contenders.slice(1).map((pool) => upkeep(results, pool)),
  ].filter((verdict) => verdict !== undefined);
}

function rate(results, { name, title }, { contender, base, least, what }) {
  const ratio = results.compared(
    { scenario: name, pool: contender },
    { scenario: name, pool: base },
    (measured, other) => measured.rate / other.rate,
  );
  if (ratio === undefined) return undefined;
  return {
    target: `${what}: at least ${least.toFixed(2)} × the rate of ${base}; ${title}`,
    reached: `${ratio.median.toFixed(2)} ×`,
    met: ratio.median >= least,
  };
}

function memory(results) {
  const beyond = results.compared(
    { scenario: IDLE.name, pool: 'pooled' },
    { scenario: IDLE.name, pool: 'plain' },
    (measured, base) => measured.bytes - base.bytes,
  );
  if (beyond === undefined) return undefined;
  return {
    target: `an idle connection: at most ${whole(BYTES)} bytes beyond Node's own socket`,
    reached: `${whole(beyond.median)} bytes`,
    met: beyond.median <= BYTES,
  };
}

function warm(results) {
  const [few, many] = WARM.contenders;
  const ratio = results.compared(
    { scenario: WARM.name, pool: many },
    { scenario: WARM.name, pool: few },
    (measured, base) => measured.cpu / base.cpu,
  );
  if (ratio === undefined) return undefined;
  return {
    target: `dial of a warm address among ${whole(Number(many))}: at most ${WARM_RATIO} × the price among ${few}`,
    reached: `${ratio.median.toFixed(2)} ×`,
    met: ratio.median <= WARM_RATIO,
  };
}

function upkeep(results, pool) {
  const share = results.figure({ scenario: IDLE.name, pool }, 'share');
  if (share === undefined) return undefined;
  return {
    target: `upkeep of ${IDLE.title}, ${pool}: less than ${100 * UPKEEP} % of a core`,
    reached: `${(100 * share.median).toFixed(2)} %`,
    met: share.median < UPKEEP,
  };
}
