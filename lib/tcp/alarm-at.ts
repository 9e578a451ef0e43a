/** Node's timers fire at once beyond this. */
const LONGEST_TIMER = 2 ** 31 - 1;

/** Rings at an instant, however far away. It holds the process: somebody waits for it. */
export class AlarmAt {
  private timer: NodeJS.Timeout | undefined = undefined;

  /** @param at - by `performance.now()`; `Infinity` = never */
  constructor(
    private readonly ring: () => void,
    at: number,
  ) {
    this.set(at);
  }

  set(at: number): void {
    this.stop();
    if (at === Infinity) return;
    const left = at - performance.now();
    if (left > LONGEST_TIMER) this.timer = setTimeout(() => this.set(at), LONGEST_TIMER);
    else this.timer = setTimeout(this.ring, Math.max(0, left));
  }

  stop(): void {
    if (this.timer !== undefined) clearTimeout(this.timer);
    this.timer = undefined;
  }
}
