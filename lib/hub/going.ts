import { setImmediate as afterTurn, setTimeout as delay } from 'node:timers/promises';
import { CloseCode } from './close-code.js';
import type { LeaveReason } from './membership.js';
import type { Member } from './member.js';

/** Connections told good-bye in one turn. */
const BATCH = 200;
/** How often those are looked at that still have something to write. Milliseconds. */
const LOOK = 10;
/** How long the sockets of terminated connections may take to say that they have closed. Milliseconds. */
const TERMINATION = 1000;

/** A hub that is going. */
export interface GoingOwner<M> {
  members(): Member<M>[];
  /** Writes what was said to it, as far as its socket takes it. */
  flush(member: Member<M>): void;
  expel(member: Member<M>, reason: LeaveReason, code: number): void;
  /** Those that have left, but whose connections have not closed yet. */
  departing(): Member<M>[];
}

/** Flushes the queues, says 1001 to everybody in batches, and terminates those that are left when the time is over. */
export async function sendEverybodyAway<M>(owner: GoingOwner<M>, drain: number): Promise<void> {
  const end = performance.now() + drain;
  let staying = owner.members();
  for (;;) {
    staying = await sendAway(owner, staying, end);
    if (staying.length === 0) break;
    await delay(LOOK);
  }
  while (owner.departing().length > 0 && performance.now() < end) await delay(LOOK);
  for (const member of owner.departing()) member.terminate();
  const last = performance.now() + TERMINATION;
  while (owner.departing().length > 0 && performance.now() < last) await delay(1);
}

/** @returns those that still have something to write, and time to do so */
async function sendAway<M>(
  owner: GoingOwner<M>,
  members: readonly Member<M>[],
  end: number,
): Promise<Member<M>[]> {
  const staying: Member<M>[] = [];
  for (const [at, member] of members.entries()) {
    if (at > 0 && at % BATCH === 0) await afterTurn();
    if (!member.active) continue;
    owner.flush(member);
    if (member.outbox.isIdle || performance.now() >= end)
      owner.expel(member, 'shutdown', CloseCode.GoingAway);
    else staying.push(member);
  }
  return staying;
}
