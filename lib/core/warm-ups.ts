/** Somebody who waits until a number of connections are ready. */
interface WarmUp {
  readonly count: number;
  readonly dialsBefore: number;
  attempts: number;
  settle(ready: number, cause?: unknown): void;
}

/** Those who wait for connections to be made, but not to have one. */
export class WarmUps {
  private all: readonly WarmUp[] = NONE;

  get size(): number {
    return this.all.length;
  }

  /** How many connections the most demanding of them wants. */
  get wanted(): number {
    let most = 0;
    for (const { count } of this.all) most = Math.max(most, count);
    return most;
  }

  /** How many rounds of dials have failed for the first of them. */
  get attempts(): number {
    return this.all[0]?.attempts ?? 0;
  }

  join(count: number, dialsBefore: number): Promise<{ ready: number; cause?: unknown }> {
    return new Promise((resolve) => {
      const warmUp: WarmUp = {
        count,
        dialsBefore,
        attempts: 0,
        settle: (ready, cause) => {
          this.all = this.all.filter((other) => other !== warmUp);
          resolve({ ready, cause });
        },
      };
      this.all = [...this.all, warmUp];
    });
  }

  /** Settles those who have what they wanted, or all there may be. */
  settle(ready: number, most: number): void {
    for (const warmUp of this.all) if (ready >= Math.min(warmUp.count, most)) warmUp.settle(ready);
  }

  /** A round of dials has failed: those who are told so by `spent` go on with what there is. */
  turnAway(ready: number, cause: unknown, spent: (one: WarmUp) => boolean): void {
    for (const warmUp of this.all) if (spent(warmUp)) warmUp.settle(ready, cause);
  }
}

const NONE: readonly never[] = [];
