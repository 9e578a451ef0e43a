import { ConnPool, type ConnPoolOptions, type PoolEvent } from 'nestjs-conn-pool/core';
import { PoolLog } from '../../lib/nest/pool-log.js';
import { type Census, excess, takeCensus } from './census.js';
import { CountingClock } from './counting-clock.js';
import { Load, type LoadOptions, type Outcome } from './load.js';
import { LoopLateness } from './loop-lateness.js';
import type { Peer, Target } from './peers.js';
import { until } from './until.js';
import { Witness } from './witness.js';

/** How much later than its deadline anything may end. */
const SLACK = 100;

/** Short times, so that many rounds of each fault are seen. */
const POOL = {
  name: 'peer',
  max: 4,
  acquireTimeout: 600,
  dialTimeout: 200,
  heartbeatTimeout: 200,
  closeTimeout: 500,
  dialConcurrency: 2,
  dialBackoff: { initial: 20, max: 200 },
  drain: 1000,
} satisfies ConnPoolOptions;

/** For what is to be seen in all quietness: on a busy machine a server may take its time for a first answer. */
export const PATIENT = { acquireTimeout: 20_000, dialTimeout: 10_000, heartbeatTimeout: 10_000 } as const;

const CALLERS: Omit<LoadOptions, 'acquireTimeout'> = { workers: 8, callTimeout: 300, pause: 5 };

type Numbers = { [Option in keyof typeof POOL]: (typeof POOL)[Option] };

export interface SceneOptions {
  target: Target;
  pool?: ConnPoolOptions & Partial<Numbers>;
  callers?: Partial<LoadOptions>;
}

/**
 * One pool on the system's clock against one peer, under the eyes of a witness. `end()` closes it and tells, a sentence
 * each, what of that which must hold under every fault did not.
 */
export class Scene<T> implements AsyncDisposable {
  readonly clock = new CountingClock();
  readonly witness = new Witness<T>(this.clock);
  readonly pool: ConnPool<T>;
  readonly events: PoolEvent[] = [];
  /** What an application's log would hold. */
  readonly log: string[] = [];
  private readonly options: Numbers;
  private readonly callers: LoadOptions;
  private readonly lateness = new LoopLateness();
  private readonly before: Census = takeCensus();
  private readonly breaches: string[] = [];
  private readonly loads: Load<T>[] = [];
  private closed: Promise<void> | undefined = undefined;

  constructor(
    private readonly peer: Peer<T>,
    { target, pool, callers }: SceneOptions,
  ) {
    this.options = { ...POOL, ...pool };
    this.callers = { ...CALLERS, acquireTimeout: this.options.acquireTimeout, ...callers };
    const connector = this.witness.watch(peer.connector(target));
    this.pool = new ConnPool(connector, { ...this.options, clock: this.clock });
    const write = (line: string): void => void this.log.push(line);
    const log = new PoolLog('peer', this.pool, { log: write, warn: write }, this.clock);
    this.pool.events$.subscribe((event) => {
      this.witness.note(event);
      this.events.push(event);
      log.note(event);
    });
  }

  /** Callers come, and stay until the end or until their load is stopped. */
  underLoad(): Load<T> {
    const load = new Load(this.pool, this.peer, this.witness, this.callers);
    this.loads.push(load);
    return load;
  }

  /** So many connections are ready, however often it takes. */
  async warm(count: number): Promise<void> {
    await until(async () => (await this.pool.warmUp(count)) === count);
  }

  said<Type extends PoolEvent['type']>(type: Type): Extract<PoolEvent, { type: Type }>[] {
    return this.events.filter((event) => event.type === type) as never;
  }

  /** How many rounds of dials there may have been since the first, if each delay was `share` of what the back-off may give. */
  mostRounds(beganAt: number, share: number): number {
    const { initial, max } = this.options.dialBackoff;
    const elapsed = performance.now() - beganAt;
    let rounds = 0;
    for (let at = 0, delay = initial; at <= elapsed; rounds += 1) {
      at += delay * share;
      delay = Math.min(2 * delay, max);
    }
    return rounds;
  }

  /** Something that must not last longer than so many milliseconds, whatever else this process has to do. */
  async lasts<R>(what: string, limit: number, work: Promise<R>): Promise<R> {
    const startedAt = performance.now();
    try {
      return await work;
    } finally {
      this.mustEndBy(what, startedAt, startedAt + limit, performance.now());
    }
  }

  /**
   * Waits until callers are served again. From `upAt` on, when the server was, no pause between dials may be longer than
   * the back-off's cap.
   */
  async isBack(load: Load<T>, upAt: number): Promise<void> {
    await until(() => load.servedAfter(upAt) !== undefined);
    const { endedAt } = load.servedAfter(upAt) as Outcome;
    const pause = this.witness.longestPause(upAt, endedAt);
    const limit = this.options.dialBackoff.max + SLACK + this.lateness.within(upAt, endedAt);
    if (pause > limit) this.breaches.push(`${round(pause)} ms without a dial although the server was back`);
  }

  /** Stops the load and closes the pool. */
  close(): Promise<void> {
    return (this.closed ??= this.stop());
  }

  /** After `close()`. @returns what was not as it must be */
  async end(): Promise<string[]> {
    await this.close();
    for (const load of this.loads) this.judge(load);
    this.judgeDials();
    await this.judgeLeftovers();
    this.lateness[Symbol.dispose]();
    return this.breaches;
  }

  private async stop(): Promise<void> {
    await Promise.all(this.loads.map((load) => load.stop()));
    await until(() => this.isAtRest());
    const listeners = this.witness.listenersLeft();
    if (listeners !== 0) this.breaches.push(`${listeners} listeners left on sockets and signals`);
    const { drain, closeTimeout } = this.options;
    await this.lasts('close()', drain + closeTimeout, this.pool.close());
  }

  /** What was begun has ended; what keeps `min` may go on for ever. */
  private isAtRest(): boolean {
    const { size, idle, leased } = this.pool.stats();
    return size === idle + leased;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.lateness[Symbol.dispose]();
    await Promise.all(this.loads.map((load) => load.stop()));
    await this.pool.close({ drain: 0 });
  }

  private judge({ outcomes, lentDead, mixedUp, unsettled }: Load<T>): void {
    for (const { kind, startedAt, endedAt, timeout } of outcomes) {
      this.mustEndBy(kind, startedAt, startedAt + timeout, endedAt);
    }
    if (lentDead > 0) this.breaches.push(`${lentDead} leases on connections known to be dead`);
    if (mixedUp > 0) this.breaches.push(`${mixedUp} answers to somebody else's call`);
    if (unsettled > 0) this.breaches.push(`${unsettled} promises that never settled`);
  }

  private mustEndBy(what: string, startedAt: number, deadline: number, endedAt: number): void {
    const over = endedAt - deadline;
    if (over <= SLACK) return;
    // The pool counts from the end of a turn that lasts long.
    const excused = this.lateness.within(deadline, endedAt) + this.lateness.restOfTurn(startedAt);
    if (over > SLACK + excused) this.breaches.push(`${what} ended ${round(over)} ms after its deadline`);
  }

  private judgeDials(): void {
    const { mostDialing, mostOpen, tooEarly } = this.witness;
    const { dialConcurrency, max } = this.options;
    if (mostDialing > dialConcurrency) this.breaches.push(`${mostDialing} dials at once`);
    if (mostOpen > max) this.breaches.push(`${mostOpen} sockets open at once`);
    if (tooEarly.length > 0)
      this.breaches.push(`${tooEarly.length} dials began before the back-off was over`);
  }

  private async judgeLeftovers(): Promise<void> {
    if (this.clock.timers > 0) this.breaches.push(`${this.clock.timers} timers left`);
    const given = performance.now() + 2000;
    // The kernel's answers to our last closes are still to come.
    const left = (): string[] => excess(this.before, takeCensus());
    await until(() => left().length === 0 || performance.now() > given);
    this.breaches.push(...left().map((what) => `left behind: ${what}`));
    const open = this.witness.sockets.filter(({ destroyed }) => !destroyed).length;
    if (open > 0) this.breaches.push(`${open} sockets never destroyed`);
    if (this.witness.listenersLeft() > 0) this.breaches.push('listeners left after the close');
  }
}

function round(ms: number): number {
  return Math.round(ms);
}
