import type { ConnPool, Lease } from 'nestjs-conn-pool/core';

/** One right way to call a pool. */
export interface PoolCall {
  readonly name: string;
  readonly gives: 'promise' | 'value';
  call<T>(pool: ConnPool<T>): unknown;
}

const aborted = (): AbortSignal => AbortSignal.abort(new ReasonError());
/** Aborts in the same turn, while whoever has it waits. */
const abortedSoon = (): AbortSignal => {
  const controller = new AbortController();
  queueMicrotask(() => controller.abort(new ReasonError()));
  return controller.signal;
};

/** The reason of every abort here. */
export class ReasonError extends Error {
  override readonly name = 'ReasonError';
}

/** What the work of a `use()` throws here. */
export class WorkError extends Error {
  override readonly name = 'WorkError';
}

export const POOL_CALLS: readonly PoolCall[] = [
  { name: 'start', gives: 'promise', call: (pool) => pool.start() },
  { name: 'acquire', gives: 'promise', call: (pool) => pool.acquire() },
  { name: 'acquire fresh', gives: 'promise', call: (pool) => pool.acquire({ fresh: true, priority: 1 }) },
  { name: 'acquire aborted', gives: 'promise', call: (pool) => pool.acquire({ signal: aborted() }) },
  { name: 'acquire and abort', gives: 'promise', call: (pool) => pool.acquire({ signal: abortedSoon() }) },
  { name: 'acquire for 1 ms', gives: 'promise', call: (pool) => pool.acquire({ timeout: 1 }) },
  { name: 'tryAcquire', gives: 'value', call: (pool) => pool.tryAcquire() },
  { name: 'use', gives: 'promise', call: (pool) => pool.use(() => 1) },
  { name: 'use that fails', gives: 'promise', call: (pool) => pool.use(fails) },
  { name: 'use that gives back itself', gives: 'promise', call: (pool) => pool.use(givesBack) },
  { name: 'warmUp', gives: 'promise', call: (pool) => pool.warmUp(2) },
  { name: 'heartbeat', gives: 'promise', call: (pool) => pool.heartbeat() },
  { name: 'heartbeat of a new one', gives: 'promise', call: (pool) => pool.heartbeat({ dialIfNone: true }) },
  {
    name: 'heartbeat and abort',
    gives: 'promise',
    call: (pool) => pool.heartbeat({ signal: abortedSoon() }),
  },
  { name: 'stats', gives: 'value', call: (pool) => pool.stats() },
  { name: 'inspect', gives: 'value', call: (pool) => pool.inspect() },
  { name: 'grow', gives: 'value', call: (pool) => pool.resize({ max: 4, min: 2, maxIdle: 4 }) },
  { name: 'shrink', gives: 'value', call: (pool) => pool.resize({ max: 1, min: 0, maxIdle: 0 }) },
  { name: 'closeIdle', gives: 'promise', call: (pool) => pool.closeIdle() },
  { name: 'evictAll', gives: 'value', call: (pool) => pool.evictAll() },
  { name: 'pause', gives: 'value', call: (pool) => pool.pause() },
  { name: 'resume', gives: 'value', call: (pool) => pool.resume() },
  { name: 'close', gives: 'promise', call: (pool) => pool.close() },
  { name: 'close by force', gives: 'promise', call: (pool) => pool.close({ drain: 0 }) },
  { name: 'asyncDispose', gives: 'promise', call: (pool) => pool[Symbol.asyncDispose]() },
  { name: 'subscribe', gives: 'value', call: (pool) => pool.events$.subscribe(() => undefined) },
];

function fails(): never {
  throw new WorkError();
}

function givesBack(_conn: unknown, lease: Lease<unknown>): void {
  lease.release();
}
