import { AsyncResource } from 'node:async_hooks';
import { setImmediate } from 'node:timers';
import type { ClockTimer, PoolClock } from '../core/clock.js';
import { type Duration, parseDuration } from '../core/duration.js';

/** Node's longest delay; it turns a longer one into 1 ms. */
const LONGEST_DELAY = 2 ** 31 - 1;
/** More turns than this without coming to rest: something starts itself again and again. */
const MOST_TURNS = 10_000;

/**
 * A clock that stands still until it is told to move: for tests that neither sleep nor depend on how fast they run.
 *
 * It keeps the habits of Node's timers that a pool can stumble over: a delay is cut to whole milliseconds, at least 1
 * (so a timer can come a fraction early); one above 2³¹-1 ms becomes 1 ms; a callback runs in the async context in which
 * it was armed.
 *
 * @example
 * const clock = new FakeClock();
 * const pool = new ConnPool(connector, { clock, idleTimeout: '2m' });
 * (await pool.acquire()).release();
 * await clock.advance('2m');
 * expect(pool.stats().idle).toBe(0);
 */
export class FakeClock implements PoolClock {
  private readonly timers: FakeTimer[] = [];
  private turnEnds: (() => void)[] = [];
  private time: number;
  private moving = false;
  private firedCount = 0;

  /** @param start - what `now()` shows at first, in milliseconds; default 0 */
  constructor(start = 0) {
    this.time = start;
  }

  /** Timers armed. */
  get pending(): number {
    return this.timers.length;
  }

  /** Armed timers that would hold a process open: those not unref'ed. */
  get refs(): number {
    return this.timers.filter((timer) => timer.holding).length;
  }

  /** Timers that have run so far; a pool at rest should need few. */
  get fired(): number {
    return this.firedCount;
  }

  now(): number {
    return this.time;
  }

  setTimeout(callback: () => void, ms: number): ClockTimer {
    const timer = new FakeTimer(this.time + asNodeTakesIt(ms), inThisContext('FakeTimer', callback));
    // Behind all that are due at the same time: ties go to the one armed first.
    const later = this.timers.findIndex(({ due }) => due > timer.due);
    this.timers.splice(later < 0 ? this.timers.length : later, 0, timer);
    return timer;
  }

  clearTimeout(timer: ClockTimer): void {
    const at = this.timers.indexOf(timer as FakeTimer);
    if (at >= 0) this.timers.splice(at, 1);
  }

  afterTurn(callback: () => void): void {
    this.turnEnds.push(inThisContext('FakeTurnEnd', callback));
  }

  /**
   * Moves time on. The timers on the way fire one by one, each at its own time and in order; after each one everything
   * that promises, `nextTick` and `setImmediate` have to do is done. What a timer throws, `advance` rejects with.
   *
   * @param by - milliseconds, or a text such as `'2m'`
   */
  async advance(by: Duration): Promise<void> {
    const ms = parseDuration(by);
    if (ms === undefined || !(ms >= 0 && ms < Infinity))
      throw new RangeError(`cannot advance by ${String(by)}`);
    await this.move(this.time + ms);
  }

  /** Lets everything that needs no time happen: promises, ends of turns, timers that are due already. */
  async settle(): Promise<void> {
    await this.move(this.time);
  }

  /**
   * The event loop stands still: time passes, but no timer runs. They run, late, at the next `advance` or `settle`.
   *
   * @param by - milliseconds, or a text such as `'10s'`
   */
  stall(by: Duration): void {
    const ms = parseDuration(by);
    if (ms === undefined || !(ms >= 0 && ms < Infinity))
      throw new RangeError(`cannot stall for ${String(by)}`);
    this.time += ms;
  }

  private async move(target: number): Promise<void> {
    if (this.moving) throw new Error('the clock is moving already: await each advance() and settle()');
    this.moving = true;
    try {
      await this.endTurn();
      for (let next = this.next(target); next !== undefined; next = this.next(target)) {
        this.time = Math.max(this.time, next.due);
        this.firedCount++;
        next.callback();
        await this.endTurn();
      }
      this.time = Math.max(this.time, target);
    } finally {
      this.moving = false;
    }
  }

  private next(target: number): FakeTimer | undefined {
    // A stall inside a callback may have carried time beyond the target.
    return this.timers[0] !== undefined && this.timers[0].due <= Math.max(this.time, target)
      ? this.timers.shift()
      : undefined;
  }

  private async endTurn(): Promise<void> {
    for (let turns = 0; turns < MOST_TURNS; turns++) {
      await realTurn();
      if (this.turnEnds.length === 0) return;
      const callbacks = this.turnEnds;
      this.turnEnds = [];
      for (const callback of callbacks) callback();
    }
    throw new Error(
      `no rest after ${MOST_TURNS} turns: an afterTurn() callback keeps asking for another turn`,
    );
  }
}

class FakeTimer implements ClockTimer {
  holding = true;

  constructor(
    readonly due: number,
    readonly callback: () => void,
  ) {}

  ref(): this {
    this.holding = true;
    return this;
  }

  unref(): this {
    this.holding = false;
    return this;
  }
}

function asNodeTakesIt(ms: number): number {
  return ms >= 1 && ms <= LONGEST_DELAY ? Math.trunc(ms) : 1;
}

function inThisContext(type: string, callback: () => void): () => void {
  const context = new AsyncResource(type);
  return () => context.runInAsyncScope(callback);
}

/** One real turn of the event loop: all microtasks and ticks run, however long their chains. */
function realTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
