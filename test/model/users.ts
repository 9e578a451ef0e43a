import type { Act } from './acts.js';
import { Borrowers } from './borrowers.js';
import { Operators } from './operators.js';
import { Promises } from './promises.js';
import type { Surroundings } from './surroundings.js';

/** All who have to do with a pool from outside, its peers included: they do one act at a time. */
export class Users {
  private readonly promises: Promises;
  private readonly borrowers: Borrowers;
  private readonly operators: Operators;

  constructor(private readonly world: Surroundings) {
    this.promises = new Promises(world.judge);
    this.borrowers = new Borrowers(world, this.promises);
    this.operators = new Operators(world, this.promises);
  }

  /** Promises of the pool's, besides those of acquires, that have not settled. */
  get unsettled(): string[] {
    return this.promises.unsettled;
  }

  get listeners(): number {
    return this.borrowers.listeners;
  }

  get reports(): readonly unknown[] {
    return this.operators.reports;
  }

  releaseAll(): void {
    for (const held of this.borrowers.active) this.borrowers.giveBack(held, 'release');
  }

  do(act: Act): void {
    const { judge, depth } = this.world;
    try {
      this.perform(act);
    } catch (error) {
      judge.at('thrown', { what: act.do, error, inside: depth > 0 });
    }
  }

  private perform(act: Act): void {
    const { borrowers, operators, world } = this;
    const { pool, seen, connector } = world;
    switch (act.do) {
      case 'acquire':
        return borrowers.acquire(act);
      case 'burst':
        for (let one = 0; one <= act.n; one += 1) borrowers.acquire(undefined);
        return;
      case 'tryAcquire':
        return borrowers.tryAcquire();
      case 'use':
        return borrowers.use(act.fails, act.ms);
      case 'release':
      case 'discard':
      case 'detach':
        return borrowers.giveBack(picked(borrowers.active, act.n), act.do);
      case 'release twice': {
        const held = picked(borrowers.active, act.n);
        borrowers.giveBack(held, 'release');
        return borrowers.misuse(held);
      }
      case 'misuse':
        return borrowers.misuse(picked(seen.leases, act.n));
      case 'abort':
        return picked(borrowers.impatient, act.n)?.abort(new Error('aborted'));
      case 'kill':
      case 'kill quietly': {
        const alive = seen.conns.filter(({ closes, dead }) => closes === 0 && !dead);
        return connector.kill(picked(alive, act.n), act.do === 'kill');
      }
      case 'settle':
        return picked(connector.held, act.n)?.settle(act.well);
      case 'outage':
        connector.outage = act.on && !connector.healed;
        return;
      case 'resize':
        return operators.resize(act.max, act.min, act.maxIdle);
      case 'warmUp':
        return operators.warm(act.do, act.n, () => pool.warmUp(act.n));
      case 'heartbeat':
        return operators.heartbeat(act.timeout, act.dialIfNone, act.signal);
      case 'close':
        return operators.close(act.ms);
      case 'pause':
        return connector.healed ? undefined : operators.pause();
      case 'resume':
      case 'start':
      case 'look':
      case 'evictAll':
      case 'closeIdle':
        return operators[act.do]();
      case 'stall':
        return this.stall(act.ms);
      case 'advance':
      case 'together':
      case 'throw':
        throw new Error(`${act.do} is no act of a moment`);
    }
  }

  /** In the middle of a turn: all that is timed may be so much late. */
  private stall(ms: number): void {
    const { seen, clock } = this.world;
    seen.notes.slack += ms;
    clock.stall(ms);
  }
}

function picked<R>(among: readonly R[], n: number): R | undefined {
  return among[n % among.length];
}
