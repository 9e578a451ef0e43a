import type { CloseReason, ConnInfo, PoolEvent, PoolStats } from 'nestjs-conn-pool/core';
import { accounting } from './accounting.js';
import { liveness } from './liveness.js';
import type { Acquiring, Call, Conn, Held } from './records.js';
import type { Reference } from './reference.js';
import { safety } from './safety.js';

/** At what an invariant may be seen to be broken. */
export interface Occasions {
  /** An act is done, and all that follows from it without the passing of time. */
  step: { stats: PoolStats; rows: readonly ConnInfo[]; refs: number; awaited: boolean };
  /** Any instant, also inside a callback. */
  instant: { stats: PoolStats };
  /** A dial begins. */
  dial: Call;
  /** A connection is handed to its connector, to be closed or for something else. */
  close: { conn: Conn; reason: CloseReason };
  touch: { conn: Conn; what: 'heartbeat' | 'reset' | 'isAlive' | 'watch' };
  /** An acquire gives a lease; `tryAcquire` and `use` do so, too. */
  grant: { held: Held; by: Acquiring | undefined };
  /** An acquire has come to wait. */
  queued: Acquiring;
  /** An acquire is turned away. */
  refusal: { by: Acquiring; error: unknown };
  /** The pool has been told to close, and this one waited when it was told. */
  told: Acquiring;
  event: { event: PoolEvent; stats: PoolStats };
  /** Everything was called on a lease that had ended. */
  misuse: { before: string; after: string };
  /** A call of the pool threw, a promise was rejected with what it may not be, or nobody heard a rejection. */
  thrown: { what: string; error: unknown; inside: boolean };
  /** Everything goes well for long enough: nothing more will happen by itself. */
  quiet: { stats: PoolStats; unsettled: readonly string[] };
  /** The pool was told to close, and all its time for that is over. */
  closed: {
    stats: PoolStats;
    unsettled: readonly string[];
    timers: number;
    listeners: number;
    reports: readonly unknown[];
  };
}

/** One invariant: on which occasions it can be seen to be broken, and what is wrong then. */
export type Check = {
  readonly [On in keyof Occasions]?: (seen: Reference, at: Occasions[On]) => string | false | undefined;
};

/** By the invariant's name. */
export type Checks = Readonly<Record<string, Check>>;

export const CHECKS: Checks = { ...safety, ...liveness, ...accounting };

/** Who has something to say on which occasion. */
const ASKED: Record<string, [string, Check][] | undefined> = {};
for (const [name, check] of Object.entries(CHECKS)) {
  for (const occasion of Object.keys(check)) (ASKED[occasion] ??= []).push([name, check]);
}

/** Asks every invariant on every occasion, and writes down what was wrong. */
export class Judge {
  readonly wrongs: string[] = [];

  constructor(private readonly seen: Reference) {}

  at<On extends keyof Occasions>(occasion: On, what: Occasions[On]): void {
    for (const [name, check] of ASKED[occasion] ?? []) {
      const wrong = check[occasion]?.(this.seen, what);
      if (typeof wrong === 'string' && this.wrongs.length < 20) {
        this.wrongs.push(`${name} in step ${this.seen.step}: ${wrong}`);
      }
    }
  }
}
