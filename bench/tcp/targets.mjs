import { DECODE, ECHO, LINES } from './scenarios.mjs';

/** @typedef {import('../results.mjs').Results} Results */
/** @typedef {import('../targets.mjs').Verdict} Verdict */

/** Of what was to be reached: at least so many times the rate of something else. */
const RATES = [
  ...ECHO.map((scenario) => ({ scenario, contender: 'kept', base: 'raw', least: 0.9 })),
  ...ECHO.map((scenario) => ({ scenario, contender: 'borrowed', base: 'raw', least: 0.8 })),
  ...DECODE.map((scenario) => ({ scenario, contender: 'decoder', base: 'lean', least: 0.8 })),
  { scenario: LINES, contender: 'recvLine', base: 'byte by byte', least: 5 },
  { scenario: LINES, contender: 'recvLine', base: 'readline', least: 1 },
  { scenario: LINES, contender: 'lineBatches', base: 'readline, events', least: 1 },
];

/**
 * What was to be reached, and what was. A target whose scenario did not run is left out.
 *
 * @param {Results} results
 * @returns {Verdict[]}
 */
export function judge(results) {
  return RATES.map((target) => rate(results, target)).filter((verdict) => verdict !== undefined);
}

function rate(results, { scenario: { name, title }, contender, base, least }) {
  const ratio = results.compared(
    { scenario: name, pool: contender },
    { scenario: name, pool: base },
    (measured, other) => measured.rate / other.rate,
  );
  if (ratio === undefined) return undefined;
  return {
    target: `${contender}: at least ${least.toFixed(1)} × the rate of ${base}; ${title}`,
    reached: `${ratio.median.toFixed(2)} ×`,
    met: ratio.median >= least,
  };
}
