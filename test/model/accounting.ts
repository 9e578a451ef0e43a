import type { CloseReason } from 'nestjs-conn-pool/core';
import { presentAtMost } from './fitness.js';
import type { Checks } from './judge.js';
import type { Call, Conn } from './records.js';
import type { Reference } from './reference.js';
import { codeOf, named } from './words.js';

/** What must be counted, and how often. */
export const accounting: Checks = {
  M1: {
    step: (seen, { stats: { waiting, totals } }) => {
      if (waiting !== seen.waiting.length)
        return `${seen.waiting.length} acquires wait, the line has ${waiting}`;
      const { granted, timeouts, aborted, refused } = seen.notes.bins;
      return differing(totals, { acquired: granted, timeouts, aborted, refused });
    },
    closed: ({ notes, acquires }) => {
      const ended = Object.values(notes.bins).reduce((sum, count) => sum + count, 0) - notes.tries;
      return ended !== acquires.length && `${acquires.length} acquires, ${ended} outcomes`;
    },
  },
  M2: {
    close: (seen, { conn, reason }) =>
      !REASONS[reason](seen, conn) && `${named(conn)} is not closed for "${reason}"`,
    step: (seen, { stats: { totals, state } }) => {
      for (const [reason, count] of Object.entries(totals.closed)) {
        const all = seen.conns.filter((conn) => conn.reason === reason);
        const least = all.filter(({ closing }) => !seen.runs(closing)).length;
        // A close that hangs after the pool has closed is not waited for: nobody counts it.
        const unsure = state === 'closed' ? all.filter((conn) => seen.isLate(conn)).length : 0;
        if (count > least || count < least - unsure)
          return `totals.closed["${reason}"] is ${count}, but ${least} were`;
      }
      return false;
    },
  },
  M3: {
    step: (seen, { stats: { totals, state } }) => {
      const { conns, dials, notes } = seen;
      const first = new Set(conns.flatMap((conn) => conn.first ?? []));
      const beatsFailed = notes.heartbeats.filter(hasFailed);
      const dialed = conns.filter((conn) => seen.isBorn(conn) && !conn.stillborn).length;
      const stillborn = conns.filter((conn) => conn.stillborn && (conn.lost || conn.watchThrew));
      const dialFailures =
        dials.filter(hasFailed).length + beatsFailed.filter((call) => first.has(call)).length;
      const wrong =
        beyond(
          'lost',
          totals.lost,
          0,
          conns.filter(({ lost }) => lost),
        ) || beyond('dialFailures', totals.dialFailures, dialFailures, stillborn);
      if (wrong !== false) return wrong;
      if (totals.reused < notes.reused || totals.reused > notes.reused + notes.unseen)
        return `reused is ${totals.reused}, but ${notes.reused} by what is seen`;
      // Nobody is told of what was dialled last and closed with the pool.
      if (notes.dialedEvents !== dialed && state !== 'closed')
        return `${notes.dialedEvents} events tell of ${dialed} connections`;
      return differing(totals, {
        dialed,
        heartbeats: notes.heartbeats.length,
        heartbeatFailures: beatsFailed.length,
        detached: conns.filter(({ detached }) => detached).length,
      });
    },
    grant: (seen, { held: { conn, lease } }) => {
      if (lease.reused) return false;
      if (conn.grants > 0) return `${named(conn)} has served before, but is called new`;
      const proof = seen.methods.heartbeat ? conn.first : conn.dial;
      // Answers may come between two steps.
      return (
        Number(proof?.answeredIn) < seen.step - 1 && `${named(conn)} has been idle before, but is called new`
      );
    },
  },
  M4: {
    event: ({ leases, now, notes, options }, { event }) => {
      if (event.type === 'leak') {
        const held = leases.findLast(({ lease }) => lease.id === event.id);
        if (held === undefined || held.ended)
          return `a leak is told of connection ${event.id}, which nobody has`;
        if (held.leaked) return `the same leak of connection ${event.id} is told twice`;
        return (
          now() + notes.slack - held.takenAt < Number(options.leakThreshold) && `a leak is told too early`
        );
      }
      if (event.type !== 'leak-returned') return false;
      const held = leases.findLast(({ lease }) => lease.id === event.id);
      return (
        (held?.leaked !== true || !held.ended) &&
        `connection ${event.id} is told to be back, but was not missed`
      );
    },
    step: ({ leases, options, ranTo, notes }, { stats: { totals } }) => {
      const told = leases.filter(({ leaked }) => leaked).length;
      if (totals.leaks !== told) return `totals.leaks is ${totals.leaks}, told were ${told}`;
      const threshold = Number(options.leakThreshold);
      const missed = leases.find(
        ({ ended, leaked, takenAt }) =>
          threshold > 0 && !ended && !leaked && ranTo > takenAt + threshold + 1 + notes.slack,
      );
      return missed !== undefined && `connection ${missed.lease.id} leaks, and nobody is told`;
    },
  },
};

/** When each reason is a true one. */
const REASONS: Record<CloseReason, (seen: Reference, conn: Conn) => boolean> = {
  // These two have an invariant of their own.
  'idle-timeout': () => true,
  'max-lifetime': () => true,
  'max-uses': ({ options }, { grants }) => grants >= (options.maxUses ?? Infinity),
  'heartbeat-failed': (seen, { check }) => check?.kind === 'heartbeat' && failsNow(seen, check),
  'reset-failed': (seen, { check }) => check?.kind === 'reset' && failsNow(seen, check),
  lost: (_seen, { lost }) => lost,
  discarded: (_seen, { discarded, watchThrew }) => discarded || watchThrew,
  surplus: (seen, conn) => {
    const others = seen.those('idle').filter((other) => other !== conn).length;
    const left = presentAtMost(seen);
    if (seen.isLate(conn) || left + 1 > seen.max || seen.waiting.some(({ fresh }) => fresh)) return true;
    // Within callbacks things may have changed since it was decided.
    if (seen.notes.nested) return true;
    return others >= seen.maxIdle && left >= seen.min;
  },
  evicted: ({ generation, notes }, { dial }) =>
    dial.generation < generation || notes.happened.has('closeIdle'),
  'pool-closed': ({ over }) => over,
  forced: ({ over, drainEnd, now }) => over && now() >= drainEnd,
};

function failsNow(seen: Reference, call: Call): boolean {
  return call.answer === 'badly' || seen.now() >= seen.lastsUntil(call);
}

/** It has failed before the pool gave it up, or was given up for its time. */
function hasFailed({ answer, signal }: Call): boolean {
  if (signal?.aborted === true) return codeOf(signal.reason) === 'ERR_CALL_TIMEOUT';
  return answer === 'badly';
}

/** A death that is told from within what the pool calls may come too late to count. */
function beyond(what: string, count: number, base: number, deaths: readonly Conn[]): string | false {
  const least = base + deaths.filter(({ perhaps }) => !perhaps).length;
  const most = base + deaths.length;
  return (count < least || count > most) && `${what} is ${count}, but ${most} by what is seen`;
}

function differing(counted: object, expected: Readonly<Record<string, number>>): string | false {
  const wrong = Object.entries(expected).filter(([key, value]) => counted[key as never] !== value);
  return (
    wrong.length > 0 &&
    wrong
      .map(([key, value]) => `${key} is ${String(counted[key as never])}, but ${value} by what is seen`)
      .join('; ')
  );
}
