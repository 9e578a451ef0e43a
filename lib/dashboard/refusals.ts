import type { PoolEvent } from '../core/index.js';

/** A refusal makes a pool an exhausted one for so long. Milliseconds. */
const LASTS = 3000;

/** Acquires that a pool has refused: its counts show none in line. */
export class Refusals {
  private last = -Infinity;

  constructor(private readonly now: () => number) {}

  get lately(): boolean {
    return this.now() - this.last < LASTS;
  }

  note({ type }: PoolEvent): void {
    if (type === 'exhausted') this.last = this.now();
  }
}
