import type { CloseReason, Lease, PoolEvent, PoolStats } from 'nestjs-conn-pool/core';
import { Judge, type Occasions } from './judge.js';
import type { Acquiring, Call, Conn, Held } from './records.js';
import { Reference } from './reference.js';

const OPTIONS = {
  max: 2,
  min: 1,
  dialConcurrency: 1,
  maxWaiting: 1,
  idleTimeout: 150,
  maxLifetime: 300,
  heartbeatInterval: 200,
  maxUses: 3,
  leakThreshold: 100,
  dialTimeout: 100,
  heartbeatTimeout: 60,
  resetTimeout: 60,
  closeTimeout: 60,
  dialBackoff: { initial: 10, max: 80 },
};
const METHODS = { heartbeat: true, reset: false, isAlive: false, watch: false };
export const NO_CLOSES = Object.fromEntries(
  ['idle-timeout', 'max-lifetime', 'lost', 'surplus', 'pool-closed'].map((reason) => [reason, 0]),
);

/** What the reference is told, as a pool's doings would tell it. */
export class Tale {
  time = 1000;
  readonly seen = new Reference(OPTIONS, METHODS, () => this.time);
  readonly judge = new Judge(this.seen);
  private lastId = 0;

  constructor() {
    this.seen.nextStep();
    this.seen.notes.ceiling = 2;
  }

  dial(generation = this.seen.generation): Call {
    const call = this.seen.begin('dial', undefined, new AbortController().signal);
    return Object.assign(call, { generation });
  }

  /** One that has been dialled, has answered its first heartbeat, and is idle. */
  idle(dial = this.dial()): Conn {
    const conn = this.seen.answered(dial, 'well') as Conn;
    const beat = this.check(conn);
    this.seen.answered(beat, 'well');
    return conn;
  }

  check(conn: Conn): Call {
    const beat = this.seen.begin('heartbeat', conn, new AbortController().signal);
    this.seen.notes.heartbeats.push(beat);
    return beat;
  }

  close(conn: Conn, reason: CloseReason = 'lost'): void {
    conn.closes += 1;
    conn.reason = reason;
    this.seen.begin('close', conn);
    this.judge.at('close', { conn, reason });
  }

  lease(conn: Conn, reused = true): Held {
    const lease = { conn, reused, id: (this.lastId += 1), active: true } as unknown as Lease<Conn>;
    return { lease, conn, takenAt: this.time, leaked: false, ended: false };
  }

  /** Lends it without a judge. */
  lend(conn: Conn): Held {
    const held = this.lease(conn);
    this.seen.took(held);
    this.seen.notes.bins.granted += 1;
    this.seen.notes.tries += 1;
    return held;
  }

  grant(conn: Conn, by?: Acquiring, reused = true): void {
    this.judge.at('grant', { held: this.lease(conn, reused), by });
  }

  waiter(how: Partial<Acquiring> = {}): Acquiring {
    const { acquires, step } = this.seen;
    const one: Acquiring = {
      ...{ seq: acquires.length, step, priority: 0, fresh: false, deadline: Infinity, signal: undefined },
      ...{ dialsBefore: 0, ahead: 0, most: 1, using: false, waited: true, state: 'pending' },
      ...how,
    };
    acquires.push(one);
    return one;
  }

  refuse(by: Acquiring, code: string, cause?: unknown): void {
    this.judge.at('refusal', { by, error: Object.assign(new Error(code), { code, cause }) });
  }

  stats(other: Partial<PoolStats> = {}): PoolStats {
    const { max, min, maxIdle, state, conns, notes, dials } = this.seen;
    const born = conns.filter((conn) => this.seen.isBorn(conn)).length;
    const totals = {
      ...{ acquired: notes.bins.granted, timeouts: 0, aborted: 0, refused: 0, reused: 0, leaks: 0, lost: 0 },
      ...{ dialed: born, dialFailures: dials.filter(({ answer }) => answer === 'badly').length },
      ...{ heartbeats: notes.heartbeats.length, heartbeatFailures: 0, detached: 0, closed: NO_CLOSES },
    };
    notes.dialedEvents = born;
    return {
      name: 'default',
      state,
      max,
      min,
      maxIdle,
      ...this.seen.counts(),
      totals,
      ...other,
    } as PoolStats;
  }

  step(other: Partial<PoolStats> = {}, more: Partial<Occasions['step']> = {}): void {
    this.seen.inStep = false;
    this.seen.ranTo = this.time;
    const stats = this.stats(other);
    const states = (['idle', 'leased', 'dialing', 'checking', 'closing'] as const).flatMap((state) =>
      Array.from({ length: this.seen.counts()[state] }, () => ({ id: 0, state, age: 0, idle: 0, uses: 0 })),
    );
    this.judge.at('instant', { stats });
    this.judge.at('step', { stats, rows: states, refs: 0, awaited: false, ...more });
  }

  closed(other: Partial<PoolStats> = {}, more: Partial<Occasions['closed']> = {}): void {
    const end = { timers: 0, listeners: 0, unsettled: [], reports: [], ...more };
    this.judge.at('closed', { stats: this.stats({ state: 'closed', size: 0, ...other }), ...end });
  }

  event(event: object): void {
    this.judge.at('event', { event: event as PoolEvent, stats: this.stats() });
  }
}

/** By the invariant: what must not happen. */
export type Tales = Readonly<Record<string, readonly ((tale: Tale) => void)[]>>;
