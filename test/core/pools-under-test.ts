import {
  ConnPool,
  type ConnPoolOptions,
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

/** A pool on a clock that stands still, with what it is made of and everything it has said. */
export interface PoolUnderTest<M, O extends FakeConnectorOptions> {
  readonly pool: ConnPool<FakeConn, M>;
  readonly clock: FakeClock;
  readonly connector: FakeConnector<M, O>;
  readonly events: PoolEvent[];
  /** The events of one type. */
  said<Type extends PoolEvent['type']>(type: Type): Extract<PoolEvent, { type: Type }>[];
  /** Acquires so many at once. */
  take(count: number): Promise<Lease<FakeConn>[]>;
  /** Makes so many connections and gives them all back. */
  fill(count: number): Promise<void>;
}

/**
 * Makes pools for the tests of one `describe`. After each test every pool of it is closed by force, and nothing may be
 * left: no connection, no timer, no broken rule of ownership, no rejection that nobody handles.
 *
 * @example
 * const make = poolsUnderTest();
 * it('lends', async () => {
 *   const { pool, connector } = make({ max: 2 }, { heartbeat: true });
 * });
 */
export function poolsUnderTest() {
  const made: PoolUnderTest<never, FakeConnectorOptions>[] = [];
  const wrongSums: PoolStats[] = [];

  afterEach(async () => {
    const finished = made.splice(0);
    for (const under of finished) await mustEndWell(under);
    expect(wrongSums.splice(0)).toEqual([]);
  });

  return function make<M = undefined, const O extends FakeConnectorOptions = FakeConnectorOptions>(
    options: ConnPoolOptions<M> = {},
    calls?: O,
  ): PoolUnderTest<M, O> {
    const clock = new FakeClock(1_000_000);
    const connector = fakeConnector<M, O>({ clock, ...calls } as unknown as O);
    const pool = new ConnPool<FakeConn, M>(connector, { clock, ...options });
    const events: PoolEvent[] = [];
    pool.events$.subscribe((event) => {
      events.push(event);
      if (!addsUp(pool.stats())) wrongSums.push(pool.stats());
    });
    const take = (count: number) => Promise.all(Array.from({ length: count }, () => pool.acquire()));
    const under: PoolUnderTest<M, O> = {
      pool,
      clock,
      connector,
      events,
      said: (type) => events.filter((event) => event.type === type) as never,
      take,
      fill: async (count) => {
        for (const lease of await take(count)) lease.release();
        await clock.settle();
      },
    };
    made.push(under as unknown as PoolUnderTest<never, FakeConnectorOptions>);
    return under;
  };
}

/** What must hold at every instant; also inside callbacks, where a failed expectation would be swallowed. */
export function addsUp({ size, idle, leased, dialing, checking, closing, waiting }: PoolStats): boolean {
  return (
    size === idle + leased + dialing + checking + closing &&
    [idle, leased, dialing, checking, closing, waiting].every((count) => count >= 0)
  );
}

async function mustEndWell({ pool, clock, connector, events }: PoolUnderTest<never, FakeConnectorOptions>) {
  expect(addsUp(pool.stats())).toBe(true);
  const closing = pool.close({ drain: 0 });
  await clock.advance('1h');
  await closing;
  expect(connector.violations).toEqual([]);
  const { size, waiting, state } = pool.stats();
  expect({ size, waiting, state, timers: clock.pending }).toEqual({
    size: 0,
    waiting: 0,
    state: 'closed',
    timers: 0,
  });
  expect(events.at(-1)?.type).toBe('closed');
  const { dialed, detached, closed } = pool.stats().totals;
  const ended = Object.values(closed).reduce((sum, count) => sum + count, 0);
  expect(ended).toBe(connector.closed.length);
  expect(connector.closed.length + detached).toBe(connector.conns.length);
  expect(dialed).toBeLessThanOrEqual(connector.conns.length);
}

/** How a promise stands, without waiting for it. */
export type Standing<R> =
  { state: 'pending' } | { state: 'resolved'; value: R } | { state: 'rejected'; error: unknown };

/** Follows a promise, so that a test can ask how it stands; its rejection counts as handled. */
export function follow<R>(promise: Promise<R>): { now: Standing<R> } {
  const followed: { now: Standing<R> } = { now: { state: 'pending' } };
  promise.then(
    (value) => (followed.now = { state: 'resolved', value }),
    (error: unknown) => (followed.now = { state: 'rejected', error }),
  );
  return followed;
}

/** What a promise is rejected with. */
export async function rejection(promise: Promise<unknown>): Promise<unknown> {
  try {
    await promise;
  } catch (error) {
    return error;
  }
  throw new Error('it was not rejected');
}
