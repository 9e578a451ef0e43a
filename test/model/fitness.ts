import type { Conn } from './records.js';
import type { Reference } from './reference.js';

/** What exists and is not being closed. */
export function present(seen: Reference): number {
  const { size, closing } = seen.counts();
  return size - closing;
}

/** The same as the pool may see it: a dial counts until it has noticed that it failed just now, or took too long. */
export function presentAtMost(seen: Reference): number {
  const unnoticed = seen.dials.filter((call) => {
    if (seen.runs(call) || call.signal?.aborted === true) return false;
    return call.answer === 'open' || (call.answer === 'badly' && call.answeredIn === seen.step);
  });
  return present(seen) + unnoticed.length;
}

/** Durations of 0 and `Infinity` are none. */
export function limits(duration: unknown): boolean {
  return Number(duration) > 0 && Number(duration) < Infinity;
}

/** An idle connection that can be lent at once, for sure. */
export function isFit(seen: Reference, conn: Conn): boolean {
  const { notes, options } = seen;
  const now = seen.now() + notes.slack;
  const { maxLifetime = 0, lifetimeJitter = 0.1, heartbeatInterval = 0, idleTimeout = 0 } = options;
  if (conn.returning || conn.dial.generation !== seen.generation) return false;
  if (limits(maxLifetime) && now - conn.bornAt >= Number(maxLifetime) * (1 - lifetimeJitter)) return false;
  if (limits(idleTimeout) && now - conn.usedAt >= Number(idleTimeout)) return false;
  if (!seen.methods.heartbeat || !limits(heartbeatInterval)) return true;
  return conn.soundAt > notes.suspectAt && now - conn.soundAt < Number(heartbeatInterval);
}
