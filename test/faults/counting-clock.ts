import { type ClockTimer, type PoolClock, systemClock } from 'nestjs-conn-pool/core';

/** The system's clock, which knows what time it has told last and which of its timers stand, unref'ed ones included. */
export class CountingClock implements PoolClock {
  /** What a pool that uses this clock takes for the present, until it reads it again. */
  told = 0;
  private readonly standing = new Set<ClockTimer>();

  get timers(): number {
    return this.standing.size;
  }

  now(): number {
    return (this.told = systemClock.now());
  }

  setTimeout(callback: () => void, ms: number): ClockTimer {
    const timer = systemClock.setTimeout(() => {
      this.standing.delete(timer);
      callback();
    }, ms);
    this.standing.add(timer);
    return timer;
  }

  clearTimeout(timer: ClockTimer): void {
    this.standing.delete(timer);
    systemClock.clearTimeout(timer);
  }

  afterTurn(callback: () => void): void {
    systemClock.afterTurn(callback);
  }
}
