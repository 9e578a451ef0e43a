import { LONGEST_TIMER } from '../core/longest-timer.js';

/** Things that each have the same time left from their coming, on one timer, which holds no process open. */
export class EqualDelays<T> {
  /** In the order of their deadlines, as all delays are equal. */
  private readonly deadlines = new Map<T, number>();
  private timer: NodeJS.Timeout | undefined;

  /** @param ring - called with what has not been deleted in time, which is no longer here then */
  constructor(
    private readonly delay: number,
    private readonly ring: (item: T) => void,
  ) {}

  get size(): number {
    return this.deadlines.size;
  }

  items(): T[] {
    return [...this.deadlines.keys()];
  }

  /** When the first of them is due, on the clock of `performance.now()`. */
  get soonest(): number | undefined {
    return this.deadlines.values().next().value;
  }

  add(item: T): void {
    this.deadlines.delete(item);
    this.deadlines.set(item, performance.now() + this.delay);
    if (this.timer === undefined) this.arm(this.delay);
  }

  delete(item: T): boolean {
    const wasHere = this.deadlines.delete(item);
    if (this.deadlines.size === 0) this.disarm();
    return wasHere;
  }

  clear(): void {
    this.deadlines.clear();
    this.disarm();
  }

  private readonly onTimer = (): void => {
    this.timer = undefined;
    const now = performance.now();
    const due: T[] = [];
    for (const [item, deadline] of this.deadlines) {
      if (deadline > now) {
        this.arm(deadline - now);
        break;
      }
      due.push(item);
    }
    // One of them may take back another.
    for (const item of due) if (this.deadlines.delete(item)) this.ring(item);
  };

  private arm(left: number): void {
    this.timer = setTimeout(this.onTimer, Math.min(Math.ceil(left), LONGEST_TIMER)).unref();
  }

  private disarm(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
  }
}
