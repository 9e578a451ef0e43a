import type { AsyncResource } from 'node:async_hooks';
import type { ClockTimer, PoolClock, TurnClock } from './clock.js';
import { LONGEST_TIMER } from './longest-timer.js';

/** Something that happens at a time unless it is called off: a deadline, a retry, a round of upkeep. */
export interface Appointment {
  /** On the pool's clock; meaningful while it stands in the alarm. */
  at: number;
  /** Its place in the alarm; -1 when it stands in none. Only the alarm writes it. */
  place: number;
  /** Called once, when the time has come; it stands in the alarm no more. */
  ring(now: number): void;
}

/** An appointment of somebody who has several. */
export class Errand<O> implements Appointment {
  at = NaN;
  place = -1;

  constructor(
    private readonly owner: O,
    private readonly act: (owner: O, now: number) => void,
  ) {}

  ring(now: number): void {
    this.act(this.owner, now);
  }
}

/** A timer later than this was held up by a busy event loop; what would have saved the waiters may be queued behind. */
const LATE = 20;

/**
 * All the appointments of one pool on one timer. The timer is armed for the earliest and left alone when that one is
 * called off: a pool under load makes and calls off thousands for each that rings, and each would re-arm.
 */
export class Alarm {
  private readonly heap: Appointment[] = [];
  private timer: ClockTimer | undefined;
  private armedFor = Infinity;
  private holders = 0;
  private closed = false;
  private readonly fire = (): void => this.onTimer();
  private readonly ringDue = (): void => this.ringAll();

  /** @param context - the pool's own: a timer armed in a caller's async context would keep that one alive */
  constructor(
    private readonly clock: PoolClock,
    private readonly turn: TurnClock,
    private readonly context: AsyncResource,
  ) {}

  /** Makes the appointment, or moves it. */
  set(appointment: Appointment, at: number): void {
    if (at === Infinity || this.closed) return this.cancel(appointment);
    if (appointment.place !== -1) this.cancel(appointment);
    appointment.at = at;
    this.rise(appointment, this.heap.length);
    if (at < this.armedFor) this.arm(at);
  }

  /** Calls it off; harmless when it does not stand. */
  cancel(appointment: Appointment): void {
    const { place } = appointment;
    if (place === -1) return;
    appointment.place = -1;
    const last = this.heap.pop() as Appointment;
    if (last === appointment) return;
    if (last.at < appointment.at) this.rise(last, place);
    else this.sink(last, place);
  }

  /** The process must stay up for the appointments that stand; `release` it as often. */
  hold(): void {
    this.holders += 1;
    if (this.holders === 1) void this.timer?.ref();
  }

  release(): void {
    this.holders -= 1;
    if (this.holders === 0) void this.timer?.unref();
  }

  /** Calls everything off, for good: what is set from now on never rings. */
  close(): void {
    this.closed = true;
    for (const appointment of this.heap) appointment.place = -1;
    this.heap.length = 0;
    this.disarm();
  }

  private arm(at: number): void {
    this.disarm();
    this.armedFor = at;
    const delay = Math.min(Math.max(Math.ceil(at - this.turn.read()), 0), LONGEST_TIMER);
    this.timer = this.context.runInAsyncScope(() => this.clock.setTimeout(this.fire, delay));
    if (this.holders === 0) void this.timer.unref();
  }

  private disarm(): void {
    if (this.timer !== undefined) this.clock.clearTimeout(this.timer);
    this.timer = undefined;
    this.armedFor = Infinity;
  }

  private onTimer(): void {
    const lateness = this.turn.read() - this.armedFor;
    this.timer = undefined;
    if (lateness > LATE) {
      this.context.runInAsyncScope(() => this.clock.afterTurn(this.ringDue));
      return;
    }
    this.ringAll();
  }

  private ringAll(): void {
    // Nothing arms meanwhile: what is set by those that ring is looked at below.
    this.armedFor = -Infinity;
    const now = this.turn.read();
    try {
      for (let first = this.heap[0]; first !== undefined && first.at <= now; first = this.heap[0]) {
        this.cancel(first);
        first.ring(now);
      }
    } finally {
      this.disarm();
      const next = this.heap[0];
      if (next !== undefined) this.arm(next.at);
    }
  }

  private rise(appointment: Appointment, from: number): void {
    let place = from;
    while (place > 0) {
      const above = (place - 1) >> 1;
      const parent = this.heap[above] as Appointment;
      if (parent.at <= appointment.at) break;
      this.seat(parent, place);
      place = above;
    }
    this.seat(appointment, place);
  }

  private sink(appointment: Appointment, from: number): void {
    const { heap } = this;
    let place = from;
    for (;;) {
      let below = 2 * place + 1;
      if (below >= heap.length) break;
      let child = heap[below] as Appointment;
      const other = heap[below + 1];
      if (other !== undefined && other.at < child.at) {
        child = other;
        below += 1;
      }
      if (child.at >= appointment.at) break;
      this.seat(child, place);
      place = below;
    }
    this.seat(appointment, place);
  }

  private seat(appointment: Appointment, place: number): void {
    this.heap[place] = appointment;
    appointment.place = place;
  }
}
