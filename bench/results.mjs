import { spread } from './statistics.mjs';

/** @typedef {import('./scenario.mjs').Measured} Measured */
/** @typedef {{ scenario: string, pool: string }} Row */

/** What the children of one run found, by scenario, pool and round. */
export class Results {
  /** @type {Map<string, (Measured | undefined)[]>} */
  #rounds = new Map();

  /**
   * @param {Row} row
   * @param {number} round
   * @param {Measured} measured
   */
  add(row, round, measured) {
    const rounds = this.#roundsOf(row);
    rounds[round] = measured;
    this.#rounds.set(keyOf(row), rounds);
  }

  /**
   * @param {Row} row
   * @param {'cpu' | 'wall' | 'bytes'} figure
   */
  figure(row, figure) {
    return spread(this.#roundsOf(row).flatMap((measured) => measured?.[figure] ?? []));
  }

  /**
   * How many times `row` costs what `base` costs. Each ratio is taken within one round, as the machine may be slower
   * in the next.
   *
   * @param {Row} row
   * @param {Row} base
   */
  ratio(row, base) {
    const bases = this.#roundsOf(base).map(costOf);
    const ratios = this.#roundsOf(row).map((measured, round) => costOf(measured) / bases[round]);
    return spread(ratios.filter(Number.isFinite));
  }

  /** @param {Row} row */
  note(row) {
    return this.#roundsOf(row).find((measured) => measured?.note !== undefined)?.note;
  }

  #roundsOf(row) {
    return this.#rounds.get(keyOf(row)) ?? [];
  }
}

function keyOf({ scenario, pool }) {
  return `${scenario} ${pool}`;
}

function costOf(measured) {
  return measured?.cpu ?? measured?.bytes ?? NaN;
}
