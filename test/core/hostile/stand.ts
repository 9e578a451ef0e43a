import { ConnPool, ConnPoolError, type Lease } from 'nestjs-conn-pool/core';
import { FakeClock, type FakeConn, fakeConnector } from 'nestjs-conn-pool/testing';
import { ReasonError, WorkError } from './calls.js';
import { type StrayErrors, textOf } from './stray-errors.js';
import { addsUp, follow, type Standing } from '../pools-under-test.js';

export const STATES = [
  'new',
  'started',
  'paused',
  'saturated',
  'in an outage',
  'draining',
  'closed',
] as const;

export type StandState = (typeof STATES)[number];

const CALLS = { heartbeat: true, reset: true, isAlive: true, watch: true } as const;
const SIZE = { max: 2, min: 0, maxIdle: 2 };

/**
 * A pool in a given state, to which something is done; then it is brought back to health, must serve, and must close.
 * What is not as it must be is written down, so that one table can show all that is wrong at once.
 */
export class Stand {
  readonly clock = new FakeClock(1000);
  readonly connector = fakeConnector({ ...CALLS, clock: this.clock });
  readonly pool = new ConnPool<FakeConn>(this.connector, {
    clock: this.clock,
    name: 'hostile',
    ...SIZE,
    acquireTimeout: '5s',
    drain: '2s',
    dialBackoff: { initial: 10, max: 20 },
  });
  readonly wrongs: string[] = [];
  /** The lease a state begins with, where it has one. */
  held: Lease<FakeConn> | undefined;
  private readonly asked: { what: string; standing: { now: Standing<unknown> } }[] = [];

  private constructor(private readonly stray: StrayErrors) {}

  static async in(state: StandState, stray: StrayErrors): Promise<Stand> {
    const stand = new Stand(stray);
    await stand.enter(state);
    return stand;
  }

  private async enter(state: StandState): Promise<void> {
    const { pool, connector, clock } = this;
    if (state === 'new') return;
    if (state === 'started') await pool.start();
    if (state === 'paused') pool.pause();
    if (state === 'saturated') {
      this.held = await pool.acquire();
      this.keep('a second lease', pool.acquire());
      this.keep('one who waits', pool.acquire({ timeout: 0 }));
      await clock.settle();
    }
    if (state === 'in an outage') {
      connector.dial.always('fail');
      this.keep('an acquire of the outage', pool.acquire({ timeout: '2s' }));
      await clock.settle();
    }
    if (state === 'draining') {
      this.held = await pool.acquire();
      this.keep('close', pool.close());
    }
    if (state === 'closed') await pool.close();
  }

  wrong(what: string): void {
    this.wrongs.push(what);
  }

  /** Does something to the pool that is documented to answer by a promise, or not. */
  do(what: string, gives: 'promise' | 'value', act: () => unknown): { now: Standing<unknown> } {
    let outcome: { now: Standing<unknown> };
    try {
      const result = act();
      if (gives === 'promise' && !(result instanceof Promise)) this.wrong(`${what} gave no promise`);
      if (result instanceof Promise) return this.keep(what, result);
      outcome = { now: { state: 'resolved', value: result } };
      this.keep(what, Promise.resolve(result));
    } catch (error) {
      outcome = { now: { state: 'rejected', error } };
      if (gives === 'promise') this.wrong(`${what} threw at once: ${textOf(error)}`);
      else this.mustBeOfThePool(what, error);
    }
    this.mustAddUp(what);
    return outcome;
  }

  private keep(what: string, promise: Promise<unknown>): { now: Standing<unknown> } {
    const standing = follow(promise);
    this.asked.push({ what, standing });
    promise.catch((error: unknown) => this.mustBeOfThePool(what, error));
    return standing;
  }

  private mustBeOfThePool(what: string, error: unknown): void {
    if (error instanceof ReasonError || error instanceof WorkError) return;
    if (!(error instanceof ConnPoolError))
      return this.wrong(`${what}: not an error of the pool: ${textOf(error)}`);
    if (error.pool !== 'hostile' || !error.message.includes('"hostile"'))
      this.wrong(`${what}: does not name the pool: ${error.message}`);
  }

  mustAddUp(when: string): void {
    const stats = this.pool.stats();
    if (!addsUp(stats)) this.wrong(`${when}: the sums are broken: ${JSON.stringify(stats)}`);
  }

  /** Whatever was done, the pool must serve one more (unless it closes), settle everything it has promised, and end. */
  async mustEndWell(): Promise<string[]> {
    const { pool, clock } = this;
    await clock.settle();
    this.mustAddUp('afterwards');
    this.connector.dial.always('ok');
    if (pool.state === 'open' || pool.state === 'paused') await this.mustServe();
    this.giveBack();
    this.keep('the last close', pool.close({ drain: 0 }));
    await clock.advance('1m');
    this.mustBeOver();
    return this.wrongs;
  }

  private async mustServe(): Promise<void> {
    const { pool, clock } = this;
    pool.resize(SIZE);
    pool.resume();
    // Nothing is asked of it that might wake it: those who wait must be served by what is given back, and by time.
    for (let round = 0; round < 10 && pool.stats().waiting > 0; round++) {
      this.giveBack();
      await clock.advance(100);
    }
    if (pool.stats().waiting > 0) this.wrong(`it has forgotten who waits: ${JSON.stringify(pool.stats())}`);
    this.giveBack();
    const last = this.keep('the last acquire', pool.acquire({ timeout: '1m' }));
    await clock.advance('1s');
    if (last.now.state !== 'resolved') this.wrong(`it serves no more: ${JSON.stringify(pool.stats())}`);
  }

  /** Gives back every lease that was handed out so far. */
  private giveBack(): void {
    this.held?.release();
    for (const { standing } of this.asked) {
      if (standing.now.state === 'resolved' && isLease(standing.now.value)) standing.now.value.release();
    }
  }

  private mustBeOver(): void {
    const { pool, clock, connector } = this;
    const { size, waiting, totals } = pool.stats();
    this.mustAddUp('in the end');
    if (pool.state !== 'closed') this.wrong(`close() does not end: ${JSON.stringify(pool.stats())}`);
    if (size + waiting > 0) this.wrong(`${size} connections and ${waiting} waiters are left`);
    if (clock.pending > 0) this.wrong(`${clock.pending} timers are left`);
    for (const { what, standing } of this.asked)
      if (standing.now.state === 'pending') this.wrong(`${what} is never settled`);
    for (const { message } of connector.violations) this.wrong(message);
    const open = connector.conns.length - connector.closed.length - totals.detached;
    if (open !== 0) this.wrong(`${open} connections are never closed`);
    for (const error of this.stray.take()) this.wrong(`an unhandled rejection: ${textOf(error)}`);
  }
}

export function isLease(value: unknown): value is Lease<FakeConn> {
  return typeof value === 'object' && value !== null && 'reused' in value && 'release' in value;
}
