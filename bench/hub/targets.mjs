import { whole } from '../figures.mjs';
import { BROADCAST, BROADCAST_TEN, FORWARD, IDLE, LATENCY, ONE, QUEUED, RANDOM, TEN } from './scenarios.mjs';

/** @typedef {import('../results.mjs').Results} Results */
/** @typedef {import('../targets.mjs').Verdict} Verdict */

const AGAINST = (scenarios, base, least) => scenarios.map((scenario) => ({ scenario, base, least }));
/** At least so many times as many messages by the same CPU time. */
const TIMES = [
  ...AGAINST(ONE, 'ws', 1.3),
  ...AGAINST(TEN, 'ws', 5),
  ...AGAINST(RANDOM, 'ws', 3),
  ...AGAINST(BROADCAST, 'ws', 1.4),
  ...AGAINST(BROADCAST_TEN, 'ws', 8),
  ...AGAINST([...ONE, ...TEN, ...RANDOM], 'socket.io', 3),
];
const RATES = [
  { fleet: 'hub over Redis', least: 60_000 },
  { fleet: 'hub over NATS', least: 100_000 },
];
const SLOWEST = 3;
const IDLE_BYTES = 1536;
const QUEUED_BYTES = 300;

/**
 * What was to be reached, and what was. A target whose scenario did not run is left out.
 *
 * @param {Results} results
 * @returns {Verdict[]}
 */
export function judge(results) {
  return [
    ...TIMES.map((target) => times(results, target)),
    ...IDLE.map((scenario) => idle(results, scenario)),
    ...QUEUED.map((scenario) => queued(results, scenario)),
    ...RATES.map((target) => rate(results, target)),
    ...RATES.map(({ fleet }) => latency(results, fleet)),
  ].filter((verdict) => verdict !== undefined);
}

function times(results, { scenario: { name, title }, base, least }) {
  const compared = (compare) =>
    results.compared({ scenario: name, pool: 'hub' }, { scenario: name, pool: base }, compare);
  const cpu = compared((measured, other) => other.cpu / measured.cpu);
  if (cpu === undefined) return undefined;
  const rate = compared((measured, other) => measured.rate / other.rate);
  return {
    target: `at least ${least.toFixed(1)} × ${base}; ${title}`,
    reached: `${cpu.median.toFixed(2)} × by CPU, ${rate.median.toFixed(2)} × by the clock`,
    met: cpu.median >= least,
  };
}

function idle(results, { name, title }) {
  const beyond = results.compared(
    { scenario: name, pool: 'hub' },
    { scenario: name, pool: 'ws' },
    (measured, base) => measured.bytes - base.bytes,
  );
  if (beyond === undefined) return undefined;
  return {
    target: `${title}: at most ${whole(IDLE_BYTES)} bytes each beyond what ws needs`,
    reached: `${whole(beyond.median)} bytes`,
    met: beyond.median <= IDLE_BYTES,
  };
}

function queued(results, { name, title }) {
  const beyond = results.figure({ scenario: name, pool: 'hub' }, 'bytes');
  if (beyond === undefined) return undefined;
  return {
    target: `${title}: at most ${QUEUED_BYTES} bytes each beyond the payload`,
    reached: `${whole(beyond.median)} bytes`,
    met: beyond.median <= QUEUED_BYTES,
  };
}

function rate(results, { fleet, least }) {
  const reached = results.figure({ scenario: FORWARD.name, pool: fleet }, 'rate');
  if (reached === undefined) return undefined;
  return {
    target: `${fleet}: at least ${whole(least)} forwarded messages per second`,
    reached: whole(reached.median),
    met: reached.median >= least,
  };
}

function latency(results, fleet) {
  const reached = results.figure({ scenario: LATENCY.name, pool: fleet }, 'confirmed');
  if (reached === undefined) return undefined;
  return {
    target: `${fleet}: an unloaded forwarded push confirmed within ${SLOWEST} ms, 99 of 100`,
    reached: `${reached.median.toFixed(2)} ms`,
    met: reached.median <= SLOWEST,
  };
}
