// The mutants that go unnoticed because they do no harm, each with the reason.
import { readFileSync } from 'node:fs';

const list = JSON.parse(readFileSync(new URL('harmless.json', import.meta.url), 'utf8'));

export class Harmless {
  #reasons = new Map();
  /** Entries that are about no mutant: the code has changed, and the reason must be thought over. */
  unknown = [];

  constructor(mutants) {
    const keys = new Set(mutants.map(({ key }) => key));
    for (const { why, mutants } of list) {
      for (const key of mutants) {
        if (keys.has(key)) this.#reasons.set(key, why);
        else this.unknown.push(key);
      }
    }
  }

  reasonFor({ key }) {
    return this.#reasons.get(key);
  }
}
