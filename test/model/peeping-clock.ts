import { FakeClock } from 'nestjs-conn-pool/testing';

/** A clock that can be asked for its next timer. */
export class PeepingClock extends FakeClock {
  private readonly dues = new Map<object, number>();

  override setTimeout(callback: () => void, ms: number): ReturnType<FakeClock['setTimeout']> {
    const timer = super.setTimeout(() => {
      this.dues.delete(timer);
      callback();
    }, ms);
    this.dues.set(timer, this.now() + Math.max(1, Math.trunc(ms)));
    return timer;
  }

  override clearTimeout(timer: object): void {
    this.dues.delete(timer);
    super.clearTimeout(timer as ReturnType<FakeClock['setTimeout']>);
  }

  /** How long until then, in milliseconds. */
  get untilNext(): number | undefined {
    return this.dues.size === 0 ? undefined : Math.max(0, Math.min(...this.dues.values()) - this.now());
  }
}
