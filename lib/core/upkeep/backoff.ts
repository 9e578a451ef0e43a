/** No two rounds of dials follow each other faster than this, whatever the dice say. */
const LEAST_DELAY = 1;

/** A time in which no dial has succeeded. */
export interface Outage {
  readonly failures: number;
  readonly downMs: number;
}

/** How long the pool keeps from dialling after dials have failed: full-jitter exponential, shared by all its dials. */
export class Backoff {
  /** Failed attempts since the last success. */
  failures = 0;
  /** What the last of them failed with. */
  lastError: unknown = undefined;
  /** Retrying cannot mend it, said the connector. */
  permanent = false;
  /** No dial may begin before. */
  readyAt = -Infinity;
  /** When dials began to be held back. */
  enteredAt = NaN;
  private rounds = 0;
  private failingSince = 0;
  private lastStepAt = -Infinity;
  /** The last step was for a dial that had succeeded: the next success proves nothing. */
  private wary = false;

  constructor(
    private readonly initial: number,
    private readonly max: number,
  ) {}

  /** Dials are held back, or were until lately and none has succeeded since. */
  get entered(): boolean {
    return this.readyAt !== -Infinity;
  }

  /** A dial that began at `startedAt` has failed. */
  fail(startedAt: number, now: number, error: unknown, permanent: boolean): void {
    if (this.failures === 0) this.failingSince = now;
    this.failures += 1;
    this.lastError = error;
    this.permanent = permanent;
    this.wary = false;
    this.step(startedAt, now);
  }

  /**
   * A connection dialled at `dialedAt` has died before it was of use: a server that accepts and hangs up must not be hammered.
   *
   * @returns whether it died so soon that the dial is to blame
   */
  setBack(dialedAt: number, now: number, error: unknown): boolean {
    if (now - dialedAt > this.max) return false;
    // That one has died is no news of what keeps dials from succeeding at all.
    if (!this.permanent && error !== undefined) this.lastError = error;
    this.wary = true;
    this.step(dialedAt, now);
    return true;
  }

  /** A dial has succeeded. @returns the outage that ends with it, if there was one */
  succeed(now: number): Outage | undefined {
    if (!this.entered) return undefined;
    const { failures, failingSince } = this;
    this.failures = 0;
    this.lastError = undefined;
    this.permanent = false;
    if (!this.wary || now - this.lastStepAt > this.max) {
      this.rounds = 0;
      this.readyAt = -Infinity;
      this.lastStepAt = -Infinity;
    }
    return failures === 0 ? undefined : { failures, downMs: now - failingSince };
  }

  private step(startedAt: number, now: number): void {
    // Dials that ran side by side are one round, and one step of the delay.
    if (startedAt <= this.lastStepAt) return;
    this.lastStepAt = now;
    if (!this.entered) this.enteredAt = now;
    // Beyond 2^30 times the initial delay every cap is reached, and the power would overflow in the end.
    const ceiling = Math.min(this.max, this.initial * 2 ** Math.min(this.rounds, 30));
    this.rounds += 1;
    this.readyAt = now + Math.max(LEAST_DELAY, Math.random() * ceiling);
  }
}
