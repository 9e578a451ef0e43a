import { LONGEST_TIMER } from '../core/longest-timer.js';

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
    const left = Math.ceil(at - performance.now());
    this.timer = setTimeout(() => this.ringAt(at), Math.min(LONGEST_TIMER, Math.max(0, left)));
  }

  /** Node's timers may be early. */
  private ringAt(at: number): void {
    if (performance.now() < at) this.set(at);
    else this.ring();
  }

  stop(): void {
    if (this.timer !== undefined) clearTimeout(this.timer);
    this.timer = undefined;
  }
}
