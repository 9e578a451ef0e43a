import { AsyncResource } from 'node:async_hooks';
import { Alarm } from './alarm.js';
import { type PoolClock, TurnClock } from './clock.js';
import { Arrivals } from './wait-queue.js';

/** What a pool runs on: its time, its async context, its numbers. All the pools of a `KeyedConnPool` run on one. */
export class Runtime {
  readonly context = new AsyncResource('ConnPool');
  readonly turn: TurnClock;
  readonly alarm: Alarm;
  readonly arrivals = new Arrivals();
  private lastId = 0;

  /**
   * @param onLongTurn - a turn of the event loop has lasted long: when it began, and when it ended
   * @param onTurn - the first who asks for the time in a turn of the event loop is about to be told
   */
  constructor(
    readonly clock: PoolClock,
    onLongTurn: (beganAt: number, now: number) => void,
    onTurn?: () => void,
  ) {
    this.turn = new TurnClock(clock, onLongTurn, onTurn);
    this.alarm = new Alarm(clock, this.turn, this.context);
  }

  /** The next connection's. */
  nextId(): number {
    return (this.lastId += 1);
  }
}
