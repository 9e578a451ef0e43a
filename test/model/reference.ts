import type { PoolState } from 'nestjs-conn-pool/core';
import { Ledger } from './ledger.js';
import type { Acquiring, Call, Conn } from './records.js';

export type Counts = Record<
  'idle' | 'leased' | 'dialing' | 'checking' | 'closing' | 'size' | 'waiting',
  number
>;

/**
 * What must be so in a pool, by what has been seen of it, and without asking it: what exists and in which state, who
 * waits, and for whom nothing is on its way. It has no line, no timers, and takes no decisions.
 */
export class Reference extends Ledger {
  /** Somebody waits for its answer. */
  runs(call: Call | undefined): boolean {
    if (call?.answer !== 'open' || call.signal?.aborted === true) return false;
    // In the middle of a step its time may be over, and the signal not have told so yet.
    if (this.inStep) return this.now() < this.lastsUntil(call);
    return call.kind !== 'close' || this.ranTo < this.lastsUntil(call);
  }

  lastsUntil({ kind, begunAt }: Call): number {
    return begunAt + Number(this.options[`${kind}Timeout`]);
  }

  /** Made by a dial that had been given up; in the middle of the step, perhaps. */
  isLate({ dial, madeAt, touched }: Conn): boolean {
    if (this.inStep && !touched && dial.answeredIn === this.step && madeAt >= this.lastsUntil(dial))
      return true;
    return dial.signal?.aborted === true;
  }

  standing(conn: Conn): keyof Counts | 'gone' {
    if (conn.closing !== undefined) {
      return this.runs(conn.closing) && !this.isLate(conn) ? 'closing' : 'gone';
    }
    if (conn.detached || this.isLate(conn)) return 'gone';
    if (conn.held !== undefined) return 'leased';
    if (!this.isBorn(conn)) return 'dialing';
    return this.runs(conn.check) ? 'checking' : 'idle';
  }

  those(standing: keyof Counts): Conn[] {
    return this.conns.filter((conn) => this.standing(conn) === standing);
  }

  /** Dials that have made nothing yet. */
  get dialing(): Call[] {
    return this.dials.filter((call) => this.runs(call));
  }

  /** Made, but under the first heartbeat; unless the pool has given them up by now. */
  get beingProved(): Conn[] {
    return this.those('dialing').filter(({ first }) => first === undefined || this.runs(first));
  }

  get waiting(): Acquiring[] {
    return this.acquires.filter(({ state }) => state === 'pending');
  }

  counts(): Counts {
    const counts = { idle: 0, leased: 0, dialing: this.dialing.length, checking: 0, closing: 0, size: 0 };
    for (const conn of this.conns) {
      const standing = this.standing(conn);
      if (standing in counts) counts[standing as 'idle'] += 1;
    }
    const { idle, leased, dialing, checking, closing } = counts;
    return {
      ...counts,
      size: idle + leased + dialing + checking + closing,
      waiting: this.waiting.length,
    };
  }

  /** Something that may yet serve somebody. */
  get hasLiving(): boolean {
    const { generation } = this;
    return this.conns.some((conn) => {
      const standing = this.standing(conn);
      if (standing === 'idle') return true;
      return (
        (standing === 'leased' || standing === 'checking') &&
        !conn.lost &&
        conn.dial.generation === generation
      );
    });
  }

  /** A dial has failed: without a second attempt, another dial or a living connection there is no hope. */
  failed(): void {
    const { coming, hasLiving, dials, options, methods, waiting, notes, step } = this;
    const unsure = dials.some((call) => {
      if (call.answer === 'open') return !this.runs(call) && call.signal?.aborted !== true;
      return call.answer === 'well' && call.answeredIn === step;
    });
    const proved = this.those('dialing').length === this.beingProved.length;
    if (options.dialAttempts !== 1 || coming.dials > 0 || hasLiving || unsure || !proved) return;
    const wasFor = ({ dialsBefore, step: joined }: Acquiring): boolean =>
      // What `isAlive` ends may be dialled anew before somebody has joined the line.
      dialsBefore < dials.length && (!methods.isAlive || joined < Number(dials.at(-1)?.step));
    notes.hopeless.push(...waiting.filter(wasFor));
  }

  get state(): PoolState {
    if (this.over) return this.counts().size === 0 ? 'closed' : 'draining';
    return this.paused ? 'paused' : 'open';
  }

  /** How long the line may be when a step begins: those for whom there is a slot are not in excess. */
  get most(): number {
    const { exhausted, maxWaiting = Infinity } = this.options;
    this.inStep = false;
    const { leased, closing } = this.counts();
    this.inStep = true;
    const slots = exhausted === 'overflow' ? this.max : this.max - leased - closing;
    return slots + (exhausted === 'fail' ? 0 : Number(maxWaiting));
  }

  /** What is on its way to those who wait; an old generation is not. */
  get coming(): { dials: number; all: number } {
    const current = ({ generation }: Call): boolean => generation === this.generation;
    const made = this.beingProved.filter(({ dial }) => current(dial));
    const dials = this.dialing.filter(current).length + made.length;
    const checks = this.those('checking').filter(({ dial }) => current(dial));
    return { dials, all: dials + checks.length };
  }

  /** How many of those who wait have nothing coming; of those, how many would take a used connection. */
  get short(): { all: number; regular: number } {
    const { waiting } = this;
    const fresh = waiting.filter((one) => one.fresh).length;
    const { dials, all } = this.coming;
    const forFresh = Math.min(dials, fresh);
    const regular = Math.max(0, waiting.length - fresh - (all - forFresh));
    return { all: regular + fresh - forFresh, regular };
  }
}
