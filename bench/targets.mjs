import { OURS, PEERS, WITH_PROMETHEUS } from './pools.mjs';
import { SCENARIOS } from './scenario.mjs';

/** @typedef {import('./results.mjs').Results} Results */
/** @typedef {{ target: string, reached: string, met: boolean }} Verdict */

/** One acquire and release of the minimal pool, which `use()` and `tryAcquire` are held against, too. */
const MINIMAL = { scenario: 'uncontended', pool: 'mini' };

const AT_MOST_TIMES_MINIMAL = [
  { scenario: 'uncontended', limit: 2.0 },
  { scenario: 'contended', limit: 1.5, base: { scenario: 'contended', pool: 'mini' } },
  { scenario: 'burst', limit: 1.8, base: { scenario: 'burst', pool: 'mini' } },
  { scenario: 'churn', limit: 10, base: { scenario: 'churn', pool: 'mini' } },
  { scenario: 'use', limit: 3 },
  { scenario: 'try-acquire', limit: 0.6, base: { scenario: 'try-acquire', pool: 'mini' } },
];

const UNCONTENDED_AHEAD = [
  { peer: 'lightning-pool', factor: 3 },
  { peer: 'generic-pool', factor: 6 },
  { peer: 'tarn', factor: 12 },
];

const AT_MOST_WITH_PROMETHEUS = 1.25;

const AT_MOST_BYTES = [
  { scenario: 'idle-bytes', what: 'an idle connection', limit: 400 },
  { scenario: 'waiter-bytes', what: 'a waiter with its deadline', limit: 400 },
];

/**
 * What was to be reached, and what was. A target whose scenario did not run is left out.
 *
 * @param {Results} results
 * @returns {Verdict[]}
 */
export function judge(results) {
  return [
    ...AT_MOST_TIMES_MINIMAL.map((target) => timesMinimal(results, target)),
    timesTimers(results),
    ...UNCONTENDED_AHEAD.map((target) => aheadBy(results, target)),
    ...SCENARIOS.filter(({ unit }) => unit === 'ns').map(({ name }) => aheadOfAll(results, name)),
    ...SCENARIOS.filter(({ variants }) => variants).map(({ name }) => withPrometheus(results, name)),
    ...AT_MOST_BYTES.map((target) => bytes(results, target)),
  ].filter((verdict) => verdict !== undefined);
}

function timesMinimal(results, { scenario, limit, base = MINIMAL }) {
  const ratio = results.ratio({ scenario, pool: OURS }, base);
  if (ratio === undefined) return undefined;
  const what = base.scenario === scenario ? '' : `, against its ${base.scenario} acquire and release`;
  return {
    target: `${scenario}: at most ${limit.toFixed(1)} × the minimal pool${what}`,
    reached: times(ratio.median),
    met: ratio.median <= limit,
  };
}

function timesTimers(results) {
  const ratio = results.ratio(
    { scenario: 'expiry', pool: OURS },
    { scenario: 'expiry', pool: 'mini-timeout' },
  );
  if (ratio === undefined) return undefined;
  return {
    target: 'expiry: cheaper than the minimal pool with a timer per waiter',
    reached: times(ratio.median),
    met: ratio.median < 1,
  };
}

function aheadBy(results, { peer, factor }) {
  const lead = leadOver(results, 'uncontended', peer);
  if (lead === undefined) return undefined;
  return {
    target: `uncontended: at least ${factor} × as fast as ${peer}`,
    reached: times(lead),
    met: lead >= factor,
  };
}

function aheadOfAll(results, scenario) {
  const leads = PEERS.flatMap((peer) => {
    const lead = leadOver(results, scenario, peer);
    return lead === undefined ? [] : [{ peer, lead }];
  });
  if (leads.length === 0) return undefined;
  const nearest = leads.reduce((least, each) => (each.lead < least.lead ? each : least));
  return {
    target: `${scenario}: ahead of every peer`,
    reached: `${times(nearest.lead)} as fast as the nearest, ${nearest.peer}`,
    met: nearest.lead > 1,
  };
}

function withPrometheus(results, scenario) {
  const ratio = results.ratio({ scenario, pool: WITH_PROMETHEUS }, { scenario, pool: OURS });
  if (ratio === undefined) return undefined;
  return {
    target: `${scenario}: at most ${AT_MOST_WITH_PROMETHEUS} × with Prometheus on`,
    reached: times(ratio.median),
    met: ratio.median <= AT_MOST_WITH_PROMETHEUS,
  };
}

function leadOver(results, scenario, peer) {
  return results.ratio({ scenario, pool: peer }, { scenario, pool: OURS })?.median;
}

function bytes(results, { scenario, what, limit }) {
  const figure = results.figure({ scenario, pool: OURS }, 'bytes');
  if (figure === undefined) return undefined;
  return {
    target: `memory: at most ${limit} bytes for ${what}`,
    reached: `${Math.round(figure.median)} bytes`,
    met: figure.median <= limit,
  };
}

function times(factor) {
  return `${factor.toFixed(2)} ×`;
}
