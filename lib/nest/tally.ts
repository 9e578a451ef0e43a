import type { ClockTimer, PoolClock } from '../core/index.js';

/** `'quiet'`: nothing for a second; `'gathering'`: before a line; `'holding'`: less than a second after one. */
type Phase = 'quiet' | 'gathering' | 'holding';

const SECOND = 1000;

/**
 * Counts things of one kind that may come by the thousand and writes at most one line a second about them. None is
 * passed over: what one line leaves out is in the next, at the end of the second at the latest.
 */
export class Tally<Thing> {
  private phase: Phase = 'quiet';
  private count = 0;
  private latest: Thing | undefined;
  private timer: ClockTimer | undefined;

  /**
   * @param write - writes one line about so many things, of which this is the last
   * @param gather - milliseconds to wait before a first line, for things that seldom come alone; default none
   */
  constructor(
    private readonly clock: PoolClock,
    private readonly write: (count: number, latest: Thing) => void,
    private readonly gather = 0,
  ) {}

  add(thing: Thing): void {
    this.count += 1;
    this.latest = thing;
    if (this.phase !== 'quiet') return;
    if (this.gather === 0) return this.tell();
    this.phase = 'gathering';
    this.arm(this.gather);
  }

  /** Ends the gathering: the line comes now. */
  hasten(): void {
    if (this.phase === 'gathering') this.tell();
  }

  /** Forgets what it holds back. */
  forget(): void {
    this.count = 0;
    this.latest = undefined;
  }

  /** Forgets also when the last line was: the next thing is told at once. */
  restart(): void {
    this.forget();
    this.disarm();
    this.phase = 'quiet';
  }

  /** Writes what it holds back and stops. */
  finish(): void {
    if (this.count > 0) this.tell();
    this.restart();
  }

  private tell(): void {
    const { count, latest } = this;
    this.forget();
    this.phase = 'holding';
    this.arm(SECOND);
    this.write(count, latest as Thing);
  }

  private ring(): void {
    this.timer = undefined;
    if (this.count > 0) this.tell();
    else this.phase = 'quiet';
  }

  private arm(ms: number): void {
    this.disarm();
    this.timer = this.clock.setTimeout(() => this.ring(), ms);
    // A line is no reason for a process to stay.
    this.timer.unref();
  }

  private disarm(): void {
    if (this.timer !== undefined) this.clock.clearTimeout(this.timer);
    this.timer = undefined;
  }
}
