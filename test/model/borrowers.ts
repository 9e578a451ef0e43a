import type { ConnPool, Lease } from 'nestjs-conn-pool/core';
import { getEventListeners } from 'node:events';
import type { Act } from './acts.js';
import type { Promises } from './promises.js';
import type { Acquiring, Conn, Held } from './records.js';
import type { Surroundings } from './surroundings.js';
import { codeOf } from './words.js';

/** Those who borrow from a pool, well and badly. They tell what they do and are given. */
export class Borrowers {
  private readonly aborts: { readonly one: Acquiring; readonly abort: AbortController }[] = [];

  constructor(
    private readonly world: Surroundings,
    private readonly promises: Promises,
  ) {}

  get active(): Held[] {
    return this.world.seen.leases.filter(({ ended }) => !ended);
  }

  /** Those who could give up. */
  get impatient(): AbortController[] {
    return this.aborts.filter(({ one }) => one.state === 'pending').map(({ abort }) => abort);
  }

  /** How many listeners are left on the signals of acquires. */
  get listeners(): number {
    return this.aborts.reduce((sum, { abort }) => sum + getEventListeners(abort.signal, 'abort').length, 0);
  }

  /** @param how - nothing: as the pool's options have it */
  acquire(how: Extract<Act, { do: 'acquire' }> | undefined): void {
    const { pool, judge, seen } = this.world;
    const abort = how?.signal === true ? new AbortController() : undefined;
    const timeout = how === undefined ? seen.options.acquireTimeout : how.timeout;
    const one = this.joining(Number(timeout), how?.priority ?? 0, how?.fresh ?? false, false, abort);
    const promise =
      how === undefined
        ? pool.acquire()
        : pool.acquire({
            timeout: how.timeout,
            priority: one.priority,
            fresh: one.fresh,
            signal: abort?.signal,
          });
    promise.then(
      (lease) => this.granted(lease, one),
      (error: unknown) => this.refused(error, one),
    );
    queueMicrotask(() => {
      if (one.state !== 'pending') return;
      one.waited = true;
      judge.at('queued', one);
    });
  }

  private joining(
    timeout: number,
    priority: number,
    fresh: boolean,
    using: boolean,
    abort?: AbortController,
  ): Acquiring {
    const { seen, clock } = this.world;
    const one: Acquiring = {
      seq: seen.acquires.length,
      step: seen.step,
      priority,
      fresh,
      deadline: timeout > 0 ? clock.now() + timeout : Infinity,
      signal: abort?.signal,
      dialsBefore: seen.dials.length,
      ahead: seen.waiting.length,
      most: this.knows ? seen.most : NaN,
      using,
      waited: false,
      state: 'pending',
    };
    seen.acquires.push(one);
    if (abort !== undefined) this.aborts.push({ one, abort });
    return one;
  }

  /** Nothing has been done in this step of which they might not have heard yet. */
  private get knows(): boolean {
    const { notes, acquires, step } = this.world.seen;
    return !notes.nested && !notes.happened.has('together') && acquires.at(-1)?.step !== step;
  }

  tryAcquire(): void {
    const { pool, seen } = this.world;
    const waiting = seen.waiting.filter(({ step }) => step < seen.step);
    const lease = pool.tryAcquire();
    if (lease === undefined) return;
    seen.notes.tries += 1;
    seen.notes.passed.push(...waiting);
    this.granted(lease, undefined);
  }

  use(fails: boolean, ms: number): void {
    const { pool, clock } = this.world;
    const one = this.joining(400, 0, false, true);
    let held: Held | undefined;
    const work = async (_conn: Conn, lease: Lease<Conn>): Promise<void> => {
      held = this.granted(lease, one);
      if (ms > 0) await new Promise<void>((resolve) => void clock.setTimeout(resolve, ms).unref());
      if (held?.ended === false) {
        held.conn.discarded = fails;
        held.conn.returning = true;
        this.world.seen.gaveBack(held);
      }
      if (fails) throw new Error('work');
    };
    const failed = (error: unknown): void => {
      if (error instanceof Error && error.message === 'work') return;
      if (codeOf(error) !== 'ERR_LEASE_ENDED') return this.refused(error, one);
      // Taken back between the grant and the work.
      one.state = 'granted';
      this.world.seen.notes.bins.granted += 1;
      this.world.seen.notes.unseen += 1;
    };
    const over = (): void => {
      if (held !== undefined) held.conn.returning = false;
    };
    this.promises.settles('use', pool.use(work, { timeout: 400 }).catch(failed).finally(over));
  }

  private granted(lease: Lease<Conn>, by: Acquiring | undefined): Held | undefined {
    const { seen, judge } = this.world;
    const { notes } = seen;
    notes.bins.granted += 1;
    if (lease.reused) notes.reused += 1;
    // Taken back before its borrower has heard of it.
    if (!lease.active) {
      if (by !== undefined) by.state = 'granted';
      return undefined;
    }
    const { conn } = lease;
    const held: Held = { lease, conn, takenAt: seen.now(), leaked: false, ended: false };
    judge.at('grant', { held, by });
    if (by !== undefined) by.state = 'granted';
    notes.ids.set(lease.id, conn);
    conn.grants += 1;
    conn.key += 1;
    seen.took(held);
    lease.signal.addEventListener('abort', () => this.world.within('listener'));
    return held;
  }

  private refused(error: unknown, by: Acquiring): void {
    const { judge, seen } = this.world;
    const { bins } = seen.notes;
    judge.at('refusal', { by, error });
    by.state = 'rejected';
    if (by.signal?.aborted === true && error === by.signal.reason) bins.aborted += 1;
    else if (codeOf(error) === 'ERR_ACQUIRE_TIMEOUT') bins.timeouts += 1;
    else if (codeOf(error) === 'ERR_POOL_EXHAUSTED') bins.refused += 1;
    else if (codeOf(error) === 'ERR_POOL_CLOSED') bins.closed += 1;
    else if (codeOf(error) === 'ERR_DIAL') bins.failed += 1;
    else judge.at('thrown', { what: 'acquire', error, inside: false });
  }

  giveBack(held: Held | undefined, how: 'release' | 'discard' | 'detach'): void {
    if (held === undefined) return;
    const { lease, conn } = held;
    // Before: from then on it is not theirs any more, whatever the pool does inside.
    this.world.seen.gaveBack(held);
    // Taken by force, and about to be closed.
    if (!lease.active) return lease.release();
    conn.discarded = how === 'discard';
    conn.detached = how === 'detach';
    if (how !== 'release') this.world.seen.notes.happened.add('ended');
    if (how === 'release') lease.release();
    else if (how === 'discard') lease.discard(new Error('discarded'));
    else if (lease.detach() !== conn) throw new Error('detach() gave something else');
  }

  /** Calls everything there is on a lease that has ended. */
  misuse(held: Held | undefined): void {
    if (held?.ended !== true || held.conn.returning) return;
    const { judge, pool } = this.world;
    const { lease } = held;
    const state = (): string => told(pool) + String(lease.active);
    const before = state();
    lease.release();
    lease.discard(new Error('stale'));
    lease[Symbol.dispose]();
    const given = [() => lease.detach(), () => lease.conn].map((call) => codeThrownBy(call));
    judge.at('misuse', {
      before,
      after: given.some((code) => code !== 'ERR_LEASE_ENDED') ? String(given) : state(),
    });
  }
}

/** All that a pool tells of itself, in short. */
function told(pool: ConnPool<Conn>): string {
  const { totals, ...counts } = pool.stats();
  const rows = pool.inspect().map(({ id, state, uses }) => `${id} ${state} ${uses}`);
  return [
    ...Object.values(counts),
    ...Object.values(totals),
    ...Object.values(totals.closed),
    ...rows,
  ].join();
}

function codeThrownBy(call: () => unknown): string | undefined {
  try {
    call();
    return 'nothing';
  } catch (error) {
    return codeOf(error);
  }
}
