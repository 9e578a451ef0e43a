import { ConnPool, type Connector, type Lease } from '../../../../lib/core/index.js';
import { FakeClock } from '../../../../lib/testing/index.js';

/**
 * Chains of steps that each call the next one synchronously, if the pool lets them. Run with a small stack: a pool whose
 * depth grows with their number does not get far. Prints what is left in the end, which must be nothing.
 */
const clock = new FakeClock(1000);
const MANY = 10_000;
const WAITERS = 50_000;
const STEPS = 100_000;

type Parts = Partial<Connector<object>>;

function poolOf(max: number, parts: Parts = {}, options: object = {}): ConnPool<object> {
  const connector = { dial: () => ({}), close: () => undefined, ...parts };
  return new ConnPool<object>(connector, {
    clock,
    max,
    dialConcurrency: max,
    acquireTimeout: 0,
    dialBackoff: { initial: 1, max: 1 },
    ...options,
  });
}

const take = (pool: ConnPool<object>, count: number): Promise<Lease<object>[]> =>
  Promise.all(Array.from({ length: count }, () => pool.acquire()));

async function filled(pool: ConnPool<object>, count: number): Promise<ConnPool<object>> {
  for (const lease of await take(pool, count)) lease.release();
  return pool;
}

/** How many promises have ended, and how. */
class Tally {
  done = 0;
  failed = 0;

  follow(promise: Promise<unknown>, then: (value: never) => void = () => undefined): void {
    promise.then(
      (value) => {
        this.done += 1;
        then(value as never);
      },
      () => (this.failed += 1),
    );
  }
}

const tally = new Tally();
const release = (lease: Lease<object>): void => lease.release();

const CHAINS: Record<string, () => Promise<ConnPool<object>>> = {
  async 'release in a then'() {
    const pool = poolOf(1);
    const [lease] = await take(pool, 1);
    for (let i = 0; i < STEPS; i++) tally.follow(pool.acquire(), release);
    lease?.release();
    await clock.settle();
    return pool;
  },
  async 'acquire in a then, and its release in it'() {
    const pool = poolOf(1);
    let left = STEPS;
    const again = (lease: Lease<object>): void => {
      lease.release();
      if ((left -= 1) > 0) tally.follow(pool.acquire(), again);
    };
    tally.follow(pool.acquire(), again);
    await clock.settle();
    return pool;
  },
  async 'use() within use(), its lease given back'() {
    const pool = poolOf(1);
    let left = STEPS;
    const work = (_conn: object, lease: Lease<object>): void => {
      lease.release();
      if ((left -= 1) > 0) tally.follow(pool.use(work));
    };
    tally.follow(pool.use(work));
    await clock.settle();
    return pool;
  },
  async 'connections that serve once, dialled and closed at once'() {
    const pool = poolOf(1, {}, { maxUses: 1 });
    for (let i = 0; i < MANY; i++) tally.follow(pool.acquire(), release);
    await clock.settle();
    return pool;
  },
  async 'dials that fail at once'() {
    const dial = (): never => {
      throw new Error('refused');
    };
    const pool = poolOf(4, { dial }, { dialAttempts: 5 });
    for (let i = 0; i < WAITERS; i++) tally.follow(pool.acquire());
    await clock.advance('1s');
    return pool;
  },
  async 'dials that fail at once, and each waiter comes back'() {
    let left = 1000;
    const dial = (): object => {
      if ((left -= 1) > 0) throw new Error('refused');
      return {};
    };
    const pool = poolOf(50, { dial });
    const again = (): void => {
      tally.failed += 1;
      pool.acquire().then(release, again);
    };
    for (let i = 0; i < 50; i++) again();
    while (left > 0) await clock.advance(100);
    return pool;
  },
  async 'dial-failed listeners that acquire'() {
    const dial = (): never => {
      throw new Error('refused');
    };
    const pool = poolOf(MANY, { dial });
    let left = 500;
    pool.events$.subscribe(({ type }) => {
      if (type === 'dial-failed' && (left -= 1) >= 0) tally.follow(pool.acquire());
    });
    for (let i = 0; i < MANY; i++) tally.follow(pool.acquire());
    await clock.advance('1s');
    return pool;
  },
  async 'checks that fail at once'() {
    let dead = false;
    const heartbeat = (): void => {
      if (dead) throw new Error('dead');
    };
    const pool = await filled(poolOf(MANY, { heartbeat }), MANY);
    dead = true;
    tally.follow(pool.heartbeat());
    await clock.settle();
    return pool;
  },
  async 'checks that are due and fail at once, for those who wait'() {
    let dead = false;
    const heartbeat = (): void => {
      if (dead) throw new Error('dead');
    };
    const pool = await filled(poolOf(MANY, { heartbeat }, { heartbeatInterval: '1m' }), MANY);
    await clock.advance('61s');
    dead = true;
    for (let i = 0; i < MANY; i++) tally.follow(pool.acquire());
    await clock.settle();
    dead = false;
    await clock.advance('1s');
    return pool;
  },
  async 'resets that fail at once, dials that answer at once'() {
    const reset = (): never => {
      throw new Error('dirty');
    };
    const pool = poolOf(1, { reset });
    for (let i = 0; i < MANY; i++) tally.follow(pool.acquire(), release);
    await clock.settle();
    return pool;
  },
  async 'connections found dead one after the other'() {
    let dead = false;
    const pool = await filled(poolOf(MANY, { isAlive: () => !dead }), MANY);
    dead = true;
    pool.tryAcquire();
    dead = false;
    await clock.settle();
    return pool;
  },
  async 'close() with a long line'() {
    const pool = poolOf(1);
    await take(pool, 1);
    for (let i = 0; i < WAITERS; i++) tally.follow(pool.acquire());
    tally.follow(pool.close({ drain: 0 }));
    await clock.settle();
    return pool;
  },
  async 'one signal for a long line'() {
    const pool = poolOf(1);
    const [lease] = await take(pool, 1);
    const controller = new AbortController();
    for (let i = 0; i < WAITERS; i++) tally.follow(pool.acquire({ signal: controller.signal }));
    controller.abort();
    lease?.release();
    await clock.settle();
    return pool;
  },
  async 'a signal for each in a long line, each aborted by the one before'() {
    const pool = poolOf(1);
    const [lease] = await take(pool, 1);
    const controllers = Array.from({ length: WAITERS }, () => new AbortController());
    for (const [index, { signal }] of controllers.entries()) {
      pool.acquire({ signal }).catch(() => {
        tally.failed += 1;
        controllers[index + 1]?.abort();
      });
    }
    controllers[0]?.abort();
    await clock.settle();
    lease?.release();
    return pool;
  },
  async 'a long line that times out, whose listeners come back'() {
    const pool = poolOf(1, {}, { acquireTimeout: 100 });
    const [lease] = await take(pool, 1);
    let left = MANY;
    pool.events$.subscribe(({ type }) => {
      if (type === 'timeout' && (left -= 1) > 0) tally.follow(pool.acquire());
    });
    for (let i = 0; i < MANY; i++) tally.follow(pool.acquire());
    await clock.advance('1s');
    lease?.release();
    return pool;
  },
  async 'a priority for each in line'() {
    const pool = poolOf(1);
    const [lease] = await take(pool, 1);
    const order: number[] = [];
    for (let i = 0; i < MANY; i++) {
      const priority = (i * 7919) % MANY;
      tally.follow(pool.acquire({ priority }), (got: Lease<object>) => {
        order.push(priority);
        got.release();
      });
    }
    lease?.release();
    await clock.settle();
    if (order.some((priority, index) => priority !== MANY - 1 - index)) throw new Error('not in order');
    return pool;
  },
  async 'closeIdle() from within close()'() {
    const pool: ConnPool<object> = poolOf(MANY, { close: () => tally.follow(pool.closeIdle()) });
    await filled(pool, MANY);
    tally.follow(pool.closeIdle());
    await clock.settle();
    return pool;
  },
  async 'closeIdle() from within the end of the watch'() {
    const pool: ConnPool<object> = poolOf(MANY, { watch: () => () => tally.follow(pool.closeIdle()) });
    await filled(pool, MANY);
    tally.follow(pool.closeIdle());
    await clock.settle();
    return pool;
  },
  async 'evictAll() from within the close event'() {
    const pool = await filled(poolOf(MANY), MANY);
    pool.events$.subscribe(({ type }) => {
      if (type === 'close') pool.evictAll();
    });
    pool.evictAll();
    await clock.settle();
    return pool;
  },
  async 'resize() from within close()'() {
    let size = MANY;
    const pool: ConnPool<object> = poolOf(MANY, {
      close: () => pool.resize({ max: (size = Math.max(1, size - 1)) }),
    });
    await filled(pool, MANY);
    pool.resize({ max: size - 1 });
    await clock.settle();
    return pool;
  },
  async 'close() from within the abort listener of each lease'() {
    const pool = poolOf(MANY);
    for (const { signal } of await take(pool, MANY)) {
      signal.addEventListener('abort', () => tally.follow(pool.close({ drain: 0 })));
    }
    tally.follow(pool.close({ drain: 0 }));
    await clock.settle();
    return pool;
  },
  async 'a close that kills the next connection'() {
    const losts: (() => void)[] = [];
    const pool = poolOf(MANY, {
      watch: (_conn, lost) => void losts.push(lost),
      close: () => losts.pop()?.(),
    });
    await filled(pool, MANY);
    losts.pop()?.();
    await clock.settle();
    return pool;
  },
  async 'a close event that discards the next lease'() {
    const pool = poolOf(MANY);
    const leases = await take(pool, MANY);
    pool.events$.subscribe(({ type }) => {
      if (type === 'close') leases.pop()?.discard();
    });
    leases.pop()?.discard();
    await clock.settle();
    return pool;
  },
  async 'a heartbeat that fails and asks for another'() {
    let dead = false;
    const heartbeat = (): void => {
      if (!dead) return;
      tally.follow(pool.heartbeat());
      throw new Error('dead');
    };
    const pool: ConnPool<object> = poolOf(1000, { heartbeat });
    await filled(pool, 1000);
    dead = true;
    tally.follow(pool.heartbeat());
    await clock.settle();
    return pool;
  },
};

/** What a chain leaves: before its end nothing may be stuck under way, after it nothing may be left. */
async function run(chain: () => Promise<ConnPool<object>>): Promise<object> {
  Object.assign(tally, { done: 0, failed: 0 });
  const pool = await chain();
  const { dialing, checking, closing, waiting } = pool.stats();
  void pool.close({ drain: 0 });
  await clock.advance('1m');
  const { state, size, totals } = pool.stats();
  const settled = tally.done + tally.failed;
  return {
    stuck: dialing + checking + closing + waiting,
    left: size,
    state,
    settled,
    acquired: totals.acquired,
  };
}

const unhandled: unknown[] = [];
process.on('unhandledRejection', (error) => unhandled.push(error));
for (const [name, chain] of Object.entries(CHAINS)) {
  const outcome = await run(chain).catch((error: unknown) => ({ error: String(error) }));
  process.stdout.write(
    `${JSON.stringify({ name, ...outcome, unhandled: unhandled.splice(0).map(String).slice(0, 3) })}\n`,
  );
}
