import type { Cast } from './delivery.js';
import type { Member } from './member.js';
import { BETWEEN_LOOKS, SLICE } from './slices.js';

/** A broadcast that not everybody has been given yet. */
interface Running<M> {
  readonly members: readonly Member<M>[];
  readonly item: Cast;
  next: number;
  /** Made when somebody has to be given it before his turn: those who have not been given it. */
  rest: Set<Member<M>> | undefined;
}

/**
 * Broadcasts on their way into the queues of many connections: so many at a time that the event loop is not held. Whoever
 * has something else for a connection gives it first what was broadcast before.
 */
export class CastQueue<M> {
  private readonly running: Running<M>[] = [];
  private steps = 0;
  /** When this turn has been held long enough; known from the first look at the clock on. */
  private end: number | undefined = undefined;

  /** Some have not been given all. */
  get isBusy(): boolean {
    return this.running.length > 0;
  }

  /** At once, as far as there is time. */
  add(members: readonly Member<M>[], item: Cast): void {
    this.running.push({ members, item, next: 0, rest: undefined });
    if (this.running.length === 1) this.run();
  }

  /** Gives a connection what it has not been given yet. */
  catchUp(member: Member<M>): void {
    for (const cast of this.running) {
      cast.rest ??= new Set(cast.members.slice(cast.next));
      if (cast.rest.delete(member)) member.outbox.offer(cast.item);
    }
  }

  private readonly onTurn = (): void => {
    this.end = undefined;
    if (!this.isBusy) return;
    this.beginTurn(performance.now());
    this.run();
  };

  private beginTurn(now: number): void {
    this.end = now + SLICE;
    setImmediate(this.onTurn);
  }

  private run(): void {
    for (let [cast] = this.running; cast !== undefined; [cast] = this.running) {
      const { members, item } = cast;
      while (cast.next < members.length) {
        if (this.isOver()) return;
        const member = members[cast.next] as Member<M>;
        cast.next += 1;
        if (cast.rest === undefined || cast.rest.delete(member)) member.outbox.offer(item);
      }
      this.running.shift();
    }
  }

  /** Looking at the clock is not free. Who has to stop is called again in the next turn. */
  private isOver(): boolean {
    this.steps += 1;
    if (this.steps % BETWEEN_LOOKS !== 0) return false;
    const now = performance.now();
    if (this.end !== undefined) return now > this.end;
    this.beginTurn(now);
    return false;
  }
}
