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
   * @param {string} figure - the name of one
   */
  figure(row, figure) {
    return spread(this.#roundsOf(row).flatMap((measured) => measured?.[figure] ?? []));
  }

  /**
   * How many times `row` costs what `base` costs.
   *
   * @param {Row} row
   * @param {Row} base
   */
  ratio(row, base) {
    return this.compared(row, base, (measured, other) => costOf(measured) / costOf(other));
  }

  /**
   * One beside the other, within each round, as the machine may be slower in the next.
   *
   * @param {Row} row
   * @param {Row} base
   * @param {(measured: any, base: any) => number} compare
   */
  compared(row, base, compare) {
    const bases = this.#roundsOf(base);
    const values = this.#roundsOf(row).map((measured, round) =>
      measured === undefined || bases[round] === undefined ? NaN : compare(measured, bases[round]),
    );
    return spread(values.filter(Number.isFinite));
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
  return measured.cpu ?? measured.bytes ?? NaN;
}
