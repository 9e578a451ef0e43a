import { ConnPoolError, type Lease, LeaseEndedError } from 'nestjs-conn-pool/core';
import type { FakeConn } from 'nestjs-conn-pool/testing';
import { poolsUnderTest } from '../pools-under-test.js';
import { Stand } from './stand.js';
import { StrayErrors, textOf } from './stray-errors.js';
import { WRONG_ERRORS, WRONG_VALUES } from './wrong-values.js';

type AnyLease = Lease<FakeConn>;

/** Everything that can be called on a lease, with whatever a caller passes beside the point. */
const LEASE_CALLS: readonly {
  name: string;
  ends: boolean;
  call(lease: AnyLease, ...given: never[]): unknown;
}[] = [
  { name: 'release', ends: true, call: (lease, ...given) => lease.release(...(given as [])) },
  { name: 'discard', ends: true, call: (lease, ...given) => lease.discard(...given) },
  { name: 'detach', ends: true, call: (lease, ...given) => lease.detach(...(given as [])) },
  { name: 'dispose', ends: true, call: (lease, ...given) => lease[Symbol.dispose](...(given as [])) },
  {
    name: 'asyncDispose',
    ends: true,
    call: (lease, ...given) => lease[Symbol.asyncDispose](...(given as [])),
  },
  { name: 'conn', ends: false, call: (lease) => lease.conn },
  { name: 'signal', ends: false, call: (lease) => lease.signal },
  { name: 'id', ends: false, call: (lease) => lease.id },
  { name: 'reused', ends: false, call: (lease) => lease.reused },
  { name: 'active', ends: false, call: (lease) => lease.active },
];

const ENDERS = LEASE_CALLS.filter(({ ends }) => ends);

/** What may have become of a lease, and how. */
const FATES: readonly { name: string; end(stand: Stand, lease: AnyLease): void | Promise<unknown> }[] = [
  { name: 'active', end: () => undefined },
  { name: 'released', end: (_stand, lease) => lease.release() },
  { name: 'discarded', end: (_stand, lease) => lease.discard() },
  { name: 'detached', end: (_stand, lease) => void lease.detach() },
  { name: 'on a lost connection', end: (_stand, lease) => lease.conn.die(new Error('cut')) },
  { name: 'of an old generation', end: ({ pool }) => pool.evictAll() },
  { name: 'of a paused pool', end: ({ pool }) => pool.pause() },
  { name: 'of a pool that drains', end: ({ pool }) => void pool.close() },
  { name: 'taken back by force', end: ({ pool }) => void pool.close({ drain: 0 }) },
  {
    name: 'whose connection somebody else has',
    end: ({ pool }, lease) => {
      pool.resize({ max: 1, min: 0 });
      lease.release();
      return pool.acquire();
    },
  },
];

const stray = new StrayErrors();

/** Calls it and says what came of it: nothing thrown but the pool's own word that the lease has ended. */
function callOn(stand: Stand, name: string, call: () => unknown): void {
  try {
    const result = call();
    if (result instanceof Promise)
      result.catch((error: unknown) => stand.wrong(`${name} rejects: ${textOf(error)}`));
  } catch (error) {
    if (!(error instanceof LeaseEndedError)) stand.wrong(`${name} threw ${textOf(error)}`);
    else if (!error.message.includes('"hostile"') || !error.message.includes('Acquire'))
      stand.wrong(`${name} does not say what to do: ${error.message}`);
  }
  stand.mustAddUp(name);
}

describe.each(FATES)('a lease $name', ({ name: fate, end }) => {
  it('bears two of all calls, one after the other, in one step', async () => {
    const wrongs: string[] = [];
    for (const first of LEASE_CALLS) {
      for (const second of LEASE_CALLS) {
        const stand = await Stand.in('new', stray);
        const lease = await stand.pool.acquire();
        const others = stand.do('what befell it', 'promise', async () => end(stand, lease));
        await stand.clock.settle();
        for (const { name, call } of [first, second]) callOn(stand, name, () => call(lease));
        if (first.ends && lease.active) stand.wrong('it is active after its end');
        await stand.clock.settle();
        if (others.now.state === 'resolved' && others.now.value !== undefined)
          mustStand(stand, others.now.value);
        lease.release();
        for (const what of await stand.mustEndWell()) wrongs.push(`${first.name}, ${second.name}: ${what}`);
      }
    }
    expect(wrongs).toEqual([]);
  });

  it('does not mind what is passed to it', async () => {
    const wrongs: string[] = [];
    for (const { name, call } of ENDERS) {
      for (const value of [...WRONG_VALUES, ...WRONG_ERRORS]) {
        const stand = await Stand.in('new', stray);
        const lease = await stand.pool.acquire();
        stand.do('what befell it', 'promise', async () => end(stand, lease));
        await stand.clock.settle();
        callOn(stand, name, () => call(lease, value.make() as never));
        for (const what of await stand.mustEndWell()) wrongs.push(`${name}(${value.name}): ${what}`);
      }
    }
    expect(wrongs).toEqual([]);
  });

  it('can be ended by its own abort listener and by the listeners of every event', async () => {
    const wrongs: string[] = [];
    for (const { name, call } of ENDERS) {
      const stand = await Stand.in('new', stray);
      const lease = await stand.pool.acquire();
      const within = (): void => callOn(stand, `${name} from within`, () => call(lease));
      lease.signal.addEventListener('abort', within);
      stand.pool.events$.subscribe(within);
      stand.do('what befell it', 'promise', async () => end(stand, lease));
      await stand.clock.settle();
      for (const what of await stand.mustEndWell()) wrongs.push(`${fate}: ${what}`);
    }
    expect(wrongs).toEqual([]);
  });
});

/** Nothing that is called on a stale lease touches the next borrower's. */
function mustStand(stand: Stand, other: unknown): void {
  const { active, conn } = other as AnyLease;
  if (!active || conn.closed) stand.wrong("a stale lease has touched the next borrower's");
  (other as AnyLease).release();
}

describe('a method of a lease without its lease', () => {
  const make = poolsUnderTest();

  const WRONG_THIS: readonly { name: string; make(lease: AnyLease): unknown }[] = [
    { name: 'none (destructured)', make: () => undefined },
    { name: 'an empty object', make: () => ({}) },
    { name: 'a text', make: () => 'x' },
    { name: 'the connection', make: (lease) => lease.conn },
    { name: 'a copy of the fields', make: (lease) => ({ ...lease, conn: 1 }) },
  ];
  const METHODS = ['release', 'discard', 'detach', Symbol.dispose, Symbol.asyncDispose] as const;

  it.each(WRONG_THIS)(
    'says how it is called, and the lease holds: `this` is $name',
    async ({ make: makeThis }) => {
      const { pool } = make();
      const lease = await pool.acquire();
      const conn = lease.conn;
      for (const method of METHODS) {
        const unbound = lease[method] as (this: unknown) => unknown;
        const error: unknown = await Promise.resolve()
          .then(() => unbound.call(makeThis(lease)))
          .catch((thrown: unknown) => thrown);
        expect(textOf(error)).toMatch(
          /lease\.(release|discard|detach)\(\)|lease\[Symbol\.(async)?[dD]ispose\]\(\)/,
        );
      }
      expect(lease.active).toBe(true);
      expect(lease.conn).toBe(conn);
      expect(pool.stats()).toMatchObject({ size: 1, leased: 1 });
      lease.release();
      expect(pool.stats()).toMatchObject({ size: 1, idle: 1 });
    },
  );

  it('works on a lease that is frozen, wrapped in a Proxy or inherited from', async () => {
    const { pool, connector } = make({ max: 1 });
    const wraps = [
      (lease: AnyLease) => Object.freeze(lease),
      (lease: AnyLease) => new Proxy(lease, {}),
      (lease: AnyLease) => Object.create(lease) as AnyLease,
    ];
    for (const wrap of wraps) {
      for (const call of ['release', 'discard', Symbol.dispose] as const) {
        const lease = wrap(await pool.acquire());
        expect(lease.conn.closed).toBe(false);
        if (!Object.isFrozen(lease)) expect(lease.signal.aborted).toBe(false);
        lease[call]();
        expect(lease.active).toBe(false);
        lease.release();
      }
    }
    expect(connector.violations).toEqual([]);
  });

  it('of the pool itself, too, harms nobody', async () => {
    const { pool, clock } = make({ max: 1 });
    const lease = await pool.acquire();
    for (const name of [
      'acquire',
      'use',
      'start',
      'close',
      'heartbeat',
      'warmUp',
      'closeIdle',
      'resize',
      'pause',
    ] as const) {
      const unbound = pool[name] as (this: unknown, ...given: unknown[]) => unknown;
      const error: unknown = await Promise.resolve()
        .then(() => unbound.call(undefined, () => 1))
        .catch((thrown: unknown) => thrown);
      expect(error).toBeInstanceOf(Error);
    }
    await clock.settle();
    expect(pool.state).toBe('open');
    lease.release();
    expect(pool.stats()).toMatchObject({ size: 1, idle: 1, waiting: 0 });
  });
});

describe('an error of a lease', () => {
  const make = poolsUnderTest();

  it('names the pool, the connection, and what to do; after a loss, also what was lost', async () => {
    const { pool } = make({ name: 'orders' }, { watch: true });
    const lease = await pool.acquire();
    lease.conn.die(new Error('cut'));
    lease.release();
    const error: unknown = await Promise.resolve()
      .then(() => lease.conn)
      .catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(ConnPoolError);
    expect(error).toMatchObject({ pool: 'orders', id: lease.id, cause: { message: 'cut' } });
    expect(textOf(error)).toMatch(/connection 1 of pool "orders" has ended.*Acquire a new one/);
  });
});
