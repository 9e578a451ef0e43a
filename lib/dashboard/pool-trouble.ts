import type { PoolEvent } from '../core/index.js';
import { causeText } from '../nest/cause-text.js';

/** A refusal makes a pool an exhausted one for so long. Milliseconds. */
const REFUSAL_LASTS = 3000;

/** What is wrong with a pool, as far as its events say: its counts do not show why nothing comes. */
export class PoolTrouble {
  private dialFailure: string | undefined;
  private refusedAt = -Infinity;

  constructor(private readonly now: () => number) {}

  /** Why dials fail, while they do. */
  get cause(): string | undefined {
    return this.dialFailure;
  }

  /** Acquires were refused because of exhaustion. */
  get refusedLately(): boolean {
    return this.now() - this.refusedAt < REFUSAL_LASTS;
  }

  note(event: PoolEvent): void {
    if (event.type === 'dial-failed') this.dialFailure = causeText(event.cause);
    else if (event.type === 'dialed' || event.type === 'recovered') this.dialFailure = undefined;
    else if (event.type === 'exhausted') this.refusedAt = this.now();
  }
}
