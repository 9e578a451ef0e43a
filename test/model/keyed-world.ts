import {
  type DialContext,
  KeyedConnPool,
  type KeyedConnPoolOptions,
  type Lease,
  type PoolEvent,
} from 'nestjs-conn-pool/core';
import { FakeClock } from 'nestjs-conn-pool/testing';

export type Key = 'a' | 'b' | 'c';

export type KeyedAct =
  | { do: 'acquire'; key: Key; timeout: number; priority: number; fresh: boolean; signal: boolean }
  | { do: 'tryAcquire' | 'evictAll' | 'closeIdle' | 'outage' | 'back'; key: Key }
  | { do: 'release' | 'discard' | 'detach' | 'kill' | 'abort'; n: number }
  | { do: 'advance' | 'close'; ms: number }
  | { do: 'heartbeat' | 'evict everything' | 'close idle' };

export type KeyedAnswer = 'at once' | 'soon' | 'slow' | 'never' | 'fails' | 'throws';

export interface KeyedSchedule {
  readonly options: KeyedConnPoolOptions<Key>;
  readonly answers: readonly KeyedAnswer[];
  readonly acts: readonly KeyedAct[];
}

/** After these the pool may keep from dialling for a while. */
const TROUBLE: readonly PoolEvent['type'][] = ['dial-failed', 'lost', 'heartbeat-failed'];
/** For so long at most. */
const BACKOFF = 80;

class Conn {
  closes = 0;
  leases = 0;
  detached = false;
  lost: ((cause?: unknown) => void) | undefined;

  constructor(readonly key: Key) {}
}

interface Acquiring {
  readonly key: Key;
  readonly abort: AbortController | undefined;
  settled: number;
}

/** A pool by keys, what is done to it, and what an onlooker knows of it: who holds what, what was dialled and closed. */
export class KeyedWorld {
  readonly wrongs: string[] = [];
  readonly clock = new FakeClock(1000);
  readonly pool: KeyedConnPool<Key, Conn>;
  private readonly conns: Conn[] = [];
  private readonly leases: Lease<Conn>[] = [];
  private readonly acquiring: Acquiring[] = [];
  private readonly down = new Set<Key>();
  /** Dials and connections that exist, as the connector sees it; what hangs is given up at its timeout. */
  private readonly live: Record<Key, number> = { a: 0, b: 0, c: 0 };
  private granted = 0;
  private turn = 0;
  private healed = false;
  private closeCalled = false;

  constructor(private readonly schedule: KeyedSchedule) {
    this.pool = new KeyedConnPool<Key, Conn>(
      {
        dial: (key, context) => this.dial(key, context),
        close: (conn) => this.close(conn),
        heartbeat: (conn) => {
          this.mustBeOpen(conn, 'heartbeat');
          return this.answer(() => undefined);
        },
        watch: (conn, lost) => void (conn.lost = lost),
      },
      { clock: this.clock, ...schedule.options },
    );
    this.pool.events$.subscribe(({ type, key }) => {
      if (TROUBLE.includes(type)) this.troubledAt[key as Key] = this.clock.now();
    });
  }

  async take(act: KeyedAct): Promise<void> {
    if (act.do === 'advance') await this.clock.advance(act.ms);
    else {
      this.perform(act);
      await this.clock.settle();
    }
    this.look();
  }

  /** All goes well from now on: everybody must be served, and in the end nothing may be left. */
  async end(): Promise<void> {
    this.healed = true;
    this.down.clear();
    for (let round = 0; round < 100; round += 1) {
      for (const lease of this.leases.splice(0)) lease.release();
      await this.take({ do: 'advance', ms: 40 });
    }
    if (!this.closeCalled) {
      const left = this.acquiring.filter(({ settled }) => settled === 0);
      if (left.length > 0) this.wrong(`${left.length} acquires are left waiting`);
      await this.take({ do: 'advance', ms: 10_000 });
      if (this.pool.keys().length > 0) this.wrong(`keys without connections are kept: ${this.pool.keys()}`);
    }
    await this.take({ do: 'close', ms: 20 });
    await this.take({ do: 'advance', ms: 100 });
    if (this.pool.state !== 'closed') this.wrong('close() has not ended by its deadline');
    if (this.clock.pending > 0) this.wrong(`${this.clock.pending} timers are left`);
    await this.clock.advance(500);
    for (const { key, closes, detached } of this.conns) {
      if (closes + Number(detached) !== 1) this.wrong(`a connection for ${key} was closed ${closes} times`);
    }
    const { size, waiting, totals } = this.pool.stats();
    if (size !== 0 || waiting !== 0) this.wrong(`after close: ${JSON.stringify(this.pool.stats())}`);
    if (totals.acquired !== this.granted) this.wrong(`acquired ${totals.acquired}, granted ${this.granted}`);
  }

  private perform(act: KeyedAct): void {
    const { pool } = this;
    switch (act.do) {
      case 'acquire':
        return this.acquire(act);
      case 'tryAcquire': {
        const lease = pool.tryAcquire(act.key);
        return lease && this.grant(lease, act.key);
      }
      case 'release':
        return this.leases.splice(act.n % (this.leases.length || 1), 1)[0]?.release();
      case 'discard':
        return this.leases.splice(act.n % (this.leases.length || 1), 1)[0]?.discard();
      case 'detach': {
        const [lease] = this.leases.splice(act.n % (this.leases.length || 1), 1);
        if (lease?.active !== true) return;
        const { conn } = lease;
        conn.detached = true;
        this.live[conn.key] -= 1;
        lease.detach();
        return;
      }
      case 'kill': {
        const alive = this.conns.filter(({ closes, detached }) => closes === 0 && !detached);
        return alive[act.n % alive.length]?.lost?.(new Error('killed'));
      }
      case 'abort': {
        const waiting = this.acquiring.filter(({ settled, abort }) => settled === 0 && abort !== undefined);
        return waiting[act.n % waiting.length]?.abort?.abort(new Error('aborted'));
      }
      case 'outage':
        return void this.down.add(act.key);
      case 'back':
        return void this.down.delete(act.key);
      case 'closeIdle':
        return void pool.closeIdle(act.key);
      case 'close idle':
        return void pool.closeIdle();
      case 'evictAll':
        return pool.evictAll(act.key);
      case 'evict everything':
        return pool.evictAll();
      case 'heartbeat':
        return void pool.heartbeat({ timeout: 50 }).catch(() => undefined);
      case 'close':
        this.closeCalled = true;
        return void pool.close({ drain: act.ms });
      case 'advance':
        throw new Error('advance is no act of a moment');
    }
  }

  private acquire({ key, timeout, priority, fresh, signal }: KeyedAct & { do: 'acquire' }): void {
    const abort = signal ? new AbortController() : undefined;
    const one: Acquiring = { key, abort, settled: 0 };
    this.acquiring.push(one);
    this.pool.acquire(key, { timeout, priority, fresh, signal: abort?.signal }).then(
      (lease) => {
        one.settled += 1;
        if (fresh && lease.reused) this.wrong('a fresh acquire was given a used connection');
        this.grant(lease, key);
      },
      () => (one.settled += 1),
    );
  }

  private grant(lease: Lease<Conn>, key: Key): void {
    this.granted += 1;
    if (!lease.active) return;
    const { conn } = lease;
    if (conn.key !== key) this.wrong(`a connection for ${conn.key} was lent for ${key}`);
    if (this.leases.some((other) => other.active && other.conn === conn)) this.wrong('lent twice');
    this.mustBeOpen(conn, 'lease');
    this.leases.push(lease);
  }

  private mustBeOpen(conn: Conn, what: string): void {
    if (conn.closes > 0 || conn.detached) this.wrong(`${what} of a connection that is gone`);
  }

  private look(): void {
    const { pool } = this;
    const { max = Infinity, maxPerKey = max } = this.schedule.options;
    const counts = ['size', 'idle', 'leased', 'dialing', 'checking', 'closing', 'waiting'] as const;
    const all = pool.stats();
    const each = pool.keys().map((key) => pool.stats(key));
    for (const count of counts) {
      const sum = each.reduce((total, stats) => total + stats[count], 0);
      if (sum !== all[count]) this.wrong(`${count} is ${all[count]}, of all keys ${sum}`);
      if (all[count] < 0) this.wrong(`${count} is ${all[count]}`);
    }
    if (all.size !== all.idle + all.leased + all.dialing + all.checking + all.closing)
      this.wrong(`the counts do not add up: ${JSON.stringify(all)}`);
    if (all.size > max) this.wrong(`${all.size} connections of at most ${max}`);
    for (const { key, size } of each) if (size > maxPerKey) this.wrong(`${size} connections for ${key}`);
    for (const key of ['a', 'b', 'c'] as const) {
      if (this.live[key] > maxPerKey) this.wrong(`${this.live[key]} exist for ${key}`);
    }
    if (this.live.a + this.live.b + this.live.c > max) this.wrong(`exist: ${JSON.stringify(this.live)}`);
    if (pool.state === 'open') this.mustMove(each, all.size < max, all.idle > 0);
  }

  /** Nobody waits who could be served: whose key has one idle, or who could have a dial. */
  private mustMove(
    each: readonly {
      key: Key;
      idle: number;
      waiting: number;
      size: number;
      dialing: number;
      checking: number;
    }[],
    isRoom: boolean,
    mayMakeRoom: boolean,
  ): void {
    const { dialConcurrency = 4, max = Infinity, maxPerKey = max } = this.schedule.options;
    for (const { key, waiting, size, dialing, checking } of each) {
      if (waiting <= dialing + checking || size >= maxPerKey || dialing >= dialConcurrency) continue;
      const backedOff = this.clock.now() - (this.troubledAt[key] ?? -Infinity) <= BACKOFF;
      if (!backedOff && (isRoom || mayMakeRoom)) this.wrong(`${key} waits although there is room`);
    }
  }

  /** When a key was last in trouble: a back-off may keep it. */
  private readonly troubledAt: Partial<Record<Key, number>> = {};

  private wrong(what: string): void {
    if (this.wrongs.length < 10) this.wrongs.push(what);
  }

  private dial(key: Key, { signal }: DialContext): Conn | Promise<Conn> {
    this.live[key] += 1;
    let given = false;
    // What hangs is given up at its timeout, and what it gives later is closed at once.
    signal.addEventListener('abort', () => {
      if (!given) this.live[key] -= 1;
      given = true;
    });
    const make = (): Conn => {
      const conn = new Conn(key);
      if (given) this.live[key] += 1;
      given = true;
      this.conns.push(conn);
      return conn;
    };
    const failed = (error: unknown): never => {
      if (!given) this.live[key] -= 1;
      given = true;
      throw error;
    };
    let outcome: Conn | Promise<Conn>;
    try {
      outcome = this.down.has(key) ? Promise.reject(new Error('down')) : this.answer(make);
    } catch (error) {
      return failed(error);
    }
    if (!(outcome instanceof Promise)) return outcome;
    return outcome.catch(failed);
  }

  private close(conn: Conn): void | Promise<void> {
    conn.closes += 1;
    const gone = (): void => void (this.live[conn.key] -= 1);
    const how = this.healed ? 'soon' : this.next();
    if (how === 'at once' || how === 'fails' || how === 'throws' || how === 'never') return gone();
    return Promise.resolve().then(gone);
  }

  private next(): KeyedAnswer {
    const { answers } = this.schedule;
    return answers[this.turn++ % answers.length] as KeyedAnswer;
  }

  private answer<R>(value: () => R): R | Promise<R> {
    const fail = (): never => {
      throw new Error('failed');
    };
    switch (this.healed ? 'soon' : this.next()) {
      case 'at once':
        return value();
      case 'soon':
        return Promise.resolve().then(value);
      case 'slow':
        return new Promise((resolve) => void this.clock.setTimeout(() => resolve(value()), 7).unref());
      case 'never':
        return new Promise<R>(() => undefined);
      case 'fails':
        return Promise.resolve().then(fail);
      case 'throws':
        return fail();
    }
  }
}
