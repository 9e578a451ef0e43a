const BEAT = 10;
/** Timers are never quite on time; a beat later than this was held up. */
const LATE = 5;

/**
 * How much later than it should this process's event loop gets round to things. On a machine that is busy with something
 * else every deadline is told late, the pool's as well as the test's own: only what exceeds this is the pool's doing.
 */
export class LoopLateness implements Disposable {
  private readonly stalls: { from: number; to: number }[] = [];
  private due = performance.now() + BEAT;
  private timer = setTimeout(() => this.beat(), BEAT).unref();

  /** How long it was held up between two moments. */
  within(from: number, to: number): number {
    let sum = 0;
    for (const stall of this.all()) sum += Math.max(0, Math.min(to, stall.to) - Math.max(from, stall.from));
    return sum;
  }

  /** How long the turn went on in which that moment lay, if it was held up. */
  restOfTurn(moment: number): number {
    // Until a beat is due it is not seen that a turn lasts.
    const stall = this.all().find(({ from, to }) => from - BEAT <= moment && moment <= to);
    return stall === undefined ? 0 : stall.to - moment;
  }

  [Symbol.dispose](): void {
    clearTimeout(this.timer);
  }

  /** What reaches up to now included. */
  private all(): { from: number; to: number }[] {
    const now = performance.now();
    return now - this.due > LATE ? [...this.stalls, { from: this.due, to: now }] : this.stalls;
  }

  private beat(): void {
    const now = performance.now();
    if (now - this.due > LATE) this.stalls.push({ from: this.due, to: now });
    this.due = now + BEAT;
    this.timer = setTimeout(() => this.beat(), BEAT).unref();
  }
}
