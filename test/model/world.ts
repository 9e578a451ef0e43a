import { ConnPool, type PoolEvent } from 'nestjs-conn-pool/core';
import type { Act, Schedule } from './acts.js';
import { HostileConnector } from './hostile-connector.js';
import { Judge } from './judge.js';
import { CLOSING_GRACE } from './liveness.js';
import { PeepingClock } from './peeping-clock.js';
import type { Conn } from './records.js';
import { Reference } from './reference.js';
import { Users } from './users.js';

/** Of a run, on its clock; no duration in it comes near. */
export const BEGINNING = 1_000_000;
/** How many acts from inside callbacks one run may do, and how deep they may nest. */
const MOST_INNER = 40;
const DEEPEST = 3;
/** Of the end. */
const MOST_ROUNDS = 400;

/** One pool, its connector and its users: what the schedule says happens, and the reference and the judge are told. */
export class World {
  readonly clock = new PeepingClock(BEGINNING);
  readonly pool: ConnPool<Conn>;
  readonly seen: Reference;
  readonly judge: Judge;
  readonly connector: HostileConnector;
  readonly users: Users;
  private readonly turn = { call: 0, listener: 0 };
  private inner = 0;
  private stalled = false;
  private slack = 0;
  /** How deep in callbacks of the pool. */
  depth = 0;

  constructor(readonly schedule: Schedule) {
    const { clock } = this;
    this.seen = new Reference(schedule.options, schedule.methods, () => clock.now());
    this.judge = new Judge(this.seen);
    this.connector = new HostileConnector(this);
    this.pool = new ConnPool<Conn>(this.connector.connector, { clock, ...schedule.options });
    this.users = new Users(this);
    const { notes, max, min } = this.seen;
    notes.nested = schedule.inCalls.length + schedule.inListeners.length > 0;
    notes.ceiling = max;
    notes.highestMin = min;
    this.pool.events$.subscribe((event) => this.heard(event));
  }

  get wrongs(): readonly string[] {
    return this.judge.wrongs;
  }

  /** Does one act, lets everything happen that needs no time, and has the whole judged. */
  async take(act: Act): Promise<void> {
    await this.perform(act);
    this.look();
  }

  /** Does one act, and lets everything happen that needs no time. */
  async perform(act: Act): Promise<void> {
    const { seen, clock, users } = this;
    seen.nextStep();
    if (act.do === 'stall') {
      // Between two turns: the pool knows of the time when it next asks for it.
      await this.rest();
      this.stalled = true;
      return clock.stall(act.ms);
    }
    if (act.do === 'advance') await clock.advance(act.ms);
    else {
      if (act.do === 'together') await this.together(act.acts, act.gap);
      else users.do(act);
    }
    await this.rest();
  }

  /** Lets everything happen that needs no time. After a stall that takes a tick: what is late is armed anew. */
  private async rest(): Promise<void> {
    const { clock, seen } = this;
    await clock.settle();
    while (this.stalled || seen.notes.slack > this.slack) {
      this.stalled = false;
      this.slack = seen.notes.slack;
      await clock.advance(1);
    }
    seen.ranTo = clock.now();
  }

  private async together(acts: readonly Act[], gap: number): Promise<void> {
    this.seen.notes.happened.add('together');
    for (const act of acts) {
      this.users.do(act);
      for (let tick = 0; tick < gap; tick += 1) await undefined;
    }
  }

  look(): void {
    const { pool, seen, clock, judge, users } = this;
    seen.inStep = false;
    const stats = pool.stats();
    judge.at('instant', { stats });
    judge.at('step', { stats, rows: pool.inspect(), refs: clock.refs, awaited: users.unsettled.length > 0 });
    seen.notes.ceiling = Math.max(stats.max, stats.size);
  }

  /**
   * Everything goes well from now on; then nobody may be left waiting, and in the end nothing may be left.
   *
   * @param leastRounds - of 40 ms each: long enough for every timeout and back-off
   */
  async end(leastRounds = 8): Promise<void> {
    const { connector, seen, users, judge, pool } = this;
    connector.heal();
    await this.take({ do: 'resume' });
    for (let round = 0; round < MOST_ROUNDS; round += 1) {
      users.releaseAll();
      await this.take({ do: 'advance', ms: 40 });
      // Longer only for those who are being served one by one.
      if (round >= leastRounds && seen.waiting.length + seen.those('leased').length === 0) break;
    }
    judge.at('quiet', { stats: pool.stats(), unsettled: users.unsettled });
    await this.close();
  }

  private async close(): Promise<void> {
    const { clock, judge, seen, pool, users } = this;
    await this.take({ do: 'close', ms: 20 });
    await this.take({ do: 'advance', ms: 20 + Number(seen.options.closeTimeout) + CLOSING_GRACE });
    for (let n = 0; n < seen.leases.length; n += 1) users.do({ do: 'misuse', n });
    await this.take({ do: 'advance', ms: 500 });
    const { unsettled, reports, listeners } = users;
    judge.at('closed', { stats: pool.stats(), unsettled, reports, listeners, timers: clock.pending });
  }

  /** Rejections that nobody has handled. */
  heardOf(unhandled: unknown[]): void {
    for (const error of unhandled.splice(0))
      this.judge.at('thrown', { what: 'unhandled', error, inside: false });
  }

  /** The pool is called from within what it calls. */
  within(where: 'call' | 'listener' | 'event'): void {
    const { schedule, connector, users, turn } = this;
    const kind = where === 'call' ? 'call' : 'listener';
    const acts = kind === 'call' ? schedule.inCalls : schedule.inListeners;
    if (acts.length === 0 || connector.healed || this.depth >= DEEPEST || this.inner >= MOST_INNER) return;
    const act = acts[turn[kind]++ % acts.length];
    if (act === undefined) return;
    if (act.do === 'throw') {
      if (where === 'event') throw new Error('a listener threw');
      return;
    }
    this.inner += 1;
    this.depth += 1;
    users.do(act);
    this.depth -= 1;
  }

  private heard(event: PoolEvent): void {
    const { judge, seen, pool, clock } = this;
    const { notes } = seen;
    const stats = pool.stats();
    judge.at('instant', { stats });
    judge.at('event', { event, stats });
    switch (event.type) {
      case 'dialed':
        notes.dialedEvents += 1;
        break;
      case 'dial-failed':
        notes.happened.add('dialFailed');
        this.seen.failed();
        notes.troubledAt = notes.failedAt = clock.now();
        notes.retryAt = clock.now() + event.retryInMs;
        break;
      case 'heartbeat-failed':
      case 'reset-failed':
        notes.happened.add('checkFailed');
        break;
      case 'leak':
        seen.leaked(event.id);
        break;
    }
    this.within('event');
  }
}
