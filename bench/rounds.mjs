import { Results } from './results.mjs';
import { measure } from './sockets/pair.mjs';
import { shuffled } from './statistics.mjs';

/**
 * Every contender of every scenario, once a round.
 *
 * @param {readonly import('./sockets/scenarios.mjs').Scenario[]} scenarios
 * @param {number} rounds
 * @param {'full' | 'quick'} effort
 * @returns {Promise<{ results: Results, failures: string[] }>}
 */
export async function run(scenarios, rounds, effort) {
  const results = new Results();
  const failures = [];
  for (let round = 0; round < rounds; round += 1) {
    const begun = performance.now();
    const due = scenarios.filter((scenario) => round < (scenario.rounds ?? Infinity));
    for (const scenario of shuffled(due)) {
      // One right after the other: what they are compared by is their ratio.
      for (const contender of shuffled(scenario.contenders)) {
        try {
          const measured = await measure(scenario, contender, effort);
          results.add({ scenario: scenario.name, pool: contender }, round, measured);
        } catch (error) {
          failures.push(`${scenario.name}, ${contender}, round ${round + 1}: ${error.message}`);
        }
      }
    }
    const seconds = Math.round((performance.now() - begun) / 1000);
    console.error(`round ${round + 1} of ${rounds}: ${seconds} s`);
  }
  return { results, failures };
}
