import { setTimeout as delay } from 'node:timers/promises';
import type { AcquireOptions, ConnPool, Lease } from 'nestjs-conn-pool/core';
import type { Peer } from './peers.js';
import type { Witness } from './witness.js';

/** How one acquire or one call has ended. Times on `performance.now()`. */
export interface Outcome {
  readonly kind: 'acquire' | 'call';
  readonly startedAt: number;
  readonly endedAt: number;
  readonly timeout: number;
  /** What the caller gets; `undefined` when all is well. */
  readonly error: unknown;
}

export interface LoadOptions {
  workers: number;
  acquireTimeout: number;
  /** After it a caller has no more patience: it discards its lease. */
  callTimeout: number;
  /** Between two calls of one worker, in milliseconds. */
  pause: number;
}

/**
 * Callers that call for as long as they are let, each in one of the ways there are, and all that happens to them. A call
 * ends by its deadline because the caller discards the lease: the connector must then reject it.
 */
export class Load<T> {
  readonly outcomes: Outcome[] = [];
  /** Leases on connections that the pool knew were dead. */
  lentDead = 0;
  /** Answers that were not the caller's own. */
  mixedUp = 0;
  /** Promises of acquires, uses and calls that have not settled. */
  unsettled = 0;
  private readonly stopped = new AbortController();
  private readonly workers: Promise<void>[];

  constructor(
    private readonly pool: ConnPool<T>,
    private readonly peer: Peer<T>,
    private readonly witness: Witness<T>,
    private readonly options: LoadOptions,
  ) {
    this.workers = Array.from({ length: options.workers }, (_, worker) => this.work(worker));
  }

  /** No new calls; resolves when those under way have ended, or should have long ago. */
  async stop(): Promise<void> {
    this.stopped.abort();
    const { acquireTimeout, callTimeout } = this.options;
    const enough = new AbortController();
    const patience = delay(acquireTimeout + callTimeout + 5000, undefined, { signal: enough.signal });
    await Promise.race([Promise.all(this.workers), patience]);
    enough.abort();
    await patience.catch(() => undefined);
  }

  /** The first call that went well after that moment. */
  servedAfter(moment: number): Outcome | undefined {
    return this.outcomes.find(
      ({ kind, error, endedAt }) => kind === 'call' && error === undefined && endedAt > moment,
    );
  }

  failures(kind: Outcome['kind']): unknown[] {
    return this.outcomes
      .filter((outcome) => outcome.kind === kind && outcome.error !== undefined)
      .map(({ error }) => error);
  }

  private async work(worker: number): Promise<void> {
    for (let call = 0; !this.stopped.signal.aborted; call += 1) {
      await this.callOnce(worker, `${worker}-${call}`);
      if (this.options.pause > 0) await delay(this.options.pause);
    }
  }

  private async callOnce(worker: number, text: string): Promise<void> {
    const { acquireTimeout: timeout } = this.options;
    const startedAt = performance.now();
    const late = new AbortController();
    // By a time of its own, by the pool's, or by a signal.
    const limits: AcquireOptions[] = [{ timeout }, {}, { signal: late.signal, timeout: 0 }];
    const timer = worker % 3 === 2 ? setTimeout(() => late.abort(new Error('late')), timeout) : undefined;
    let granted = false;
    const settled = (error?: unknown): void => {
      clearTimeout(timer);
      granted = true;
      this.outcomes.push({ kind: 'acquire', startedAt, endedAt: performance.now(), timeout, error });
    };
    const useOnce = async (conn: T, lease: Lease<T>): Promise<void> => {
      settled();
      if (this.witness.wasKnownDead(conn)) this.lentDead += 1;
      await this.callOn(conn, lease, text);
    };
    try {
      const limit = limits[worker % 3];
      if (worker % 2 === 0) await this.count(this.pool.use(useOnce, limit));
      else {
        const lease = await this.count(this.pool.acquire(limit));
        await useOnce(lease.conn, lease).then(
          () => lease.release(),
          (error: unknown) => lease.discard(error),
        );
      }
    } catch (error) {
      if (!granted) settled(error);
    }
  }

  private async callOn(conn: T, lease: Lease<T>, text: string): Promise<void> {
    const { callTimeout: timeout } = this.options;
    const startedAt = performance.now();
    const patience = setTimeout(() => lease.discard(new Error('no answer in time')), timeout);
    let error: unknown;
    try {
      const answer = await this.count(this.peer.echo(conn, text));
      if (answer !== text) this.mixedUp += 1;
    } catch (cause) {
      error = cause;
      throw cause;
    } finally {
      clearTimeout(patience);
      this.outcomes.push({ kind: 'call', startedAt, endedAt: performance.now(), timeout, error });
    }
  }

  private async count<R>(promise: Promise<R>): Promise<R> {
    this.unsettled += 1;
    try {
      return await promise;
    } finally {
      this.unsettled -= 1;
    }
  }
}
