/** A timer that can be told whether it holds the process open. */
export interface ClockTimer {
  ref(): unknown;
  unref(): unknown;
}

/** The engine's only door to time. Replace it in tests: see `FakeClock` in `nestjs-conn-pool/testing`. */
export interface PoolClock {
  /** Milliseconds on a clock that never goes back. */
  now(): number;
  setTimeout(callback: () => void, ms: number): ClockTimer;
  clearTimeout(timer: ClockTimer): void;
  /** Calls back once the present turn of the event loop is over. */
  afterTurn(callback: () => void): void;
}

/** The machine's monotonic clock and Node's timers. */
export const systemClock: PoolClock = {
  now: () => performance.now(),
  setTimeout: (callback, ms) => setTimeout(callback, ms),
  clearTimeout: (timer) => clearTimeout(timer as NodeJS.Timeout),
  afterTurn: (callback) => void setImmediate(callback),
};

/** A turn that lasts longer has been held up by somebody's computing. */
const LONG_TURN = 5;

/**
 * One reading of the clock for a whole turn of the event loop. The pool stamps every hand-out and every return, and a
 * clock read on each would cost as much as the rest of the acquire; all that happens in one turn happens at one time.
 */
export class TurnClock {
  private value = 0;
  private beganAt = 0;
  private fresh = false;
  private readonly expire = (): void => {
    this.fresh = false;
    const now = this.clock.now();
    if (now - this.beganAt > LONG_TURN) this.onLongTurn(this.beganAt, now);
  };

  constructor(
    private readonly clock: PoolClock,
    private readonly onLongTurn: (beganAt: number, now: number) => void,
    private readonly onTurn: () => void = () => undefined,
  ) {}

  now(): number {
    return this.fresh ? this.value : this.read();
  }

  /** The true time, also when much of this turn has passed already. */
  read(): number {
    this.value = this.clock.now();
    if (!this.fresh) {
      this.fresh = true;
      this.beganAt = this.value;
      this.clock.afterTurn(this.expire);
      this.onTurn();
    }
    return this.value;
  }
}
