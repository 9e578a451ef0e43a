import { isFit, limits, present } from './fitness.js';
import type { Checks } from './judge.js';
import type { Reference } from './reference.js';
import { codeOf, named } from './words.js';

/** Closing may take so much longer than `drain` and `closeTimeout` together, in milliseconds. */
export const CLOSING_GRACE = 5;

/** What must happen in the end; most of it shows already in what is under way after every step. */
export const liveness: Checks = {
  L1: { step: (seen) => neglected(seen) },
  L2: { step: (seen) => seen.notes.happened.has('ended') && neglected(seen) },
  L3: {
    step: (seen) => {
      const { hopeless, nested, happened } = seen.notes;
      const left = nested ? undefined : hopeless.find(({ state }) => state === 'pending');
      if (left !== undefined) return `acquire ${left.seq} has not been told that its only dial has failed`;
      return happened.has('dialFailed') && neglected(seen);
    },
    refusal: ({ notes }, { by, error }) => {
      const { cause } = error as { cause?: unknown };
      const known = notes.errors.has(cause) || codeOf(cause) === 'ERR_CALL_TIMEOUT';
      return (
        codeOf(error) === 'ERR_DIAL' &&
        !known &&
        `acquire ${by.seq} was told ${String(cause)}, which nobody threw`
      );
    },
  },
  L4: {
    step: ({ notes, waiting }) => {
      const left = waiting.find(({ seq }) => seq <= notes.hopelessBefore);
      return left !== undefined && !notes.nested && `acquire ${left.seq} waits although dials fail for good`;
    },
  },
  L5: {
    step: (seen) => {
      const checks = seen.conns.flatMap(({ check }) => check ?? []);
      const hung = [...seen.dials, ...checks].find(
        (call) => seen.runs(call) && seen.ranTo > seen.lastsUntil(call) + seen.notes.slack,
      );
      return hung !== undefined && `a ${hung.kind} that gave no answer is still awaited`;
    },
  },
  L6: {
    step: (seen, { refs }) => {
      const late = seen.waiting.find(({ deadline }) => deadline < seen.ranTo - 1 - seen.notes.slack);
      if (late !== undefined)
        return `acquire ${late.seq} is pending ${seen.ranTo - late.deadline} ms after its deadline`;
      const bound = seen.waiting.some(({ deadline }) => deadline < Infinity);
      return bound && refs === 0 && 'somebody waits, but nothing holds the process';
    },
  },
  L7: {
    refusal: (seen, { by, error }) => {
      if (codeOf(error) !== 'ERR_ACQUIRE_TIMEOUT') return false;
      if (seen.now() + seen.notes.slack < by.deadline)
        return `acquire ${by.seq} timed out ${by.deadline - seen.now()} ms too early`;
      const { notes, paused, over } = seen;
      if (by.fresh || paused || over || notes.nested || notes.happened.has('resume')) return false;
      const fit = seen.those('idle').find((conn) => isFit(seen, conn) && conn.soundAt < seen.now());
      return fit !== undefined && `acquire ${by.seq} timed out, but ${named(fit)} was idle`;
    },
  },
  L8: {
    step: (seen) => {
      if (seen.state !== 'open' || seen.waiting.every(({ fresh }) => fresh)) return false;
      const fit = seen.those('idle').find((conn) => isFit(seen, conn));
      return fit !== undefined && `somebody waits, and ${named(fit)} is idle`;
    },
  },
  L9: {
    step: (seen) => seen.notes.happened.has('resize') && neglected(seen),
    quiet: (_seen, { stats: { size, max } }) => size > max && `${size} are left, above max ${max}`,
  },
  L10: {
    step: (_seen, { stats: { state, waiting }, refs, awaited }) => {
      const held = waiting > 0 || state === 'draining' || awaited;
      return !held && refs > 0 && `nobody waits, but ${refs} timers hold the process`;
    },
    closed: (seen, { stats: { size, waiting }, timers, listeners }) => {
      if (size > 0 || waiting > 0) return `closed, but ${size} connections and ${waiting} acquires are left`;
      if (timers > 0) return `${timers} timers are left`;
      const watched = seen.conns.find(({ lose }) => lose !== undefined);
      if (watched !== undefined) return `${named(watched)} is still watched`;
      return listeners > 0 && `${listeners} abort listeners are left`;
    },
  },
  L11: {
    step: (seen, { stats: { state } }) => {
      const { idle, leased, dialing, checking } = seen.counts();
      const left = idle + leased + dialing + checking;
      const isTime = seen.over && seen.ranTo > seen.drainEnd + seen.notes.slack;
      return isTime && left > 0 && `${state}, and ${left} are not taken`;
    },
    closed: (_seen, { stats: { state }, unsettled }) => {
      if (state !== 'closed') return `close() has not ended by its deadline: ${state}`;
      return unsettled.length > 0 && `${unsettled.join(', ')} have not settled after close()`;
    },
  },
  L12: {
    closed: (_seen, { reports }) =>
      new Set(reports).size > 1 && 'close() has reported twice, and not the same',
  },
  L13: {
    step: (seen) => {
      const { maxLifetime, idleTimeout, heartbeatInterval } = seen.options;
      const { notes, ranTo } = seen;
      const overdue = seen.those('idle').find(({ bornAt, usedAt, soundAt }) => {
        const over = (since: number, limit: unknown): boolean =>
          limits(limit) && ranTo > since + Number(limit) + 1 + notes.slack;
        if (over(bornAt, maxLifetime)) return true;
        if (over(usedAt, idleTimeout) && notes.highestMin === 0) return true;
        return notes.started && seen.methods.heartbeat && !seen.over && over(soundAt, heartbeatInterval);
      });
      return overdue !== undefined && `${named(overdue)} is idle, and upkeep has forgotten it`;
    },
  },
  L14: {
    quiet: (seen, { stats, unsettled }) => {
      const promises = unsettled.filter((what) => what !== 'close');
      if (promises.length > 0) return `${promises.join(', ')} have not settled`;
      return (
        seen.waiting.length > 0 &&
        `${seen.waiting.length} acquires are left waiting: ${JSON.stringify(stats)}`
      );
    },
  },
  L16: {
    dial: ({ notes, now }) =>
      // While the loop stalls, a failure may be told after a later success has been answered.
      notes.succeededAt + notes.slack < notes.failedAt &&
      now() + notes.slack < notes.retryAt &&
      `a dial ${notes.retryAt - now()} ms before the back-off was over`,
  },
  L19: {
    quiet: (seen, { stats: { state, min } }) =>
      state === 'open' &&
      seen.notes.keepsMin &&
      present(seen) < min &&
      `min ${min} is not restored: ${present(seen)}`,
  },
  L20: { step: (seen) => seen.notes.happened.has('checkFailed') && neglected(seen) },
};

/** Somebody could be served, nothing is under way for it, and no trouble is recent enough for a back-off. */
function neglected(seen: Reference): string | false {
  const { notes, options, max } = seen;
  const { all, regular } = seen.short;
  if (seen.state !== 'open' || all === 0) return false;
  const { idle, size, dialing, closing } = seen.counts();
  if (regular > 0 && idle > 0) return `${regular} wait with nothing coming, though ${idle} are idle`;
  const longest = Number(options.dialBackoff?.max ?? 0) + notes.slack;
  if (dialing >= (options.dialConcurrency ?? 4) || seen.ranTo - notes.troubledAt <= longest + 1) return false;
  // Whoever takes only a fresh connection may have an idle one closed for it.
  const room = size < max || options.exhausted === 'overflow' || (idle > 0 && closing === 0);
  return room && `${all} wait with nothing coming, though there is room: ${JSON.stringify(seen.counts())}`;
}
