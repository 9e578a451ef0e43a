import {
  type DialContext,
  KeyedConnPool,
  type KeyedConnPoolOptions,
  type Lease,
  type PoolEvent,
  type PoolStats,
} from 'nestjs-conn-pool/core';
import {
  FakeClock,
  type FakeConn,
  fakeConnector,
  type FakeConnector,
  type FakeConnectorOptions,
} from 'nestjs-conn-pool/testing';
import { addsUp } from '../pools-under-test.js';

/** A pool by keys on a clock that stands still, with what it is made of and everything it has said. */
export interface KeyedPoolUnderTest<K, O extends FakeConnectorOptions> {
  readonly pool: KeyedConnPool<K, FakeConn>;
  readonly clock: FakeClock;
  readonly connector: FakeConnector<undefined, O>;
  /** The keys that were dialled for, in order: the n-th connection is for the n-th of them, while no dial fails. */
  readonly dialledFor: K[];
  readonly events: PoolEvent[];
  said<Type extends PoolEvent['type']>(type: Type): Extract<PoolEvent, { type: Type }>[];
  /** Acquires one for each of the keys, at once. */
  take(...keys: K[]): Promise<Lease<FakeConn>[]>;
  /** Makes one connection for each of the keys, and gives them back in this order. */
  fill(...keys: K[]): Promise<void>;
}

/**
 * Makes pools by keys for the tests of one `describe`. After each test every pool of it is closed by force, and nothing
 * may be left: no connection, no key, no timer, no broken rule of ownership, no rejection that nobody handles.
 */
export function keyedPoolsUnderTest() {
  const made: KeyedPoolUnderTest<never, FakeConnectorOptions>[] = [];
  const unhandled: unknown[] = [];
  const wrongSums: PoolStats[] = [];
  const onUnhandled = (reason: unknown): void => void unhandled.push(reason);

  beforeAll(() => void process.on('unhandledRejection', onUnhandled));
  afterAll(() => void process.off('unhandledRejection', onUnhandled));
  afterEach(async () => {
    for (const under of made.splice(0)) await mustEndWell(under);
    expect(unhandled.splice(0)).toEqual([]);
    expect(wrongSums.splice(0)).toEqual([]);
  });

  return function make<K = string, const O extends FakeConnectorOptions = FakeConnectorOptions>(
    options: KeyedConnPoolOptions<K> = {},
    calls?: O,
  ): KeyedPoolUnderTest<K, O> {
    const clock = new FakeClock(1_000_000);
    const connector = fakeConnector<undefined, O>({ clock, ...calls } as unknown as O);
    const dialledFor: K[] = [];
    const dial = (key: K, context: DialContext): FakeConn | Promise<FakeConn> => {
      dialledFor.push(key);
      return connector.dial(context);
    };
    const pool = new KeyedConnPool<K, FakeConn>({ ...connector, dial }, { clock, ...options });
    const events: PoolEvent[] = [];
    pool.events$.subscribe((event) => {
      events.push(event);
      if (!addsUp(pool.stats())) wrongSums.push(pool.stats());
    });
    const take = (...keys: K[]) => Promise.all(keys.map((key) => pool.acquire(key)));
    const under: KeyedPoolUnderTest<K, O> = {
      pool,
      clock,
      connector,
      dialledFor,
      events,
      said: (type) => events.filter((event) => event.type === type) as never,
      take,
      fill: async (...keys) => {
        for (const lease of await take(...keys)) lease.release();
        await clock.settle();
      },
    };
    made.push(under as unknown as KeyedPoolUnderTest<never, FakeConnectorOptions>);
    return under;
  };
}

async function mustEndWell({
  pool,
  clock,
  connector,
  events,
}: KeyedPoolUnderTest<never, FakeConnectorOptions>) {
  expect(addsUp(pool.stats())).toBe(true);
  const closing = pool.close({ drain: 0 });
  await clock.advance('1h');
  await closing;
  expect(connector.violations).toEqual([]);
  const { size, waiting, state } = pool.stats();
  expect({ size, waiting, state, timers: clock.pending, keys: pool.keys() }).toEqual({
    size: 0,
    waiting: 0,
    state: 'closed',
    timers: 0,
    keys: [],
  });
  expect(events.at(-1)?.type).toBe('closed');
  const { detached, closed } = pool.stats().totals;
  const ended = Object.values(closed).reduce((sum, count) => sum + count, 0);
  expect(ended).toBe(connector.closed.length);
  expect(connector.closed.length + detached).toBe(connector.conns.length);
}
