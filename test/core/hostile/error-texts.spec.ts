import { ConnPool, ConnPoolError, type Connector } from 'nestjs-conn-pool/core';
import { FakeClock } from 'nestjs-conn-pool/testing';

/** One mistake, and what its error must say besides the name of the pool: where it is, and what to do about it. */
interface Mistake {
  readonly name: string;
  /** What was passed, or in which state it was called. */
  readonly where: RegExp;
  readonly remedy: RegExp;
  make(pool: ConnPool<object>): unknown;
}

const wrong = (value: unknown): never => value as never;
const connector: Connector<object> = { dial: () => ({}), close: () => undefined };
const made = (parts: unknown, options: object = {}): unknown =>
  new ConnPool(wrong(parts), { name: 'orders', ...options });

const MISTAKES: readonly Mistake[] = [
  {
    name: 'use() without work',
    where: /work: got undefined/,
    remedy: /allowed: a function/,
    make: (pool) => pool.use(wrong(undefined)),
  },
  {
    name: 'a callback in the place of options',
    where: /options: got a function/,
    remedy: /allowed: an object with signal, timeout, priority, fresh/,
    make: (pool) => pool.acquire(wrong(() => 1)),
  },
  {
    name: 'a timeout in the place of options',
    where: /options: got 5000/,
    remedy: /allowed: an object with signal, timeout, priority, fresh/,
    make: (pool) => pool.acquire(wrong(5000)),
  },
  {
    name: 'an option of a wrong name',
    where: /timeuot/,
    remedy: /there are signal, timeout, priority, fresh/,
    make: (pool) => pool.acquire(wrong({ timeuot: 5 })),
  },
  {
    name: 'a duration that is none',
    where: /timeout: got "10 parsecs"/,
    remedy: /allowed: .*'30s'/,
    make: (pool) => pool.acquire({ timeout: '10 parsecs' }),
  },
  {
    name: 'a controller in the place of its signal',
    where: /signal: got/,
    remedy: /allowed: an AbortSignal/,
    make: (pool) => pool.acquire({ signal: wrong(new AbortController()) }),
  },
  {
    name: 'the same of a heartbeat',
    where: /signal: got/,
    remedy: /allowed: an AbortSignal/,
    make: (pool) => pool.heartbeat({ signal: wrong(new AbortController()) }),
  },
  {
    name: 'a word for a number',
    where: /priority: got "high"/,
    remedy: /allowed: a finite number/,
    make: (pool) => pool.acquire({ priority: wrong('high') }),
  },
  {
    name: 'everything wrong at once',
    where:
      /signal: got.*\n.*timeout: got.*\n.*priority: got|priority: got.*\n.*signal: got.*\n.*timeout: got/,
    remedy: /3 bad options/,
    make: (pool) => pool.acquire({ signal: wrong(1), timeout: -1, priority: NaN }),
  },
  {
    name: 'a count that is none',
    where: /count: got -1/,
    remedy: /allowed: a whole number from 0/,
    make: (pool) => pool.warmUp(-1),
  },
  {
    name: 'a drain that is none',
    where: /drain: got "soon"/,
    remedy: /allowed: a duration from 0/,
    make: (pool) => pool.close({ drain: 'soon' }),
  },
  {
    name: 'a size that is none',
    where: /max: got 0/,
    remedy: /allowed: a whole number from 1/,
    make: (pool) => pool.resize({ max: 0 }),
  },
  {
    name: 'sizes that contradict each other',
    where: /min: got 9/,
    remedy: /allowed: at most "max", which is 2/,
    make: (pool) => pool.resize({ max: 2, min: 9 }),
  },
  {
    name: 'a number in the place of sizes',
    where: /got 20/,
    remedy: /allowed: an object with max, min, maxIdle/,
    make: (pool) => pool.resize(wrong(20)),
  },
  {
    name: 'no options at all for a size',
    where: /got undefined/,
    remedy: /allowed: an object with max, min, maxIdle/,
    make: (pool) => pool.resize(wrong(undefined)),
  },
  {
    name: 'a listener that is none',
    where: /subscribe.*got "x"/,
    remedy: /allowed: a function/,
    make: (pool) => pool.events$.subscribe(wrong('x')),
  },
  {
    name: 'no connector',
    where: /connector: got undefined/,
    remedy: /allowed: an object with dial\(\) and close\(\)/,
    make: () => made(undefined),
  },
  {
    name: 'a function in the place of the connector',
    where: /connector\.dial: got undefined/,
    remedy: /allowed: a function/,
    make: () => made(() => ({})),
  },
  {
    name: 'a connector that cannot close',
    where: /connector\.close: got undefined/,
    remedy: /allowed: a function/,
    make: () => made({ dial: () => 1 }),
  },
  {
    name: 'a method that is none',
    where: /connector\.heartbeat: got true/,
    remedy: /allowed: a function, or nothing/,
    make: () => made({ ...connector, heartbeat: true }),
  },
  {
    name: 'a connector that cannot be read',
    where: /connector/,
    remedy: /allowed:/,
    make: () => {
      const { proxy, revoke } = Proxy.revocable(connector, {});
      revoke();
      return made(proxy);
    },
  },
  {
    name: 'options of a pool that cannot be read',
    where: /options/,
    remedy: /allowed:/,
    make: () => {
      const options = {
        name: 'orders',
        get max(): number {
          throw new Error('a trap of the user has sprung');
        },
      };
      return new ConnPool(connector, options);
    },
  },
  {
    name: 'an acquire after the close',
    where: /clos/,
    remedy: /\. [A-Z].*\.$/,
    make: async (pool) => {
      await pool.close();
      return pool.acquire();
    },
  },
  {
    name: 'an acquire in a full pool that lets nobody wait',
    where: /exhausted \(max 1, .*leased 1/,
    remedy: /Raise "max" or "maxWaiting"/,
    make: async () => {
      const pool = new ConnPool(connector, { name: 'orders', max: 1, maxWaiting: 0, clock: new FakeClock() });
      await pool.acquire();
      return pool.acquire();
    },
  },
  {
    name: 'an acquire in a pool that is paused',
    where: /within 5 ms/,
    remedy: /resume\(\) it/,
    make: async () => {
      const clock = new FakeClock();
      const pool = new ConnPool(connector, { name: 'orders', clock });
      pool.pause();
      const acquiring = Promise.allSettled([pool.acquire({ timeout: 5 })]);
      await clock.advance(5);
      const [outcome] = await acquiring;
      if (outcome.status === 'rejected') throw outcome.reason as Error;
    },
  },
  {
    name: 'a connection after its lease',
    where: /lease on connection 1/,
    remedy: /Acquire a new one/,
    make: async (pool) => {
      const lease = await pool.acquire();
      lease.release();
      return lease.conn;
    },
  },
  {
    name: 'a server that refuses',
    where: /could not dial \(2 attempts\)/,
    remedy: /: connect ECONNREFUSED 127\.0\.0\.1:7000\./,
    make: async () => {
      const dial = (): never => {
        throw new Error('connect ECONNREFUSED 127.0.0.1:7000');
      };
      const clock = new FakeClock();
      const pool = new ConnPool({ ...connector, dial }, { name: 'orders', clock, dialAttempts: 2 });
      const acquiring = Promise.allSettled([pool.acquire()]);
      await clock.advance('10s');
      const [outcome] = await acquiring;
      if (outcome.status === 'rejected') throw outcome.reason as Error;
    },
  },
];

async function errorOf(work: () => unknown): Promise<Error> {
  try {
    await work();
  } catch (error) {
    return error as Error;
  }
  throw new Error('nothing was thrown');
}

const poolOf = (): ConnPool<object> => new ConnPool(connector, { name: 'orders', clock: new FakeClock() });

describe('the error of a wrong use names the pool, the field and the remedy', () => {
  it.each(MISTAKES)('$name', async ({ where, remedy, make }) => {
    const error = await errorOf(() => make(poolOf()));
    expect(error).toBeInstanceOf(ConnPoolError);
    expect(error).toMatchObject({
      name: error.constructor.name,
      pool: 'orders',
      code: expect.stringMatching(/^ERR_/) as string,
    });
    expect(error.message).toContain('"orders"');
    expect(error.message).toMatch(where);
    expect(error.message).toMatch(remedy);
  });
});

describe('the text of an error', () => {
  it('is short, however long what was given is', async () => {
    const huge = Object.fromEntries(Array.from({ length: 10_000 }, (_, i) => [`key${i}`, i]));
    for (const given of [huge, 'x'.repeat(100_000), [huge]]) {
      const error = await errorOf(() => poolOf().acquire({ signal: wrong(given) }));
      expect(error.message.length).toBeLessThan(1000);
    }
  });

  it('is short, however many options there are that nobody knows', async () => {
    const error = await errorOf(() => poolOf().use(() => 1, wrong(new Uint8Array(10_000))));
    expect(error.message.length).toBeLessThan(10_000);
  });

  it('does not repeat the values of options it does not know: they may be secrets', async () => {
    const secrets = { password: 'hunter2', auth: { token: 'hunter2' }, url: 'redis://user:hunter2@host' };
    for (const mistake of [
      () => poolOf().acquire(wrong(secrets)),
      () => poolOf().resize(wrong(secrets)),
      () => made(connector, secrets),
    ]) {
      const error = await errorOf(mistake);
      expect(error.message).toContain('password');
      expect(error.message).not.toContain('hunter2');
    }
  });
});
