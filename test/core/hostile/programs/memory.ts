import { getEventListeners } from 'node:events';
import { ConnPool, type Lease } from '../../../../lib/core/index.js';

/**
 * A million cycles of each kind, on the machine's own clock and with its own collector (--expose-gc). Prints, for each,
 * how many bytes the heap has grown between the first tenth of them and the last.
 */
const CYCLES = 1_000_000;
const TENTH = CYCLES / 10;
/** How many are under way at once. */
const BATCH = 1000;

declare const gc: () => void;

const connector = { dial: () => ({}), close: () => undefined };
const REASON = new Error('enough');
const quiet = (): void => undefined;

/** What is held when everything that may be collected has been. */
async function heapUsed(): Promise<number> {
  for (let turn = 0; turn < 4; turn++) {
    await new Promise((resolve) => setImmediate(resolve));
    gc();
  }
  return process.memoryUsage().heapUsed;
}

const saturated = async (): Promise<[ConnPool<object>, Lease<object>]> => {
  const pool = new ConnPool<object>(connector, { max: 1, acquireTimeout: 0 });
  return [pool, await pool.acquire()];
};

const KINDS: Record<string, () => Promise<[pool: ConnPool<object>, batch: () => Promise<void>]>> = {
  async 'acquire and release'() {
    const pool = new ConnPool<object>(connector, { max: 10 });
    return [
      pool,
      async () => {
        for (let i = 0; i < BATCH; i++) (await pool.acquire()).release();
      },
    ];
  },
  async 'acquire and release under a signal that lives long'() {
    const [pool, first] = await saturated();
    const { signal } = new AbortController();
    let held = first;
    return [
      pool,
      async () => {
        for (let i = 0; i < BATCH; i++) {
          const next = pool.acquire({ signal });
          held.release();
          held = await next;
        }
        if (getEventListeners(signal, 'abort').length > 0)
          throw new Error('the listeners of one signal grow');
      },
    ];
  },
  async 'acquire and abort, a signal for each'() {
    const [pool] = await saturated();
    return [
      pool,
      async () => {
        const waiting: Promise<unknown>[] = [];
        for (let i = 0; i < BATCH; i++) {
          const controller = new AbortController();
          waiting.push(pool.acquire({ signal: controller.signal }).catch(quiet));
          controller.abort(REASON);
        }
        await Promise.all(waiting);
      },
    ];
  },
  async 'acquire and abort, one signal for a thousand'() {
    const [pool] = await saturated();
    return [
      pool,
      async () => {
        const controller = new AbortController();
        const waiting = Array.from({ length: BATCH }, () =>
          pool.acquire({ signal: controller.signal }).catch(quiet),
        );
        controller.abort(REASON);
        await Promise.all(waiting);
      },
    ];
  },
};

for (const [name, make] of Object.entries(KINDS)) {
  const [pool, batch] = await make();
  let early = NaN;
  for (let done = 0; done < CYCLES; done += BATCH) {
    if (done === TENTH) early = await heapUsed();
    await batch();
  }
  const grown = (await heapUsed()) - early;
  const { waiting, totals } = pool.stats();
  await pool.close({ drain: 0 });
  process.stdout.write(
    `${JSON.stringify({ name, grown, waiting, ended: totals.acquired + totals.aborted })}\n`,
  );
}
