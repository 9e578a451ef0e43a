import { ConnPool, type Connector } from 'nestjs-conn-pool/core';
import { FakeClock } from 'nestjs-conn-pool/testing';
import { follow } from '../pools-under-test.js';

const connector: Connector<object> = { dial: () => ({}), close: () => undefined };

/** The same options in every shape an object may have. */
const SHAPES: readonly { name: string; shape<O extends object>(options: O): O }[] = [
  { name: 'plain', shape: (options) => options },
  { name: 'frozen', shape: (options) => Object.freeze(options) },
  {
    name: 'without prototype',
    shape: (options) => Object.assign(Object.create(null) as object, options) as typeof options,
  },
  { name: 'inherited', shape: (options) => Object.create(options) as typeof options },
  { name: 'behind a Proxy', shape: (options) => new Proxy(options, {}) },
  { name: 'of a class with getters', shape: (options) => withGetters(options) },
  {
    name: 'not enumerable',
    shape: (options) => {
      const hidden = Object.entries(options).map(([name, value]) => [name, { value: value as unknown }]);
      return Object.defineProperties(
        {},
        Object.fromEntries(hidden) as PropertyDescriptorMap,
      ) as typeof options;
    },
  },
];

function withGetters<O extends object>(options: O): O {
  class Options {}
  for (const name of Object.keys(options)) {
    Object.defineProperty(Options.prototype, name, { get: () => (options as Record<string, unknown>)[name] });
  }
  return new Options() as O;
}

/** What is passed and silently not heeded is worse than what is refused. */
describe.each(SHAPES)('options that are $name are heeded', ({ shape }) => {
  it('by a pool', async () => {
    const clock = new FakeClock();
    const pool = new ConnPool(connector, shape({ max: 1, name: 'orders', acquireTimeout: 5, clock }));
    expect(pool.name).toBe('orders');
    expect(pool.stats().max).toBe(1);
    await pool.acquire();
    const late = follow(pool.acquire());
    await clock.advance(5);
    expect(late.now).toMatchObject({ state: 'rejected', error: { code: 'ERR_ACQUIRE_TIMEOUT', timeout: 5 } });
    await pool.close({ drain: 0 });
  });

  it('by acquire, use, heartbeat, resize and close', async () => {
    const clock = new FakeClock();
    const pool = new ConnPool(connector, { max: 2, clock, drain: '1m' });
    pool.resize(shape({ max: 1 }));
    expect(pool.stats().max).toBe(1);
    const held = await pool.acquire();
    const { signal } = new AbortController();
    const late = [
      follow(pool.acquire(shape({ timeout: 5, signal }))),
      follow(pool.use(() => 1, shape({ timeout: 5 }))),
    ];
    await clock.advance(5);
    for (const { now } of late) expect(now).toMatchObject({ state: 'rejected', error: { timeout: 5 } });
    held.discard();
    await clock.settle();
    expect(await pool.heartbeat(shape({ dialIfNone: true }))).toMatchObject({ checked: 1, healthy: 1 });
    await pool.acquire();
    expect(await pool.close(shape({ drain: 0 }))).toMatchObject({ forced: 1 });
  });
});
