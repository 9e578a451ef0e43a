import { isFit, limits, present, presentAtMost } from './fitness.js';
import type { Checks } from './judge.js';
import type { Acquiring, Held } from './records.js';
import type { Counts, Reference } from './reference.js';
import { codeOf, named, textOf } from './words.js';

const STANDINGS = ['idle', 'leased', 'dialing', 'checking', 'closing'] as const;

/** What must hold at every moment. */
export const safety: Checks = {
  S1: {
    dial: (seen) => {
      const { size } = seen.counts();
      const beyond = seen.options.exhausted === 'overflow' && seen.waiting.length > 0;
      return size > seen.max && !beyond && `a dial makes them ${size}, above max ${seen.max}`;
    },
    instant: (seen, { stats: { size } }) =>
      seen.options.exhausted !== 'overflow' &&
      size > seen.notes.ceiling &&
      `size ${size} is above ${seen.notes.ceiling}`,
  },
  S2: {
    step: (seen, { stats, rows }) => {
      const ended = seen.leases.find((held) => !held.ended && !held.lease.active);
      if (ended !== undefined)
        return `the lease on ${named(ended.conn)} has ended, and its holder has not ended it`;
      const counts = seen.counts();
      const wrong = STANDINGS.filter((standing) => counts[standing] !== stats[standing]);
      if (wrong.length > 0)
        return `${listed(wrong, counts)} by what is seen, ${listed(wrong, stats)} by stats()`;
      const states = rows.map(({ state }) => (state === 'resetting' ? 'checking' : state));
      const amiss = STANDINGS.filter(
        (each) => states.filter((state) => state === each).length !== counts[each],
      );
      return amiss.length > 0 && `inspect() shows ${states.join(', ')}, there are ${listed(amiss, counts)}`;
    },
    grant: (_seen, { held: { conn } }) => conn.held !== undefined && `${named(conn)} is lent to two at once`,
  },
  S3: {
    grant: (_seen, { by }) => by !== undefined && by.state !== 'pending' && `acquire ${by.seq} settled twice`,
    refusal: (_seen, { by }) => by.state !== 'pending' && `acquire ${by.seq} settled twice`,
    closed: (seen) => seen.waiting.length > 0 && `${seen.waiting.length} acquires have never settled`,
  },
  S4: {
    step: (seen, { stats: { leased } }) => {
      const held = seen.those('leased').length;
      return leased > held && `${leased} are leased, but only ${held} were given to anybody`;
    },
  },
  S5: {
    close: (_seen, { conn }) => conn.closes > 1 && `${named(conn)} is closed again`,
    closed: (seen) => {
      const wrong = seen.conns.filter(({ closes, detached }) => closes + (detached ? 1 : 0) !== 1);
      return wrong.length > 0 && `${wrong.map(named).join(', ')}: neither closed once nor given away`;
    },
  },
  S6: {
    close: (_seen, { conn }) => conn.held !== undefined && `${named(conn)} is closed in its borrower's hands`,
  },
  S7: {
    misuse: (_seen, { before, after }) =>
      before !== after && `a lease that had ended changed the pool: ${before} to ${after}`,
  },
  S8: {
    grant: (seen, { held: { conn } }) => {
      const { notes, options } = seen;
      const now = seen.now() - notes.slack;
      const { maxLifetime = 0, heartbeatInterval = 0, idleTimeout = 0, maxUses = Infinity } = options;
      if (conn.closes > 0) return `${named(conn)} is lent, but closed`;
      if (conn.lostIn < seen.step) return `${named(conn)} is lent, but has died`;
      if (conn.dial.signal?.aborted === true) return `${named(conn)} is lent, but came too late`;
      if (seen.methods.heartbeat && !seen.isBorn(conn))
        return `${named(conn)} is lent before its first heartbeat`;
      const { check } = conn;
      if (check?.answer === 'badly') return `${named(conn)} is lent, but has failed a check`;
      if (check?.answer === 'open') return `${named(conn)} is lent, but has not answered a check`;
      if (conn.grants >= maxUses) return `${named(conn)} is lent for the ${conn.grants + 1}th time`;
      if (!conn.clean) return `${named(conn)} is lent, but was not reset`;
      if (limits(maxLifetime) && now - conn.bornAt >= Number(maxLifetime))
        return `${named(conn)} is lent, but too old`;
      if (
        limits(heartbeatInterval) &&
        seen.methods.heartbeat &&
        now - conn.soundAt >= Number(heartbeatInterval)
      )
        return `${named(conn)} is lent unchecked`;
      const suspect =
        limits(heartbeatInterval) && seen.methods.heartbeat && conn.soundAt + notes.slack < notes.suspectAt;
      if (suspect && notes.suspectIn < seen.step)
        return `${named(conn)} is lent unchecked after the death of another`;
      const tooLong =
        !notes.happened.has('resize') && limits(idleTimeout) && now - conn.usedAt >= Number(idleTimeout);
      // After it was lent.
      const begun = seen.dials.filter(({ step }) => step === seen.step).length;
      return (
        tooLong && present(seen) - begun > seen.min && `${named(conn)} is lent, but was idle for too long`
      );
    },
  },
  S9: {
    grant: (seen, { held, by }) => {
      const ahead = by === undefined ? [] : seen.waiting.filter((other) => isAhead(seen, other, by, held));
      // Those who wait by use() hear of their fate a little later than the others.
      seen.notes.passed.push(...ahead.filter(({ using }) => using));
      const passed = ahead.find(({ using }) => !using);
      return passed !== undefined && `acquire ${by?.seq} has overtaken acquire ${passed.seq}`;
    },
    step: ({ notes }) => {
      const passed = notes.passed.find(({ state }) => state === 'pending');
      return passed !== undefined && `somebody has overtaken acquire ${passed.seq}`;
    },
  },
  S10: {
    refusal: (_seen, { by, error }) =>
      by.waited &&
      codeOf(error) === 'ERR_POOL_EXHAUSTED' &&
      `acquire ${by.seq} had its place, and was refused`,
  },
  S11: {
    queued: (_seen, { seq, ahead, most }) =>
      ahead >= most && `acquire ${seq} waits behind ${ahead}, where ${most} may`,
    refusal: ({ notes }, { by: { seq, ahead, most }, error }) =>
      codeOf(error) === 'ERR_POOL_EXHAUSTED' &&
      !notes.happened.has('close') &&
      ahead < most &&
      `acquire ${seq} was refused, but only ${ahead} waited where ${most} may`,
  },
  S12: {
    instant: (_seen, { stats }) => {
      const { size, idle, leased, dialing, checking, closing, waiting } = stats;
      if (size !== idle + leased + dialing + checking + closing) return `size ${size} is not the sum`;
      return (
        [idle, leased, dialing, checking, closing, waiting].some((count) => !(count >= 0)) &&
        'a count below 0'
      );
    },
    step: (seen, { stats, rows }) => {
      if (rows.length !== stats.size) return `${rows.length} rows for ${stats.size} connections`;
      const { max, min, maxIdle, state } = seen;
      const expected = { max, min, maxIdle, state };
      return (
        Object.entries(expected).some(([key, value]) => stats[key as 'max'] !== value) &&
        `stats() says ${JSON.stringify(stats)}, not ${JSON.stringify(expected)}`
      );
    },
  },
  S13: {
    dial: (seen) => {
      const limit = seen.options.dialConcurrency ?? 4;
      const dialing = seen.dialing.length + seen.beingProved.length;
      if (dialing > limit) return `${dialing} dials at once`;
      return !isWanted(seen) && `a dial that nobody needs: ${JSON.stringify(seen.counts())}`;
    },
  },
  S14: {
    close: (seen, { conn, reason }) => {
      if (reason !== 'idle-timeout') return false;
      const idle = seen.now() + seen.notes.slack - conn.usedAt;
      if (idle < Number(seen.options.idleTimeout)) return `${named(conn)} was idle for ${idle} ms only`;
      // The one that is being closed is not present any more.
      return (
        presentAtMost(seen) < seen.min &&
        !seen.notes.nested &&
        `closing ${named(conn)} leaves less than min ${seen.min}`
      );
    },
  },
  S15: {
    close: (seen, { conn, reason }) => {
      if (reason !== 'max-lifetime') return false;
      const { maxLifetime, lifetimeJitter = 0.1 } = seen.options;
      const age = seen.now() + seen.notes.slack - conn.bornAt;
      return age < Number(maxLifetime) * (1 - lifetimeJitter) && `${named(conn)} was ${age} ms old only`;
    },
  },
  S16: {
    touch: (_seen, { conn, what }) =>
      conn.held !== undefined && what !== 'watch' && `${what} of ${named(conn)}, which is leased`,
    grant: (seen, { held: { conn } }) =>
      conn.check !== undefined && seen.runs(conn.check) && `${named(conn)} is lent while it is being checked`,
  },
  S17: {
    grant: ({ notes }, { held }) => notes.before.over && `connection ${held.lease.id} is lent after close()`,
    told: (_seen, one) =>
      one.state === 'pending' && `close() has not told acquire ${one.seq} in the same tick`,
    refusal: (seen, { by, error }) =>
      codeOf(error) === 'ERR_POOL_CLOSED' &&
      !seen.over &&
      `acquire ${by.seq} heard that an open pool is closed`,
    step: (seen) => seen.over && seen.waiting.length > 0 && 'somebody waits after close()',
  },
  S18: {
    step: (seen) => {
      const lost = seen.conns.find(
        (conn) => seen.isLate(conn) && conn.dial.answer === 'well' && conn.closes === 0,
      );
      if (lost !== undefined) return `${named(lost)} came too late, and nobody closes it`;
      const left = seen.over ? seen.those('idle')[0] : undefined;
      return left !== undefined && `${named(left)} is idle in a pool that is closed`;
    },
  },
  S19: {
    touch: (_seen, { conn, what }) => conn.detached && `${what} of ${named(conn)}, which was given away`,
    close: (_seen, { conn }) => conn.detached && `${named(conn)} is closed, but was given away`,
    grant: (_seen, { held: { conn } }) => conn.detached && `${named(conn)} is lent, but was given away`,
  },
  S20: {
    grant: (seen, { held: { conn } }) =>
      conn.dial.generation < seen.notes.before.generation &&
      `${named(conn)} is lent, but of an old generation`,
    step: (seen) => {
      const old = seen.those('idle').find(({ dial }) => dial.generation < seen.generation);
      return old !== undefined && `${named(old)} is of an old generation, and idle`;
    },
  },
  S21: {
    dial: (seen) => stillPaused(seen) && 'a dial while paused',
    grant: (seen, { held }) => stillPaused(seen) && `connection ${held.lease.id} is lent while paused`,
  },
  S22: {
    thrown: (_seen, { what, error, inside }) => !inside && `${what}: ${textOf(error)}`,
  },
  S23: {
    thrown: (_seen, { what, error, inside }) => inside && `called from within: ${what}: ${textOf(error)}`,
  },
  S24: {
    close: (seen, { conn }) => !seen.conns.includes(conn) && 'a connection is closed that was never dialled',
    touch: (seen, { conn }) => !seen.conns.includes(conn) && 'a connection is touched that was never dialled',
    grant: ({ notes }, { held: { conn, lease } }) => {
      const known = notes.ids.get(lease.id);
      return (
        known !== undefined && known !== conn && `id ${lease.id} means ${named(known)} and ${named(conn)}`
      );
    },
  },
};

function listed(standings: readonly (keyof Counts)[], counts: Readonly<Partial<Counts>>): string {
  return standings.map((standing) => `${standing} ${String(counts[standing])}`).join(', ');
}

function stillPaused({ notes }: Reference): boolean {
  return notes.before.paused && !notes.happened.has('resume');
}

/** Whether one was to be served before another who has been given this. */
function isAhead(seen: Reference, other: Acquiring, by: Acquiring, { lease }: Held): boolean {
  const { step, notes } = seen;
  // It may have been turned away, and be about to hear of it.
  if (other.signal?.aborted === true || other.deadline <= seen.now()) return false;
  if (other === by || (other.fresh && lease.reused)) return false;
  // Of two that came in one step the one inside the other may have joined the line first.
  if (other.step === by.step && (notes.nested || notes.happened.has('together'))) return false;
  // It may have come after the other was served.
  if (other.step === step && by.step !== step) return false;
  return other.priority > by.priority || (other.priority === by.priority && other.seq < by.seq);
}

/** Without this dial somebody would have nothing coming, `min` would not be kept, or a warm-up not be done. */
function isWanted(seen: Reference): boolean {
  const { notes, waiting, min, max } = seen;
  const { dials, all } = seen.coming;
  const fresh = waiting.filter((one) => one.fresh).length;
  // Where many are closed at once, and within callbacks, some of these may be as good as closed already.
  const blind = notes.nested || notes.happened.has('closeIdle') || notes.happened.has('resize');
  const idle = blind ? [] : seen.those('idle');
  const fit = idle.filter((conn) => isFit(seen, conn)).length;
  const forFresh = Math.min(dials - 1, fresh);
  const regular = waiting.length - fresh - fit - (all - 1 - forFresh);
  if (regular > 0 || fresh > dials - 1 || notes.happened.has('dialIfNone')) return true;
  const warming = Math.min(Math.max(0, ...notes.warming.values()), max);
  const current = idle.filter(({ dial }) => dial.generation === seen.generation).length;
  const ready = current + seen.those('leased').length + all - 1;
  return ready < Math.max(notes.started ? min : 0, warming);
}
