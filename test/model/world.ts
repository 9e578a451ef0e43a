import { ConnPool, type Connector, type Lease, type PoolEvent, type PoolStats } from 'nestjs-conn-pool/core';
import { FakeClock } from 'nestjs-conn-pool/testing';
import type { Act, Answer, Schedule } from './acts.js';

/** More calls than this in one step of no duration: something starts itself again and again. */
const MOST_CALLS = 3000;
/** How many acts from inside callbacks one run may do, and how deep they may nest. */
const MOST_INNER = 40;
const DEEPEST = 3;

/** After these the pool may keep from dialling for a while. */
const TROUBLE: readonly PoolEvent['type'][] = ['dial-failed', 'lost', 'heartbeat-failed'];

class Conn {
  /** Not used since it was made or reset. */
  clean = true;
  closes = 0;
  grants = 0;
  detached = false;
  dead = false;
  /** The generation that was current when its dial began. */
  generation = 0;
  lost: ((cause?: unknown) => void) | undefined;

  constructor(readonly serial: number) {}
}

interface Acquiring {
  readonly seq: number;
  readonly step: number;
  readonly priority: number;
  readonly fresh: boolean;
  readonly deadline: number;
  readonly abort: AbortController | undefined;
  state: 'pending' | 'granted' | 'rejected';
}

interface Promised {
  readonly what: string;
  settled: number;
}

/**
 * One pool, its connector, and what an onlooker knows of both without asking the engine: who holds what, what was
 * dialled, closed, given away. What is not as it must be is written down in `wrongs`.
 */
export class World {
  readonly wrongs: string[] = [];
  readonly clock = new FakeClock(1000);
  readonly pool: ConnPool<Conn>;
  readonly conns: Conn[] = [];
  readonly leases: Lease<Conn>[] = [];
  readonly acquiring: Acquiring[] = [];
  private readonly promises: Promised[] = [];
  private readonly seen = { granted: 0, aborted: 0, timeouts: 0, refused: 0 };
  private step = 0;
  private callsInStep = 0;
  private calledAt = NaN;
  private depth = 0;
  private inner = 0;
  private outage = false;
  private healed = false;
  private turn = { answer: 0, stillborn: 0, call: 0, listener: 0 };
  private generation = 0;
  /** As things stood when the present step began. */
  private before = { generation: 0, paused: false, over: false };
  private closeCalled = false;
  private unpaused = false;
  private ceiling: number;
  private orphans = 0;
  private troubledAt = -Infinity;

  constructor(private readonly schedule: Schedule) {
    const { clock } = this;
    this.pool = new ConnPool<Conn>(this.connector(), { clock, ...schedule.options });
    this.ceiling = this.pool.stats().max;
    this.pool.events$.subscribe((event) => this.heard(event));
  }

  wrong(what: string): void {
    if (this.wrongs.length < 20) this.wrongs.push(`step ${this.step}: ${what}`);
  }

  /** Does one act, lets everything happen that needs no time, and looks at the whole. */
  async take(act: Act): Promise<void> {
    this.step += 1;
    this.callsInStep = 0;
    this.unpaused = false;
    this.before = {
      generation: this.generation,
      paused: this.pool.state === 'paused',
      over: this.closeCalled,
    };
    if (act.do === 'advance') await this.clock.advance(act.ms);
    else if (act.do === 'stall') this.clock.stall(act.ms);
    else {
      this.act(act);
      await this.clock.settle();
    }
    this.look();
    if (act.do === 'stall') return;
    this.mustBeInTime();
    this.mustMove(this.pool.stats());
  }

  /** Everything goes well from now on; then nobody may be left waiting. */
  async end(): Promise<void> {
    this.healed = true;
    this.outage = false;
    if (!this.closeCalled) await this.take({ do: 'resume' });
    for (let round = 0; round < 400; round += 1) {
      for (const lease of [...this.leases]) this.safely(() => lease.release());
      await this.take({ do: 'advance', ms: 40 });
      // Long enough for every timeout and back-off; longer only for those who are being served one by one.
      if (round >= 50 && this.leases.length === 0) break;
    }
    this.mustBeServed();
    await this.mustClose();
  }

  private mustBeServed(): void {
    const { pool } = this;
    const waiting = this.acquiring.filter(({ state }) => state === 'pending');
    if (waiting.length > 0)
      this.wrong(`${waiting.length} acquires are left waiting: ${JSON.stringify(pool.stats())}`);
    for (const { what, settled } of this.promises) {
      if (settled === 0 && what !== 'close') this.wrong(`${what} has not settled`);
    }
    if (pool.state !== 'open' || !this.keepsMin) return;
    const { idle, leased, dialing, checking, min } = pool.stats();
    if (idle + leased + dialing + checking < min)
      this.wrong(`min ${min} is not restored: ${JSON.stringify(pool.stats())}`);
  }

  private keepsMin = false;

  private async mustClose(): Promise<void> {
    const { pool, clock } = this;
    await this.take({ do: 'close', ms: 20 });
    await this.take({ do: 'advance', ms: 20 + 60 + 5 });
    if (pool.state !== 'closed')
      this.wrong(`close() has not ended by its deadline: ${JSON.stringify(pool.stats())}`);
    if (clock.pending !== 0)
      this.wrong(`${clock.pending} timers are left, ${clock.refs} of them hold the process`);
    for (const { what, settled } of this.promises)
      if (settled === 0) this.wrong(`${what} has not settled after close()`);
    await this.take({ do: 'advance', ms: 500 });
    for (const { serial, closes, detached } of this.conns) {
      if (closes + (detached ? 1 : 0) !== 1)
        this.wrong(`connection ${serial}: ${closes} closes, detached ${detached}`);
    }
    const { size, waiting, totals } = pool.stats();
    if (size !== 0 || waiting !== 0) this.wrong(`after close: ${JSON.stringify(pool.stats())}`);
    const ended = Object.values(totals.closed).reduce((sum, count) => sum + count, 0);
    const closed = this.conns.filter(({ detached }) => !detached).length;
    // What was dialled too late is closed beside the count; if that hangs while the pool closes, nobody is told.
    if (ended > closed || ended < closed - this.orphans)
      this.wrong(`totals.closed is ${ended}, but ${closed} were closed`);
    if (totals.acquired !== this.seen.granted)
      this.wrong(`totals.acquired ${totals.acquired}, granted ${this.seen.granted}`);
    for (const bin of ['aborted', 'timeouts', 'refused'] as const) {
      if (totals[bin] !== this.seen[bin])
        this.wrong(`totals.${bin} is ${totals[bin]}, seen ${this.seen[bin]}`);
    }
  }

  // ---- the acts --------------------------------------------------------------------------------------------------

  private act(act: Act): void {
    try {
      this.perform(act);
    } catch (error) {
      this.wrong(`${act.do} threw ${String((error as Error).stack)}`);
    }
  }

  private perform(act: Act): void {
    const { pool } = this;
    switch (act.do) {
      case 'acquire':
        return this.acquire(act.timeout, act.priority, act.fresh, act.signal);
      case 'burst':
        for (let one = 0; one <= act.n; one += 1) this.acquire(0, 0, false, false);
        return;
      case 'tryAcquire': {
        const lease = pool.tryAcquire();
        if (lease !== undefined) this.granted(lease, undefined);
        return;
      }
      case 'use':
        return this.use(act.fails, act.ms);
      case 'release':
        return this.leases[act.n % this.leases.length]?.release();
      case 'release twice': {
        const lease = this.leases[act.n % this.leases.length];
        lease?.release();
        lease?.release();
        return lease?.discard();
      }
      case 'discard':
        return this.leases[act.n % this.leases.length]?.discard(new Error('discarded'));
      case 'detach':
        return this.detach(this.leases[act.n % this.leases.length]);
      case 'abort': {
        const waiting = this.acquiring.filter(
          ({ state, abort }) => state === 'pending' && abort !== undefined,
        );
        return waiting[act.n % waiting.length]?.abort?.abort(new Error('aborted'));
      }
      case 'kill':
      case 'kill quietly': {
        const alive = this.conns.filter(({ closes, dead }) => closes === 0 && !dead);
        const conn = alive[act.n % alive.length];
        if (conn === undefined) return;
        conn.dead = true;
        if (act.do === 'kill') conn.lost?.(new Error('killed'));
        return;
      }
      case 'resize':
        this.ceiling = Math.max(this.ceiling, act.max);
        pool.resize({ max: act.max, min: act.min, maxIdle: act.maxIdle });
        return;
      case 'warmUp':
        return this.follow('warmUp', pool.warmUp(act.n));
      case 'heartbeat':
        return this.follow('heartbeat', pool.heartbeat({ timeout: act.timeout, dialIfNone: act.dialIfNone }));
      case 'outage':
        this.outage = act.on && !this.healed;
        return;
      case 'evictAll':
        this.generation += 1;
        return pool.evictAll();
      case 'closeIdle':
        return this.follow('closeIdle', pool.closeIdle());
      case 'pause':
        return this.healed ? undefined : pool.pause();
      case 'resume':
        this.unpaused = true;
        return pool.resume();
      case 'start':
        if (this.schedule.options.startup !== 'lazy') this.keepsMin = true;
        return this.follow('start', pool.start());
      case 'look':
        this.consistent(pool.stats());
        return void pool.inspect();
      case 'close':
        return this.close(act.ms);
      case 'advance':
      case 'stall':
        throw new Error(`${act.do} is no act of a moment`);
    }
  }

  private acquire(timeout: number, priority: number, fresh: boolean, signal: boolean): void {
    const abort = signal ? new AbortController() : undefined;
    const one: Acquiring = {
      seq: this.acquiring.length,
      step: this.step,
      priority,
      fresh,
      deadline: this.clock.now() + (timeout === 0 ? Infinity : timeout),
      abort,
      state: 'pending',
    };
    this.acquiring.push(one);
    const promise = this.pool.acquire({ timeout, priority, fresh, signal: abort?.signal });
    promise.then(
      (lease) => {
        if (one.state !== 'pending') this.wrong(`acquire ${one.seq} settled twice`);
        one.state = 'granted';
        this.granted(lease, one);
      },
      (error: unknown) => {
        if (one.state !== 'pending') this.wrong(`acquire ${one.seq} settled twice`);
        one.state = 'rejected';
        this.refused(error, abort);
      },
    );
  }

  private refused(error: unknown, abort: AbortController | undefined): void {
    const { code } = error as { code?: string };
    if (abort?.signal.aborted === true && error === abort.signal.reason) this.seen.aborted += 1;
    else if (code === 'ERR_ACQUIRE_TIMEOUT') this.seen.timeouts += 1;
    else if (code === 'ERR_POOL_EXHAUSTED') this.seen.refused += 1;
    else if (code !== 'ERR_POOL_CLOSED' && code !== 'ERR_DIAL') this.wrong(`acquire: ${String(error)}`);
    if (code === 'ERR_POOL_CLOSED' && !this.closeCalled)
      this.wrong('a pool that is open said that it is closed');
  }

  private use(fails: boolean, ms: number): void {
    this.promises.push({ what: 'use', settled: 0 });
    const promised = this.promises.at(-1) as Promised;
    const work = async (conn: Conn, lease: Lease<Conn>): Promise<void> => {
      this.granted(lease, undefined);
      if (ms > 0) await new Promise<void>((resolve) => void this.clock.setTimeout(resolve, ms).unref());
      if (lease.active && conn.closes > 0) this.wrong(`connection ${conn.serial} was closed under use()`);
      if (fails) throw new Error('work');
    };
    this.pool.use(work, { timeout: 400 }).then(
      () => (promised.settled += 1),
      (error: unknown) => {
        promised.settled += 1;
        if ((error as Error).message === 'work') return;
        // Taken back between the grant and the work.
        if ((error as { code?: string }).code === 'ERR_LEASE_ENDED') this.seen.granted += 1;
        else this.refused(error, undefined);
      },
    );
  }

  private detach(lease: Lease<Conn> | undefined): void {
    if (lease?.active !== true) return;
    // Before: from then on it is the caller's, whatever the pool does inside.
    const { conn } = lease;
    conn.detached = true;
    lease.detach();
  }

  private close(drain: number): void {
    const before = this.acquiring.filter(({ state }) => state === 'pending');
    this.closeCalled = true;
    this.follow('close', this.pool.close({ drain }));
    const told = this.step;
    void Promise.resolve()
      .then(() => undefined)
      .then(() => {
        if (this.depth === 0 && before.some(({ state }) => state === 'pending')) {
          this.wrong(`close() in step ${told} has not told everybody in the same tick`);
        }
      });
  }

  private follow(what: string, promise: Promise<unknown>): void {
    const promised: Promised = { what, settled: 0 };
    this.promises.push(promised);
    const settled = (): void => {
      if ((promised.settled += 1) > 1) this.wrong(`${what} settled twice`);
    };
    promise.then(settled, (error: unknown) => {
      settled();
      const { code } = error as { code?: string };
      if (code !== 'ERR_POOL_CLOSED' && code !== 'ERR_DIAL')
        this.wrong(`${what}: ${String((error as Error).stack)}`);
    });
  }

  // ---- what the onlooker knows -----------------------------------------------------------------------------------

  private granted(lease: Lease<Conn>, one: Acquiring | undefined): void {
    this.seen.granted += 1;
    if (!lease.active) return;
    const { conn } = lease;
    const what = `connection ${conn.serial}, lent to ${one === undefined ? 'a caller' : `acquire ${one.seq}`},`;
    if (conn.closes > 0) this.wrong(`${what} is closed`);
    if (conn.detached) this.wrong(`${what} was given away`);
    if (conn.generation < this.before.generation) this.wrong(`${what} is of an old generation`);
    if (this.before.over) this.wrong(`${what} after close()`);
    if (this.before.paused && !this.unpaused) this.wrong(`${what} while paused`);
    if (this.holders(conn) > 0) this.wrong(`${what} is lent twice`);
    if (!lease.reused && conn.grants > 0) this.wrong(`${what} has served before, but is called new`);
    if (one?.fresh === true && lease.reused) this.wrong(`${what} is not fresh`);
    const { maxUses = Infinity } = this.schedule.options;
    if ((conn.grants += 1) > maxUses) this.wrong(`${what} is lent for the ${conn.grants}th time`);
    if (this.schedule.methods.reset && !conn.clean) this.wrong(`${what} was not reset`);
    conn.clean = false;
    if (one !== undefined) this.mustBeFirst(one, lease.reused);
    this.leases.push(lease);
    lease.signal.addEventListener('abort', () => this.within('listener'));
  }

  private mustBeFirst(one: Acquiring, reused: boolean): void {
    for (const other of this.acquiring) {
      if (other.state !== 'pending' || (other.fresh && reused) || other.step === this.step) continue;
      // Of two that came in one step the one inside the other may have joined the line first.
      if (other.step === one.step && this.nested) continue;
      const ahead = other.priority > one.priority || (other.priority === one.priority && other.seq < one.seq);
      if (ahead && other.abort?.signal.aborted !== true) {
        this.wrong(`acquire ${one.seq} has overtaken acquire ${other.seq}`);
      }
    }
  }

  /** Whether the pool is called from within what it calls. */
  private get nested(): boolean {
    return this.schedule.inCalls.length + this.schedule.inListeners.length > 0;
  }

  private holders(conn: Conn): number {
    return this.leases.filter((lease) => lease.active && lease.conn === conn).length;
  }

  private consistent({ size, idle, leased, dialing, checking, closing, waiting, max }: PoolStats): void {
    if (size !== idle + leased + dialing + checking + closing) this.wrong(`size ${size} is not the sum`);
    if ([idle, leased, dialing, checking, closing, waiting].some((count) => !(count >= 0)))
      this.wrong('a count below 0');
    this.ceiling = Math.max(this.ceiling, max);
    if (size > this.ceiling && this.schedule.options.exhausted !== 'overflow')
      this.wrong(`size ${size} is above ${this.ceiling}`);
  }

  private look(): void {
    const { pool } = this;
    const stats = pool.stats();
    this.consistent(stats);
    // After a shrink what exists may exceed max, but must not grow.
    this.ceiling = Math.max(stats.max, stats.size);
    const rows = pool.inspect();
    if (rows.length !== stats.size) this.wrong(`${rows.length} rows for ${stats.size} connections`);
    for (let at = this.leases.length - 1; at >= 0; at -= 1)
      if (!this.leases[at]?.active) this.leases.splice(at, 1);
    if (this.leases.length !== stats.leased)
      this.wrong(`${this.leases.length} leases, but ${stats.leased} leased`);
    const held = new Set<Conn>(this.leases.map(({ conn }) => conn));
    if (held.size !== this.leases.length) this.wrong('one connection, two leases');
    for (const conn of held)
      if (conn.closes > 0) this.wrong(`connection ${conn.serial} is closed and leased`);
    const open = this.conns.filter(({ closes, detached }) => closes === 0 && !detached).length;
    const ready = stats.idle + stats.leased + stats.checking;
    if (open < ready || open > ready + stats.dialing)
      this.wrong(`${open} are open: ${JSON.stringify(stats)}`);
    const pending = this.acquiring.filter(({ state }) => state === 'pending').length;
    if (pending > stats.waiting) this.wrong(`${pending} acquires wait, the line has ${stats.waiting}`);
    if (stats.dialing > (this.schedule.options.dialConcurrency ?? 4))
      this.wrong(`${stats.dialing} dials at once`);
    if (this.closeCalled && pending > 0) this.wrong('somebody waits after close()');
    if (pool.state === 'closed' && stats.size > 0) this.wrong('closed, but not empty');
    this.mustHold(stats);
  }

  /** The process stays up while somebody waits on a timer of the pool, and only then; the world's own hold nothing. */
  private mustHold({ state, waiting }: PoolStats): void {
    const { refs } = this.clock;
    const deadline = this.acquiring.some((one) => one.state === 'pending' && one.deadline < Infinity);
    if (deadline && refs === 0) this.wrong('somebody waits, but nothing holds the process');
    const awaited = waiting > 0 || state === 'draining' || this.promises.some(({ settled }) => settled === 0);
    if (!awaited && refs > 0) this.wrong(`nobody waits, but ${refs} timers hold the process`);
  }

  /** Somebody could be served, nothing is under way, and no trouble is recent enough for a back-off. */
  private mustMove({ state, waiting, idle, size, max, dialing, checking, closing }: PoolStats): void {
    if (state !== 'open' || waiting === 0 || dialing + checking + closing > 0) return;
    const { max: longest = 0 } = this.schedule.options.dialBackoff ?? {};
    const calm = this.clock.now() - this.troubledAt > Number(longest) + 1;
    const regular = this.acquiring.some((one) => one.state === 'pending' && !one.fresh);
    if (((regular && idle > 0) || size < max) && calm) this.wrong('a lost wake-up');
  }

  /** Deadlines hold, except while the event loop stands still. */
  private mustBeInTime(): void {
    const now = this.clock.now();
    const late = this.acquiring.find((one) => one.state === 'pending' && one.deadline < now - 1);
    if (late !== undefined)
      this.wrong(`acquire ${late.seq} is pending ${now - late.deadline} ms after its deadline`);
  }

  private heard(event: PoolEvent): void {
    this.consistent(this.pool.stats());
    if (TROUBLE.includes(event.type)) this.troubledAt = this.clock.now();
    if (event.type === 'closed' && this.pool.stats().size > 0) this.wrong('closed with connections left');
    this.within('listener');
  }

  // ---- the connector ---------------------------------------------------------------------------------------------

  private connector(): Connector<Conn> {
    const { heartbeat, reset, isAlive, watch } = this.schedule.methods;
    return {
      dial: ({ signal }) => this.dial(signal),
      close: (conn) => {
        if ((conn.closes += 1) > 1) this.wrong(`connection ${conn.serial} is closed again`);
        if (conn.grants === 0) this.orphans += 1;
        if (conn.detached) this.wrong(`connection ${conn.serial} is closed, but was given away`);
        if (this.holders(conn) > 0) this.wrong(`connection ${conn.serial} is closed in its borrower's hands`);
        conn.dead = true;
        return this.answer(() => undefined) as Promise<void>;
      },
      isPermanent: (error) => (error as Error).message === 'permanent',
      ...(heartbeat && {
        heartbeat: (conn: Conn, { signal }: { signal: AbortSignal }) => this.touch('heartbeat', conn, signal),
      }),
      ...(reset && {
        reset: (conn: Conn, { signal }: { signal: AbortSignal }) =>
          this.touch('reset', conn, signal) as Promise<void>,
      }),
      ...(isAlive && {
        isAlive: (conn: Conn) => {
          this.called();
          this.touchable('isAlive', conn);
          this.within('call');
          return !conn.dead;
        },
      }),
      ...(watch && {
        watch: (conn: Conn, lost: (cause?: unknown) => void) => {
          conn.lost = lost;
          this.within('call');
          if (this.stillborn()) {
            conn.dead = true;
            lost(new Error('stillborn'));
          }
          return () => void (conn.lost = undefined);
        },
      }),
    };
  }

  private dial(signal: AbortSignal): Conn | Promise<Conn> {
    const { generation } = this;
    if (this.before.over) this.wrong('a dial after close()');
    if (this.before.paused && !this.unpaused) this.wrong('a dial while paused');
    signal.addEventListener('abort', () => this.within('listener'));
    return this.answer(() => {
      const conn = new Conn(this.conns.length + 1);
      conn.generation = generation;
      this.conns.push(conn);
      return conn;
    });
  }

  private touch(what: string, conn: Conn, signal: AbortSignal): unknown {
    this.touchable(what, conn);
    // What is being destroyed says so at once.
    signal.addEventListener('abort', () => {
      if (this.schedule.inListeners.length > 0) conn.lost?.(new Error('destroyed'));
      this.within('listener');
    });
    return this.answer(() => {
      if (conn.dead) throw new Error('dead');
      if (what === 'reset') conn.clean = true;
    });
  }

  private touchable(what: string, conn: Conn): void {
    if (conn.closes > 0) this.wrong(`${what} of connection ${conn.serial}, which is closed`);
    if (conn.detached) this.wrong(`${what} of connection ${conn.serial}, which was given away`);
    if (this.holders(conn) > 0) this.wrong(`${what} of connection ${conn.serial}, which is leased`);
  }

  private called(): void {
    const now = this.clock.now();
    if (now !== this.calledAt) this.callsInStep = 0;
    this.calledAt = now;
    if ((this.callsInStep += 1) === MOST_CALLS)
      this.wrong(`${MOST_CALLS} calls of the connector in one instant`);
  }

  private answer<R>(value: () => R): R | Promise<R> {
    this.called();
    if (this.callsInStep > MOST_CALLS) return new Promise<R>(() => undefined);
    this.within('call');
    const how = this.next();
    const after = (ms: number, what: () => R): Promise<R> =>
      new Promise<R>(
        (resolve, reject) =>
          void this.clock
            .setTimeout(() => {
              try {
                resolve(what());
              } catch (error) {
                reject(error as Error);
              }
            }, ms)
            .unref(),
      );
    const fail = (message: string) => (): R => {
      throw new Error(message);
    };
    if (this.outage) return Promise.resolve().then(fail('outage'));
    switch (how) {
      case 'at once':
        return value();
      case 'soon':
        return Promise.resolve().then(value);
      case 'slow':
        return after(7, value);
      case 'late':
        return after(130, value);
      case 'never':
        return new Promise<R>(() => undefined);
      case 'fails':
        return Promise.resolve().then(fail('failed'));
      case 'fails slowly':
        return after(7, fail('failed'));
      case 'throws':
        return fail('threw')();
      case 'permanent':
        return Promise.resolve().then(fail('permanent'));
    }
  }

  private next(): Answer {
    const { answers } = this.schedule;
    return this.healed ? 'soon' : (answers[this.turn.answer++ % answers.length] as Answer);
  }

  private stillborn(): boolean {
    const { stillborn } = this.schedule;
    return !this.healed && stillborn[this.turn.stillborn++ % stillborn.length] === true;
  }

  /** The pool is called from within what it calls. */
  private within(where: 'call' | 'listener'): void {
    const acts = where === 'call' ? this.schedule.inCalls : this.schedule.inListeners;
    if (acts.length === 0 || this.healed || this.depth >= DEEPEST || this.inner >= MOST_INNER) return;
    const act = acts[this.turn[where]++ % acts.length];
    if (act === undefined) return;
    this.inner += 1;
    this.depth += 1;
    this.act(act);
    this.depth -= 1;
  }

  private safely(act: () => void): void {
    try {
      act();
    } catch (error) {
      this.wrong(`threw ${String((error as Error).stack)}`);
    }
  }
}
