import { hundredths, whole, withSpread } from './figures.mjs';
import { machine } from './machine.mjs';
import { poolsOf } from './scenario.mjs';
import { table } from './table.mjs';
import { judge } from './targets.mjs';

/** @typedef {import('./results.mjs').Results} Results */
/** @typedef {import('./scenario.mjs').Scenario} Scenario */

/**
 * The whole run as Markdown: what was to be reached, then a table for each scenario.
 *
 * @param {Results} results
 * @param {readonly Scenario[]} scenarios
 * @param {number} rounds
 */
export function report(results, scenarios, rounds) {
  const verdicts = judge(results);
  const sections = [
    '# Speed and memory',
    machine(rounds),
    METHOD,
    ...(verdicts.length === 0 ? [] : ['## Targets', targetTable(verdicts)]),
    ...scenarios.flatMap((scenario) => [
      `## ${scenario.title}`,
      scenarioTable(results, scenario),
      ...notes(results, scenario),
    ]),
  ];
  return `${sections.join('\n\n')}\n`;
}

const METHOD = `Each figure comes from processes of their own, one for each round, scenario and pool, in shuffled order. A process
warms the code up, then takes several samples, each after a garbage collection, and reports their median; the tables hold
the median over the rounds, and in brackets the lowest and the highest round. Time is CPU time of all threads, so the
collection of an operation's garbage is part of its price. Ratios are taken within a round; their median is shown.

\`mini\` is the practical limit: an array for a stack, a linked line, one promise per acquire, no checks, no timeouts.
\`mini-timeout\` adds a timer for each waiter. Every pool runs with its own defaults, \`max\` aside; \`@30s\` is the same pool
with an acquire timeout of 30 s where it has none by default. This pool runs with its acquire timeout of 30 s, with a
heartbeat, and with its lifetimes and idle limits; \`@prometheus\` is this pool in an application with the metrics module, its
histograms on. The connections are plain objects made at once, so what is measured is the pool alone.`;

function targetTable(verdicts) {
  return table(
    ['target', 'reached', ''],
    verdicts.map(({ target, reached, met }) => [target, reached, met ? 'pass' : '**miss**']),
  );
}

/**
 * @param {Results} results
 * @param {Scenario} scenario
 */
function scenarioTable(results, scenario) {
  const columns = columnsOf(results, scenario);
  const price = (pool) => columns[0].of({ scenario: scenario.name, pool })?.median ?? Infinity;
  const rows = poolsOf(scenario)
    .filter((pool) => price(pool) < Infinity)
    .toSorted((a, b) => price(a) - price(b));
  return table(
    ['pool', ...columns.map(({ title }) => title)],
    rows.map((pool) => [
      pool,
      ...columns.map(({ of, format }) => withSpread(of({ scenario: scenario.name, pool }), format)),
    ]),
  );
}

/** The figures a scenario has; by the first of them its pools are ranked. */
function columnsOf(results, { name, unit, base, waits }) {
  const figure = (of) => (row) => results.figure(row, of);
  if (unit === 'bytes' && base === undefined) return [{ title: 'bytes', of: figure('bytes'), format: whole }];
  const ratio = {
    title: `× ${base}`,
    of: (row) => results.ratio(row, { scenario: name, pool: base }),
    format: hundredths,
  };
  if (unit === 'bytes') return [{ title: 'bytes', of: figure('bytes'), format: whole }, ratio];
  const cpu = { title: 'CPU ns/op', of: figure('cpu'), format: whole };
  return waits ? [cpu, ratio] : [cpu, { title: 'wall ns/op', of: figure('wall'), format: whole }, ratio];
}

function notes(results, scenario) {
  const noted = poolsOf(scenario).flatMap((pool) => {
    const note = results.note({ scenario: scenario.name, pool });
    return note === undefined ? [] : [`- ${pool}: ${note}`];
  });
  return noted.length === 0 ? [] : [noted.join('\n')];
}
