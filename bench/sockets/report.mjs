import { withSpread } from '../figures.mjs';
import { machine } from '../machine.mjs';
import { table } from '../table.mjs';

/** @typedef {import('../results.mjs').Results} Results */
/** @typedef {import('./scenarios.mjs').Scenario} Scenario */

/**
 * The whole run as Markdown: what was to be reached, then a table for each scenario.
 *
 * @param {{ title: string, method: string, verdicts: readonly import('../targets.mjs').Verdict[] }} what
 * @param {Results} results
 * @param {ReadonlyMap<Scenario, string | undefined>} scenarios - and why one could not be measured, if so
 * @param {number} rounds
 */
export function reportOf({ title, method, verdicts }, results, scenarios, rounds) {
  const sections = [
    `# ${title}`,
    machine(rounds),
    method,
    ...(verdicts.length === 0 ? [] : ['## Targets', targetTable(verdicts)]),
    ...[...scenarios].flatMap(([scenario, hindrance]) => [
      `## ${scenario.title}`,
      hindrance === undefined ? scenarioTable(results, scenario) : `Not measured: it ${hindrance}.`,
    ]),
  ];
  return `${sections.join('\n\n')}\n`;
}

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
function scenarioTable(results, { name, contenders, columns }) {
  const [base] = contenders;
  const cell = (pool, { figure, compare, format }) => {
    const row = { scenario: name, pool };
    if (figure !== undefined) return withSpread(results.figure(row, figure), format);
    return pool === base
      ? '–'
      : withSpread(results.compared(row, { scenario: name, pool: base }, compare), format);
  };
  return table(
    ['', ...columns.map(({ title }) => title)],
    contenders.map((pool) => [pool, ...columns.map((column) => cell(pool, column))]),
  );
}
