import { ConnPool, ConnPoolError, type Connector, type Lease } from 'nestjs-conn-pool/core';
import { FakeClock } from 'nestjs-conn-pool/testing';
import { addsUp, follow, type Standing } from '../pools-under-test.js';
import { type PoolCall, ReasonError, WorkError } from './calls.js';
import { isLease } from './stand.js';
import { type StrayErrors, textOf } from './stray-errors.js';

/** Every place from which a user's code can come back into the pool. */
export const PLACES = [
  ...['dial', 'close', 'heartbeat', 'reset', 'isAlive', 'watch', 'unwatch', 'isFatal', 'isPermanent', 'work'],
  ...[
    'abort of a dial',
    'abort of a heartbeat',
    'abort of a reset',
    'abort of a lease',
    'abort of an acquire',
  ],
  ...[
    'started',
    'dialed',
    'dial-failed',
    'recovered',
    'lost',
    'heartbeat-failed',
    'reset-failed',
    'close',
    'close-failed',
  ].map((type) => `event ${type}`),
  ...['exhausted', 'timeout', 'leak', 'leak-returned', 'state', 'closed', 'complete'].map(
    (type) => `event ${type}`,
  ),
] as const;

/** The calls are made at the first few visits to the place, and again in the middle of the day. */
const VISITS = 3;

/** Made once: a stack for each would be most of what a day costs. */
const FAILURES = { fails: new Error('fails'), 'fails for good': new Error('fails for good') };

class Conn {
  closes = 0;
  alive = true;
  lost: (cause?: unknown) => void = () => undefined;
}

/**
 * A day in the life of a pool in which all goes wrong that can, so that every callback is called. At one place of it
 * the pool is called from within; however the day goes on then, all that was promised must be settled, the sums must
 * hold, the pool must serve and must end.
 */
export class Day {
  /** How often the place was come by. */
  visits = 0;
  readonly wrongs: string[] = [];
  private readonly clock = new FakeClock(1000);
  private readonly conns: Conn[] = [];
  private readonly promised: { what: string; standing: { now: Standing<unknown> } }[] = [];
  private detached = 0;
  /** How the connector answers now. */
  private answers = 0;
  private mood: 'well' | 'fails' | 'hangs' | 'fails for good' = 'well';
  private readonly pool: ConnPool<Conn>;
  /** Nothing is done from within for a while. */
  private asleep = false;

  constructor(
    private readonly place: string,
    private readonly calls: readonly PoolCall[],
    private readonly stray: StrayErrors,
  ) {
    this.pool = new ConnPool<Conn>(this.connector(), {
      clock: this.clock,
      name: 'hostile',
      max: 3,
      min: 1,
      maxWaiting: 3,
      acquireTimeout: '2s',
      dialAttempts: 2,
      dialTimeout: 200,
      heartbeatTimeout: 200,
      resetTimeout: 200,
      closeTimeout: 200,
      heartbeatInterval: '20s',
      idleTimeout: '40s',
      leakThreshold: '5s',
      dialBackoff: { initial: 100, max: 200 },
      drain: '2s',
    });
    this.pool.events$.subscribe({
      next: ({ type }) => this.at(`event ${type}`),
      complete: () => this.at('event complete'),
    });
  }

  async live(): Promise<void> {
    const { pool, clock } = this;
    this.promise('start', pool.start());
    await clock.settle();
    await this.work();
    await this.trouble('fails');
    await this.trouble('fails for good');
    await this.trouble('hangs');
    await this.losses();
    await this.crowd();
    pool.pause();
    await clock.advance('1s');
    pool.resume();
    await clock.advance('1m');
    await this.mustServe();
    await this.mustEnd();
  }

  // ---- the day ---------------------------------------------------------------------------------------------------

  private async work(): Promise<void> {
    const { pool, clock } = this;
    for (const error of [undefined, new WorkError('fatal'), new WorkError('harmless')]) {
      const work = async (): Promise<void> => {
        this.at('work');
        await undefined;
        if (error !== undefined) throw error;
      };
      this.promise('use', pool.use(work));
      await clock.advance(50);
    }
  }

  /** Everything that may be asked of the connector is, while it answers like that. */
  private async trouble(mood: 'fails' | 'hangs' | 'fails for good'): Promise<void> {
    const { pool, clock } = this;
    const held = await this.take(2);
    this.mood = mood;
    held[0]?.release();
    await clock.advance('1s');
    held[1]?.discard();
    await clock.advance('1s');
    this.mood = 'well';
    const [one, two] = await this.take(2);
    one?.release();
    two?.release();
    await clock.advance(50);
    this.mood = mood;
    this.promise('heartbeat', pool.heartbeat());
    await clock.advance('1s');
    this.promise('acquire', pool.acquire({ fresh: true }));
    await clock.advance('1s');
    this.mood = 'well';
    await clock.advance('3s');
    this.giveBack();
  }

  private async losses(): Promise<void> {
    const { clock } = this;
    const [leased, idle, quiet] = await this.take(3);
    leased?.signal.addEventListener('abort', () => this.at('abort of a lease'));
    const [mine, other, silent] = [leased, idle, quiet].map((lease) =>
      lease?.active === true ? lease.conn : undefined,
    );
    idle?.release();
    quiet?.release();
    await clock.settle();
    mine?.lost(new Error('cut'));
    other?.lost();
    if (silent !== undefined) silent.alive = false;
    await clock.settle();
    leased?.release();
    await this.work();
  }

  /** More want a connection than there are, longer than they may. */
  private async crowd(): Promise<void> {
    const { pool, clock } = this;
    const held = await this.take(3);
    const controller = new AbortController();
    controller.signal.addEventListener('abort', () => this.at('abort of an acquire'));
    this.promise('one who gives up', pool.acquire({ signal: controller.signal }));
    for (let i = 0; i < 4; i++) this.promise('one of the crowd', pool.acquire());
    await clock.settle();
    controller.abort(new ReasonError());
    await clock.advance('10s');
    for (const lease of held) lease.release();
    await clock.advance(50);
    this.giveBack();
    await clock.advance(50);
  }

  private async take(count: number): Promise<Lease<Conn>[]> {
    const taken = Array.from({ length: count }, () => this.promise('acquire', this.pool.acquire()));
    await this.clock.advance('1s');
    return taken.flatMap(({ now }) => (now.state === 'resolved' ? [now.value] : []));
  }

  /** Every lease that anybody still has. */
  private giveBack(): void {
    for (const { standing } of this.promised) {
      if (standing.now.state === 'resolved' && isLease(standing.now.value)) standing.now.value.release();
    }
  }

  private promise<R>(what: string, promise: Promise<R>): { now: Standing<R> } {
    const standing = follow(promise);
    this.promised.push({ what, standing });
    return standing;
  }

  // ---- from within -----------------------------------------------------------------------------------------------

  private at(place: string): void {
    if (place !== this.place || this.asleep) return;
    this.visits += 1;
    if (this.visits > VISITS) return;
    for (const { name, gives, call } of this.calls) {
      this.mustAddUp(`before ${name} in ${place}`);
      this.come(name, gives, () => call(this.pool));
      this.mustAddUp(`after ${name} in ${place}`);
    }
  }

  private come(name: string, gives: 'promise' | 'value', call: () => unknown): void {
    try {
      const result = call();
      if (gives === 'promise' && !(result instanceof Promise)) this.wrongs.push(`${name} gave no promise`);
      this.promise(name, Promise.resolve(result));
    } catch (error) {
      this.wrongs.push(`${name} threw at once: ${textOf(error)}`);
    }
  }

  // ---- what must hold --------------------------------------------------------------------------------------------

  private mustAddUp(when: string): void {
    const stats = this.pool.stats();
    if (!addsUp(stats)) this.wrongs.push(`${when}: ${JSON.stringify(stats)}`);
    if (this.pool.inspect().length !== stats.size) this.wrongs.push(`${when}: inspect() does not show all`);
  }

  private async mustServe(): Promise<void> {
    const { pool, clock } = this;
    this.mustAddUp('in the evening');
    if (pool.state !== 'open' && pool.state !== 'paused') return;
    this.asleep = true;
    pool.resize({ max: 3, min: 0 });
    pool.resume();
    // Nothing is asked of it that might wake it: those who wait must be served by what is given back, and by time.
    for (let round = 0; round < 10 && pool.stats().waiting > 0; round++) {
      this.giveBack();
      await clock.advance(200);
    }
    if (pool.stats().waiting > 0)
      this.wrongs.push(`it has forgotten who waits: ${JSON.stringify(pool.stats())}`);
    this.giveBack();
    const last = this.promise('the last acquire', pool.acquire());
    await clock.advance('2s');
    if (last.now.state !== 'resolved') this.wrongs.push(`it serves no more: ${JSON.stringify(pool.stats())}`);
    this.asleep = false;
  }

  private async mustEnd(): Promise<void> {
    const { pool, clock } = this;
    this.giveBack();
    this.promise('the last close', pool.close({ drain: 0 }));
    await clock.advance('1m');
    this.giveBack();
    this.mustAddUp('in the end');
    const { size, waiting } = pool.stats();
    if (pool.state !== 'closed') this.wrongs.push(`close() does not end: ${JSON.stringify(pool.stats())}`);
    if (size + waiting + clock.pending > 0)
      this.wrongs.push(`left: ${size} + ${waiting}, timers ${clock.pending}`);
    for (const { what, standing } of this.promised) this.mustBeSettled(what, standing.now);
    for (const { closes } of this.conns) if (closes > 1) this.wrongs.push('one connection is closed twice');
    const open = this.conns.filter(({ closes }) => closes === 0).length - this.detached;
    if (open !== 0) this.wrongs.push(`${open} connections are never closed`);
    for (const error of this.stray.take()) this.wrongs.push(`an unhandled rejection: ${textOf(error)}`);
  }

  private mustBeSettled(what: string, now: Standing<unknown>): void {
    if (now.state === 'pending') this.wrongs.push(`${what} is never settled`);
    if (now.state !== 'rejected') return;
    const { error } = now;
    const expected =
      error instanceof ConnPoolError || error instanceof ReasonError || error instanceof WorkError;
    if (!expected) this.wrongs.push(`${what}: ${textOf(error)}`);
  }

  // ---- the connector ---------------------------------------------------------------------------------------------

  private connector(): Connector<Conn> {
    return {
      dial: ({ signal }) => {
        signal.addEventListener('abort', () => this.at('abort of a dial'));
        this.at('dial');
        return this.answer(() => this.make());
      },
      close: (conn) => {
        conn.closes += 1;
        this.at('close');
        return this.answer(() => undefined);
      },
      heartbeat: (_conn, { signal }) => {
        signal.addEventListener('abort', () => this.at('abort of a heartbeat'));
        this.at('heartbeat');
        return this.answer(() => undefined);
      },
      reset: (_conn, { signal }) => {
        signal.addEventListener('abort', () => this.at('abort of a reset'));
        this.at('reset');
        return this.answer(() => undefined);
      },
      isAlive: ({ alive }) => {
        this.at('isAlive');
        return alive;
      },
      watch: (conn, lost) => {
        conn.lost = lost;
        this.at('watch');
        return () => this.at('unwatch');
      },
      isFatal: (error) => {
        this.at('isFatal');
        return (error as Error).message === 'fatal';
      },
      isPermanent: (error) => {
        this.at('isPermanent');
        return (error as Error).message === 'fails for good';
      },
    };
  }

  private make(): Conn {
    const conn = new Conn();
    this.conns.push(conn);
    return conn;
  }

  /** Every other time at once. */
  private answer<R>(value: () => R): R | Promise<R> {
    if (this.mood === 'hangs') return new Promise(() => undefined);
    const atOnce = (this.answers += 1) % 2 === 0;
    if (this.mood === 'well') return atOnce ? value() : Promise.resolve().then(value);
    if (atOnce) throw FAILURES[this.mood];
    return Promise.reject(FAILURES[this.mood]);
  }
}
