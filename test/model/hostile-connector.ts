import type { CloseReason, Connector } from 'nestjs-conn-pool/core';
import type { Answer, Omen } from './acts.js';
import type { Call, Conn } from './records.js';
import type { Surroundings } from './surroundings.js';

/** More calls than this in one instant: something starts itself again and again. */
const MOST_CALLS = 3000;
const SLOW = 7;
/** After every timeout. */
const LATE = 130;

/** A call that answers when an act says so. */
export interface HeldCall {
  readonly call: Call;
  settle(well: boolean): void;
}

/**
 * A connector whose every call goes as the schedule says: well, badly, late or never, at once or in its time. It tells
 * the reference of each call and each answer, and the judge of each connection it is handed.
 */
export class HostileConnector {
  readonly held: HeldCall[] = [];
  outage = false;
  healed = false;
  private readonly turn = { answer: 0, omen: 0 };
  private callsNow = 0;
  private calledAt = NaN;

  constructor(private readonly world: Surroundings) {}

  get connector(): Connector<Conn> {
    const { heartbeat, reset, isAlive, watch } = this.world.schedule.methods;
    return {
      dial: ({ signal }) => this.dial(signal),
      close: (conn, { reason }) => this.close(conn, reason),
      isPermanent: (error) => this.isPermanent(error),
      isFatal: () => this.isFatal(),
      ...(heartbeat && { heartbeat: (conn, { signal }) => this.check('heartbeat', conn, signal) }),
      ...(reset && { reset: (conn, { signal }) => this.check('reset', conn, signal) as Promise<void> }),
      ...(isAlive && { isAlive: (conn) => this.isAlive(conn) }),
      ...(watch && { watch: (conn, lost) => this.watch(conn, lost) }),
    } as Connector<Conn>;
  }

  /** Everything goes well from now on. */
  heal(): void {
    this.healed = true;
    this.outage = false;
    while (this.held[0] !== undefined) this.held[0].settle(true);
  }

  /** @param loud - the pool is told */
  kill(conn: Conn | undefined, loud: boolean): void {
    if (conn === undefined) return;
    conn.dead = true;
    if (loud) this.lose(conn, this.error('killed'));
  }

  private lose(conn: Conn, cause: Error): void {
    conn.dead = true;
    if (conn.lose === undefined) return;
    this.doomed(conn);
    conn.lose(cause);
    if (conn.lost && (conn.watching || !this.world.seen.isBorn(conn))) conn.stillborn = true;
  }

  private dial(signal: AbortSignal): Conn | Promise<Conn> {
    const { seen, judge } = this.world;
    const call = seen.begin('dial', undefined, signal);
    judge.at('dial', call);
    signal.addEventListener('abort', () => this.world.within('listener'));
    return this.answer(call) as Conn | Promise<Conn>;
  }

  private close(conn: Conn, reason: CloseReason): Promise<void> {
    const { seen, judge } = this.world;
    conn.closes += 1;
    conn.reason = reason;
    if (reason === 'lost') conn.perhaps = false;
    conn.dead = true;
    if (conn.watching) conn.stillborn = true;
    // By force: the lease has ended before its connection is closed.
    if (reason === 'forced' && conn.held?.lease.active === false) seen.gaveBack(conn.held);
    const call = seen.begin('close', conn);
    seen.notes.happened.add('ended').add('close');
    judge.at('close', { conn, reason });
    return this.answer(call) as Promise<void>;
  }

  private check(what: 'heartbeat' | 'reset', conn: Conn, signal: AbortSignal): unknown {
    const { seen, schedule } = this.world;
    this.touched(conn, what);
    conn.key += 1;
    const call = seen.begin(what, conn, signal);
    if (what === 'heartbeat') seen.notes.heartbeats.push(call);
    signal.addEventListener('abort', () => {
      if (call.answer === 'open') seen.notes.happened.add('checkFailed');
      // What is being destroyed says so at once; to the pool it is no news.
      if (schedule.inListeners.length > 0) conn.lose?.(this.error('destroyed'));
      this.world.within('listener');
    });
    return this.answer(call);
  }

  private isAlive(conn: Conn): boolean {
    this.called();
    this.touched(conn, 'isAlive');
    const omen = this.omen();
    this.world.within('call');
    if (omen === 'fine' && !conn.dead) return true;
    const cause = omen === 'throws' ? this.error('isAlive threw') : undefined;
    conn.dead = true;
    this.doomed(conn);
    if (cause !== undefined) throw cause;
    return false;
  }

  private watch(conn: Conn, lost: (cause?: unknown) => void): () => void {
    this.touched(conn, 'watch');
    conn.lose = lost;
    conn.watching = true;
    this.world.within('call');
    const omen = this.omen();
    if (omen === 'dead') this.lose(conn, this.error('stillborn'));
    if (omen === 'throws' && conn.closing === undefined) {
      conn.watchThrew = conn.stillborn = true;
      conn.lose = undefined;
      throw this.error('watch threw');
    }
    conn.watching = false;
    const parting = this.omen();
    return () => {
      conn.lose = undefined;
      if (parting === 'throws') throw this.error('unwatch threw');
    };
  }

  private isPermanent(error: unknown): boolean {
    const { seen } = this.world;
    this.world.within('call');
    if (this.omen() === 'throws') throw this.error('isPermanent threw');
    const permanent = (error as Error).message === 'permanent';
    if (permanent && !seen.hasLiving) seen.notes.hopelessBefore = seen.acquires.length - 1;
    return permanent;
  }

  private isFatal(): boolean {
    this.world.within('call');
    const omen = this.omen();
    if (omen === 'throws') throw this.error('isFatal threw');
    return omen === 'fine';
  }

  private touched(conn: Conn, what: 'heartbeat' | 'reset' | 'isAlive' | 'watch'): void {
    conn.touched = true;
    this.world.judge.at('touch', { conn, what });
  }

  /** The pool learns of its death. */
  private doomed(conn: Conn): void {
    const { seen } = this.world;
    const standing = seen.standing(conn);
    if (standing === 'gone' || standing === 'closing' || conn.lost) return;
    conn.lost = true;
    conn.lostIn = seen.step;
    conn.perhaps = this.world.depth > 0;
    seen.notes.troubledAt = seen.notes.suspectAt = seen.now();
    seen.notes.suspectIn = seen.step;
    seen.notes.happened.add('ended');
  }

  private answer(call: Call): unknown {
    this.called();
    if (this.callsNow > MOST_CALLS) return new Promise(() => undefined);
    this.world.within('call');
    const { clock } = this.world;
    // Its time counts from when it has returned.
    call.begunAt = clock.now();
    const settle = (well: boolean, message = 'failed'): Conn | undefined => {
      const dead = call.kind !== 'close' && call.conn?.dead === true;
      const made = this.world.seen.answered(call, well && !dead ? 'well' : 'badly');
      if (well && !dead) return made;
      throw this.failure(call, message);
    };
    const later = (ms: number, well: boolean): Promise<unknown> =>
      new Promise((resolve, reject) => {
        const answer = (): void => promised(() => settle(well), resolve, reject);
        void clock.setTimeout(answer, ms).unref();
      });
    if (this.outage) return Promise.resolve().then(() => settle(false, 'outage'));
    switch (this.next()) {
      case 'at once':
        return settle(true);
      case 'soon':
        return Promise.resolve().then(() => settle(true));
      case 'slow':
        return later(SLOW, true);
      case 'late':
        return later(LATE, true);
      case 'never':
        return new Promise(() => undefined);
      case 'fails':
        return Promise.resolve().then(() => settle(false));
      case 'fails slowly':
        return later(SLOW, false);
      case 'throws':
        return settle(false, 'threw');
      case 'permanent':
        return Promise.resolve().then(() => settle(false, 'permanent'));
      case 'twice':
        return twice(() => settle(true));
      case 'held':
        return this.hold(call, settle);
    }
  }

  private hold(call: Call, settle: (well: boolean) => unknown): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const held: HeldCall = {
        call,
        settle: (well) => {
          this.held.splice(this.held.indexOf(held), 1);
          promised(() => settle(well), resolve, reject);
        },
      };
      this.held.push(held);
    });
  }

  private failure(call: Call, message: string): Error {
    const { notes } = this.world.seen;
    if (call.kind === 'dial') notes.troubledAt = this.world.clock.now();
    if (call.kind === 'heartbeat' || call.kind === 'reset') notes.happened.add('checkFailed');
    return this.error(message);
  }

  private error(message: string): Error {
    const error = new Error(message);
    this.world.seen.notes.errors.add(error);
    return error;
  }

  private called(): void {
    const { clock, judge } = this.world;
    if (clock.now() !== this.calledAt) this.callsNow = 0;
    this.calledAt = clock.now();
    if ((this.callsNow += 1) !== MOST_CALLS) return;
    const error = new Error(`${MOST_CALLS} calls of the connector in one instant`);
    judge.at('thrown', { what: 'without end', error, inside: false });
  }

  private next(): Answer {
    const { answers } = this.world.schedule;
    return this.healed ? 'soon' : (answers[this.turn.answer++ % answers.length] as Answer);
  }

  private omen(): Omen {
    const { omens } = this.world.schedule;
    return this.healed ? 'fine' : (omens[this.turn.omen++ % omens.length] ?? 'fine');
  }
}

function promised(
  value: () => unknown,
  resolve: (value: unknown) => void,
  reject: (error: unknown) => void,
): void {
  let result: unknown;
  try {
    result = value();
  } catch (error) {
    return reject(error);
  }
  resolve(result);
}

/** A thenable of no known make. */
function twice(settle: () => unknown): unknown {
  return {
    then: (done: (value: unknown) => unknown, failed: (error: unknown) => unknown): void => {
      const doneTwice = (value: unknown): void => {
        done(value);
        done(value);
      };
      queueMicrotask(() => {
        promised(settle, doneTwice, failed);
        failed(new Error('after it had answered'));
      });
    },
  };
}
