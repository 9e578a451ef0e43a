import type { Promises } from './promises.js';
import type { Surroundings } from './surroundings.js';

/** Those who run a pool: they start it, change its sizes, look after it, close it. */
export class Operators {
  /** What every `close()` has resolved with. */
  readonly reports: unknown[] = [];

  constructor(
    private readonly world: Surroundings,
    private readonly promises: Promises,
  ) {}

  pause(): void {
    const { seen, pool } = this.world;
    seen.paused = true;
    pool.pause();
  }

  resume(): void {
    const { seen, pool } = this.world;
    seen.notes.happened.add('resume');
    seen.paused = false;
    pool.resume();
  }

  evictAll(): void {
    const { seen, pool } = this.world;
    seen.generation += 1;
    pool.evictAll();
  }

  closeIdle(): void {
    const { seen, pool } = this.world;
    seen.notes.happened.add('closeIdle');
    this.promises.follow('closeIdle', pool.closeIdle());
  }

  look(): void {
    const { judge, pool } = this.world;
    judge.at('instant', { stats: pool.stats() });
    pool.inspect();
  }

  resize(max: number, min: number, maxIdle: number | undefined): void {
    const { seen, pool } = this.world;
    const { notes } = seen;
    notes.happened.add('resize');
    notes.ceiling = Math.max(notes.ceiling, max);
    notes.highestMin = Math.max(notes.highestMin, min);
    seen.resized(max, min, maxIdle);
    pool.resize({ max, min, maxIdle });
  }

  start(): void {
    const { seen, pool } = this.world;
    const { startup } = seen.options;
    seen.notes.started = true;
    if (startup !== 'lazy' && !seen.over) seen.notes.keepsMin = true;
    this.warm('start', startup === 'wait' ? seen.min : 0, () => pool.start());
  }

  /** @param begin - makes the pool dial up to the count */
  warm(what: string, count: number, begin: () => Promise<unknown>): void {
    const { warming } = this.world.seen.notes;
    const mark = {};
    warming.set(mark, count);
    this.promises.follow(
      what,
      begin().finally(() => warming.delete(mark)),
    );
  }

  heartbeat(timeout: number, dialIfNone: boolean, signal: boolean): void {
    const { pool, seen, clock } = this.world;
    if (dialIfNone) seen.notes.happened.add('dialIfNone');
    const abort = new AbortController();
    const promise = pool.heartbeat({ timeout, dialIfNone, ...(signal && { signal: abort.signal }) });
    if (signal) void clock.setTimeout(() => abort.abort(new Error('aborted')), 5).unref();
    this.promises.follow('heartbeat', promise);
  }

  close(drain: number): void {
    const { seen, pool, judge, clock, depth } = this.world;
    const waiting = seen.over ? [] : seen.waiting;
    seen.over = true;
    seen.drainEnd = Math.min(seen.drainEnd, clock.now() + drain);
    this.promises.follow(
      'close',
      pool.close({ drain }).then((report) => this.reports.push(report)),
    );
    const tell = (): void => waiting.forEach((one) => judge.at('told', one));
    if (depth === 0) queueMicrotask(() => queueMicrotask(() => queueMicrotask(tell)));
  }
}
