import {
  type ConnPoolOptions,
  KeyedConnPool,
  type KeyedConnPoolOptions,
  type PoolEvent,
} from 'nestjs-conn-pool/core';
import {
  FakeClock,
  type FakeConn,
  fakeConnector,
  type FakeConnector,
  type FakeConnectorOptions,
} from 'nestjs-conn-pool/testing';

export interface KeyedUnderTest<O extends FakeConnectorOptions> {
  readonly pool: KeyedConnPool<string, FakeConn>;
  readonly clock: FakeClock;
  readonly connector: FakeConnector<undefined, O>;
  readonly events: PoolEvent[];
  /** For which key each connection was dialled, in order. */
  readonly dialled: string[];
  /** Makes a connection for each of these keys, all at once, and gives them back in this order. */
  fill(...keys: string[]): Promise<void>;
  /** The events of one type, as the key each is for. */
  keysOf(type: PoolEvent['type']): unknown[];
}

/** Makes pools by keys for the tests of one `describe`; after each test they are closed, and nothing may be left. */
export function keyedUnderTest() {
  const made: KeyedUnderTest<FakeConnectorOptions>[] = [];

  afterEach(async () => {
    for (const { pool, clock, connector } of made.splice(0)) {
      const closing = pool.close({ drain: 0 });
      await clock.advance('1h');
      await closing;
      const { size, waiting, state } = pool.stats();
      expect({ size, waiting, state, keys: pool.keys(), timers: clock.pending }).toEqual({
        ...{ size: 0, waiting: 0, state: 'closed', keys: [], timers: 0 },
      });
      expect(connector.violations).toEqual([]);
    }
  });

  return function make<const O extends FakeConnectorOptions = FakeConnectorOptions>(
    options: KeyedConnPoolOptions<string> & ConnPoolOptions = {},
    calls?: O,
  ): KeyedUnderTest<O> {
    const clock = new FakeClock(1_000_000);
    const connector = fakeConnector<undefined, O>({ clock, ...calls } as unknown as O);
    const dialled: string[] = [];
    // The methods stay the fake's own: tests tell them what to do.
    const dial = (key: string, context: Parameters<typeof connector.dial>[0]) => {
      dialled.push(key);
      return connector.dial(context);
    };
    const pool = new KeyedConnPool<string, FakeConn>({ ...connector, dial } as never, { clock, ...options });
    const events: PoolEvent[] = [];
    pool.events$.subscribe((event) => events.push(event));
    const under: KeyedUnderTest<O> = {
      ...{ pool, clock, connector, events, dialled },
      fill: async (...keys) => {
        const leases = await Promise.all(keys.map((key) => pool.acquire(key)));
        for (const lease of leases) {
          lease.release();
          await clock.advance(1);
        }
      },
      keysOf: (type) => events.filter((event) => event.type === type).map(({ key }) => key),
    };
    made.push(under as unknown as KeyedUnderTest<FakeConnectorOptions>);
    return under;
  };
}
