import { ConnPool, type Connector, type PoolEvent } from 'nestjs-conn-pool/core';
import { FakeClock } from 'nestjs-conn-pool/testing';
import { addsUp, follow, type Standing } from '../pools-under-test.js';
import { StrayErrors, textOf } from './stray-errors.js';
import { revoked, trapped, WRONG_ERRORS, WRONG_VALUES } from './wrong-values.js';

type Method = keyof Connector<unknown>;

const METHODS = [
  ...(['dial', 'close', 'heartbeat', 'reset', 'isAlive', 'watch', 'isFatal', 'isPermanent'] as const),
] satisfies Method[];

const stray = new StrayErrors();

/** A connector that does all it should; `parts` are what it does not. Its dials fail while the server is down. */
function connectorWith(parts: object, server = { down: false }): Connector<unknown> {
  const connector = {
    dial: () => {
      if (server.down) throw new Error('refused');
      return {};
    },
    close: () => undefined,
    heartbeat: () => undefined,
    reset: () => undefined,
    isAlive: () => true,
    watch: () => () => undefined,
    isFatal: () => false,
    isPermanent: () => false,
  };
  return Object.defineProperties(connector, Object.getOwnPropertyDescriptors(parts));
}

/** A short life of a pool in which each method of the connector is called, and everything the pool promised. */
class Life {
  readonly clock = new FakeClock(1000);
  readonly wrongs: string[] = [];
  readonly events: PoolEvent[] = [];
  readonly pool: ConnPool<unknown>;
  private readonly promised: { what: string; standing: { now: Standing<unknown> } }[] = [];

  constructor(
    connector: Connector<unknown>,
    private readonly server = { down: false },
  ) {
    this.pool = new ConnPool(connector, {
      clock: this.clock,
      name: 'hostile',
      max: 2,
      acquireTimeout: '5s',
      dialTimeout: 100,
      heartbeatTimeout: 100,
      resetTimeout: 100,
      closeTimeout: 100,
      heartbeatInterval: '20s',
      dialBackoff: { initial: 100, max: '1s' },
    });
    this.pool.events$.subscribe((event) => void this.events.push(event));
  }

  async live(spoil: () => void = () => undefined): Promise<string[]> {
    await this.borrow();
    spoil();
    for (let round = 0; round < 3; round++) {
      await this.borrow();
      this.try('heartbeat', () => this.pool.heartbeat());
      this.try('use that fails', () => this.pool.use(() => Promise.reject(new Error('work'))));
      await this.clock.advance('1s');
      this.server.down = true;
      this.try('acquire that fails', () =>
        this.pool.acquire({ fresh: true, timeout: '1s' }).then((it) => it.release()),
      );
      await this.clock.advance('2s');
      this.server.down = false;
      await this.clock.advance('21s');
      this.try('closeIdle', () => this.pool.closeIdle());
      await this.clock.advance('1s');
    }
    return this.mustEndWell();
  }

  private async borrow(): Promise<void> {
    for (const end of ['release', 'discard', 'detach'] as const) {
      this.try(end, async () => {
        const lease = await this.pool.acquire();
        lease[end]();
      });
      await this.clock.advance('6s');
    }
    this.try('tryAcquire', async () => this.pool.tryAcquire()?.release());
    if (!addsUp(this.pool.stats()))
      this.wrongs.push(`the sums are broken: ${JSON.stringify(this.pool.stats())}`);
  }

  private try(what: string, work: () => Promise<unknown>): void {
    const standing = { now: { state: 'pending' } as Standing<unknown> };
    this.promised.push({ what, standing });
    try {
      const followed = follow(work());
      Object.defineProperty(standing, 'now', { get: () => followed.now });
    } catch (error) {
      this.wrongs.push(`${what} threw at once: ${textOf(error)}`);
    }
  }

  private async mustEndWell(): Promise<string[]> {
    const { pool, clock, wrongs } = this;
    await clock.advance('10s');
    const { leased, checking, dialing, closing, waiting } = pool.stats();
    if (leased + checking + dialing + closing + waiting > 0)
      wrongs.push(`it does not come to rest: ${JSON.stringify(pool.stats())}`);
    this.try('close', () => pool.close());
    await clock.advance('1m');
    if (pool.state !== 'closed' || pool.stats().size > 0)
      wrongs.push(`not closed: ${JSON.stringify(pool.stats())}`);
    if (clock.pending > 0) wrongs.push(`${clock.pending} timers are left`);
    for (const { what, standing } of this.promised)
      if (standing.now.state === 'pending') wrongs.push(`${what} is never settled`);
    for (const { what, standing } of this.promised) {
      if (standing.now.state === 'rejected') mustBeKnown(wrongs, what, standing.now.error);
    }
    for (const error of stray.take()) wrongs.push(`an unhandled rejection: ${textOf(error)}`);
    return [...new Set(wrongs)];
  }
}

/** The life of a pool whose connector does some things in its own way. */
function lifeWith(parts: object): Life {
  const server = { down: false };
  return new Life(connectorWith(parts, server), server);
}

/** An error of the pool's, or the work's own. */
function mustBeKnown(wrongs: string[], what: string, error: unknown): void {
  const { code, message } = error as { code?: string; message?: string };
  const known =
    ['ERR_DIAL', 'ERR_ACQUIRE_TIMEOUT'].includes(code ?? '') ||
    (what === 'use that fails' && message === 'work');
  if (!known) wrongs.push(`${what}: ${textOf(error)}`);
}

describe('a connector that throws', () => {
  it.each(METHODS)('%s: whatever there is to throw, at once or as a rejection', async (method) => {
    const wrongs: string[] = [];
    for (const { name, make } of WRONG_ERRORS) {
      const ways = {
        thrown: () => {
          throw make() as Error;
        },
        rejected: () => Promise.reject(make() as Error),
        'rejected late': async () => {
          await undefined;
          throw make() as Error;
        },
      };
      for (const [way, call] of Object.entries(ways)) {
        for (const what of await lifeWith({ [method]: call }).live()) wrongs.push(`${name}, ${way}: ${what}`);
      }
    }
    expect(wrongs).toEqual([]);
  });

  it('unwatch: whatever there is to throw', async () => {
    const wrongs: string[] = [];
    for (const { name, make } of WRONG_ERRORS) {
      const throws = (): never => {
        throw make() as Error;
      };
      for (const stop of [throws, () => Promise.reject(make() as Error)]) {
        for (const what of await lifeWith({ watch: () => stop }).live()) wrongs.push(`${name}: ${what}`);
      }
    }
    expect(wrongs).toEqual([]);
  });
});

describe('a connector that answers with something else', () => {
  it.each([...METHODS, 'unwatch'] as const)(
    '%s: whatever there is to answer, at once or by a promise',
    async (method) => {
      const wrongs: string[] = [];
      for (const { name, make } of WRONG_VALUES) {
        for (const answer of [make, async () => make()]) {
          const parts = method === 'unwatch' ? { watch: () => answer } : { [method]: answer };
          for (const what of await lifeWith(parts).live()) wrongs.push(`${name}: ${what}`);
        }
      }
      expect(wrongs).toEqual([]);
    },
  );

  it.each(['dial', 'heartbeat', 'reset', 'close'] as const)(
    '%s: by a thenable of its own kind',
    async (method) => {
      const wrongs: string[] = [];
      for (const [name, answer] of Object.entries(THENABLES)) {
        for (const what of await lifeWith({ [method]: answer }).live()) wrongs.push(`${name}: ${what}`);
      }
      expect(wrongs).toEqual([]);
    },
  );

  it.each(['dial', 'heartbeat', 'reset', 'close'] as const)('%s: not at all', async (method) => {
    const life = lifeWith({ [method]: () => new Promise(() => undefined) });
    expect(await life.live()).toEqual([]);
  });
});

type Done = (value: unknown) => void;

const boom = (): never => {
  throw new Error('a trap of the user has sprung');
};

const THENABLES: Record<string, () => unknown> = {
  'calls back at once': () => ({ then: (done: Done) => done({}) }),
  'calls back twice with one': () => {
    const one = {};
    return { then: (done: Done) => (done(one), done(one)) };
  },
  'calls both, first well': () => ({
    then: (done: Done, failed: Done) => (done({}), failed(new Error('no'))),
  }),
  'calls both, first badly': () => ({
    then: (done: Done, failed: Done) => (failed(new Error('no')), done({})),
  }),
  'calls back, then throws': () => ({ then: (done: Done) => (done({}), boom()) }),
  'throws in then': () => ({ then: boom }),
  'throws when then is read': () => Object.defineProperty({}, 'then', { get: boom }),
  'never calls': () => ({ then: () => undefined }),
  'has a then that is none': () => ({ then: 7 }),
  'has then only when first looked at': () => {
    let looks = 0;
    return Object.defineProperty({}, 'then', { get: () => (looks++ === 0 ? boom : undefined) });
  },
  'is a function': () => Object.assign(() => undefined, { then: (done: Done) => done({}) }),
  'is a Proxy that throws': trapped,
  'is a revoked Proxy of a promise': () => revoked(Promise.resolve()),
};

describe('a connection that answers twice', () => {
  it.each(['at once', 'later'])('is not closed in the hands of its borrower: %s', async (when) => {
    const closed: unknown[] = [];
    const later = (call: () => void): void => (when === 'later' ? queueMicrotask(call) : call());
    const dial = (): Promise<object> => {
      const one = {};
      const then = (done: Done): void => {
        later(() => done(one));
        later(() => done(one));
      };
      return { then } as unknown as Promise<object>;
    };
    const clock = new FakeClock();
    const pool = new ConnPool({ dial, close: (conn) => void closed.push(conn) }, { clock });
    const lease = await pool.acquire();
    await clock.settle();
    expect(lease.active).toBe(true);
    expect(closed).toEqual([]);
    lease.release();
    await pool.close();
    expect(closed).toHaveLength(1);
  });

  it('is closed when it comes after its timeout, once', async () => {
    const closed: unknown[] = [];
    const answers: Done[] = [];
    const dial = (): Promise<object> =>
      ({ then: (done: Done) => void answers.push(done) }) as unknown as Promise<object>;
    const clock = new FakeClock();
    const pool = new ConnPool({ dial, close: (conn) => void closed.push(conn) }, { clock, dialTimeout: 10 });
    const acquiring = follow(pool.acquire());
    await clock.advance(10);
    expect(acquiring.now).toMatchObject({ state: 'rejected', error: { code: 'ERR_DIAL' } });
    const conn = {};
    answers[0]?.(conn);
    answers[0]?.(conn);
    expect(closed).toEqual([conn]);
    await pool.close();
  });
});

describe('a connection that is hardly one', () => {
  const CONNECTIONS: readonly { name: string; conn: unknown; refused?: boolean }[] = [
    { name: 'undefined', conn: undefined },
    { name: 'null', conn: null },
    { name: '0', conn: 0 },
    { name: 'NaN', conn: NaN },
    { name: 'false', conn: false },
    { name: 'an empty text', conn: '' },
    { name: 'a bigint', conn: 0n },
    { name: 'a symbol', conn: Symbol('conn') },
    { name: 'a frozen object', conn: Object.freeze({}) },
    { name: 'an object without prototype', conn: Object.create(null) as object },
    { name: 'a Proxy of which `then` cannot be asked', conn: trapped(), refused: true },
    { name: 'a function', conn: () => undefined },
  ];

  it.each(CONNECTIONS)(
    'is lent, checked, cleaned and closed as any other: $name',
    async ({ conn, refused = false }) => {
      const seen: Record<string, unknown[]> = { heartbeat: [], reset: [], isAlive: [], watch: [], close: [] };
      const see = (method: string) => (given: unknown) => {
        seen[method]?.push(given);
        return method === 'isAlive' ? true : undefined;
      };
      const parts = Object.fromEntries(Object.keys(seen).map((method) => [method, see(method)]));
      const clock = new FakeClock(1000);
      const dial = (): unknown => conn;
      const pool = new ConnPool({ dial, close: () => undefined, ...parts } as Connector<unknown>, {
        clock,
        max: 1,
      });
      const acquiring = follow(pool.acquire());
      await clock.advance(50);
      expect(acquiring.now.state).toBe(refused ? 'rejected' : 'resolved');
      if (acquiring.now.state !== 'resolved') return void (await pool.close());
      const lease = acquiring.now.value;
      expect(Object.is(lease.conn, conn)).toBe(true);
      await clock.advance('1s');
      expect(pool.inspect()).toMatchObject([{ state: 'leased', age: 1050 }]);
      lease.release();
      await clock.settle();
      expect(await pool.use((given) => Object.is(given, conn))).toBe(true);
      await pool.heartbeat();
      const again = await pool.acquire();
      expect(Object.is(again.detach(), conn)).toBe(true);
      (await pool.acquire()).discard();
      await pool.close();
      for (const given of Object.values(seen).flat()) expect(Object.is(given, conn)).toBe(true);
      expect(seen.close).toHaveLength(1);
      for (const calls of Object.values(seen)) expect(calls.length).toBeGreaterThan(0);
    },
  );

  it.each(CONNECTIONS.slice(0, 3))(
    'is closed when the pool is, under its first heartbeat: $name',
    async ({ conn }) => {
      const closed: unknown[] = [];
      const clock = new FakeClock(1000);
      const connector: Connector<unknown> = {
        dial: () => conn,
        close: (given) => void closed.push(given),
        heartbeat: () => new Promise(() => undefined),
      };
      const pool = new ConnPool(connector, { clock });
      const acquiring = follow(pool.acquire());
      await clock.settle();
      await pool.close({ drain: 0 });
      expect(closed).toEqual([conn]);
      await clock.settle();
      expect(acquiring.now).toMatchObject({ error: { code: 'ERR_POOL_CLOSED' } });
    },
  );

  it('is a connection of its own each time, also when it is the same object', async () => {
    const same = {};
    const life = lifeWith({ dial: () => same });
    expect(await life.live()).toEqual([]);
  });
});

describe('a `lost` that is called at the wrong time', () => {
  const TIMES = [
    'inside watch',
    'inside every other call',
    'a hundred times over',
    'after close',
    'late',
  ] as const;

  it.each(TIMES)('%s', async (when) => {
    const losts: ((cause?: unknown) => void)[] = [];
    const all = (): void => {
      for (const lost of losts)
        for (let i = 0; i < 100; i++) lost(i % 2 === 0 ? new Error('cut') : undefined);
    };
    const within = (result: unknown) => () => {
      if (when === 'inside every other call') all();
      return result;
    };
    const parts = {
      watch: (_conn: unknown, lost: (cause?: unknown) => void) => {
        losts.push(lost);
        if (when === 'inside watch') lost(new Error('cut'));
        if (when === 'a hundred times over') all();
        return within(undefined);
      },
      close: within(undefined),
      heartbeat: within(undefined),
      reset: within(undefined),
      isAlive: within(true),
    };
    const life = lifeWith(parts);
    expect(await life.live(when === 'late' ? all : undefined)).toEqual([]);
    const { totals } = life.pool.stats();
    all();
    await life.clock.settle();
    expect(life.pool.stats().totals).toEqual(totals);
    expect(totals.lost).toBeLessThanOrEqual(losts.length);
  });

  it('counts each connection once, and tells its borrower once', async () => {
    const losts: ((cause?: unknown) => void)[] = [];
    const clock = new FakeClock(1000);
    const watch = (_conn: object, lost: (cause?: unknown) => void): void => void losts.push(lost);
    const pool = new ConnPool({ dial: () => ({}), close: () => undefined, watch }, { clock, max: 1 });
    const lease = await pool.acquire();
    let told = 0;
    lease.signal.addEventListener('abort', () => {
      told++;
      losts[0]?.('again');
      lease.release();
      losts[0]?.('and again');
    });
    losts[0]?.('cut');
    await clock.settle();
    expect({ told, reason: lease.signal.reason as unknown }).toEqual({ told: 1, reason: 'cut' });
    expect(pool.stats()).toMatchObject({ size: 0, totals: { lost: 1, closed: { lost: 1 } } });
    await pool.close();
  });
});

describe('a connector that changes after the pool was made', () => {
  const OPTIONAL = METHODS.slice(2);

  it.each(METHODS)('%s is taken away, replaced by nonsense, or comes late', async (method) => {
    const wrongs: string[] = [];
    const changes: Record<string, (connector: Record<string, unknown>) => void> = {
      'taken away': (connector) => void delete connector[method],
      undefined: (connector) => void (connector[method] = undefined),
      'a number': (connector) => void (connector[method] = 7),
      'another function': (connector) => void (connector[method] = () => undefined),
    };
    for (const [name, change] of Object.entries(changes)) {
      const server = { down: false };
      const connector = connectorWith({}, server);
      const life = new Life(connector, server);
      const lived = await life.live(() => change(connector as unknown as Record<string, unknown>));
      for (const what of lived) wrongs.push(`${name}: ${what}`);
    }
    if (OPTIONAL.includes(method)) {
      const server = { down: false };
      const connector = connectorWith({ [method]: undefined }, server);
      const life = new Life(connector, server);
      const whole = connectorWith({}) as unknown as Record<string, unknown>;
      const lived = await life.live(() => void Object.assign(connector, { [method]: whole[method] }));
      for (const what of lived) wrongs.push(`late: ${what}`);
    }
    expect(wrongs).toEqual([]);
  });

  it.each(METHODS)('%s is a getter that throws from now on', async (method) => {
    let spoiled = false;
    const server = { down: false };
    const sound = connectorWith({}, server);
    const parts = {
      get [method](): unknown {
        return spoiled ? boom() : sound[method];
      },
    };
    expect(await new Life(connectorWith(parts), server).live(() => (spoiled = true))).toEqual([]);
  });

  it.each(OPTIONAL)('%s was not there, and is a getter that throws from now on', async (method) => {
    let spoiled = false;
    const parts = {
      get [method](): unknown {
        return spoiled ? boom() : undefined;
      },
    };
    expect(await lifeWith(parts).live(() => (spoiled = true))).toEqual([]);
  });

  it('is revoked as a whole', async () => {
    const server = { down: false };
    const { proxy, revoke } = Proxy.revocable(connectorWith({}, server), {});
    expect(await new Life(proxy, server).live(revoke)).toEqual([]);
  });

  it('may be frozen, and may be a class whose methods need their `this`', async () => {
    const server = { down: false };
    expect(await new Life(Object.freeze(connectorWith({}, server)), server).live()).toEqual([]);
    class Own {
      readonly #calls = new Set<string>();

      dial(): object {
        this.#calls.add('dial');
        return {};
      }
      close(): void {
        this.#calls.add('close');
      }
      heartbeat(): void {
        this.#calls.add('heartbeat');
      }
      reset(): void {
        this.#calls.add('reset');
      }
      isAlive(): boolean {
        return this.#calls.add('isAlive') !== undefined;
      }
      watch(): void {
        this.#calls.add('watch');
      }
      isFatal(): boolean {
        return this.#calls.add('isFatal') === undefined;
      }
      get calls(): string[] {
        return [...this.#calls].sort();
      }
    }
    const own = new Own();
    expect(await new Life(own).live()).toEqual([]);
    expect(own.calls).toEqual(['close', 'dial', 'heartbeat', 'isAlive', 'isFatal', 'reset', 'watch']);
  });
});

describe('the work of use()', () => {
  it.each(WRONG_ERRORS)('may throw: $name', async ({ make }) => {
    const clock = new FakeClock(1000);
    const pool = new ConnPool({ dial: () => ({}), close: () => undefined }, { clock });
    const error = make();
    for (const work of [
      () => {
        throw error as Error;
      },
      () => Promise.reject(error as Error),
    ]) {
      const used = follow(pool.use(work));
      await clock.settle();
      expect(used.now.state === 'rejected' && Object.is(used.now.error, error)).toBe(true);
      expect(pool.stats()).toMatchObject({ size: 0, waiting: 0, totals: { closed: { 'pool-closed': 0 } } });
    }
    await pool.close();
  });

  it.each(Object.entries(THENABLES))('may answer by a thenable that %s', async (_name, make) => {
    const clock = new FakeClock(1000);
    const pool = new ConnPool({ dial: () => ({}), close: () => undefined }, { clock });
    const used = follow(pool.use(() => make()));
    await clock.settle();
    const { leased, idle, size } = pool.stats();
    expect(leased).toBe(used.now.state === 'pending' ? 1 : 0);
    expect(idle + leased).toBe(size);
    await pool.close({ drain: 0 });
  });

  it('keeps its connection until its answer is there, also that of a thenable function', async () => {
    const clock = new FakeClock(1000);
    const pool = new ConnPool({ dial: () => ({}), close: () => undefined }, { clock });
    let finish: Done = () => undefined;
    const answer = Object.assign(() => undefined, { then: (done: Done) => (finish = done) });
    const used = follow(pool.use(() => answer as unknown));
    await clock.settle();
    expect(pool.stats()).toMatchObject({ leased: 1 });
    finish('answer');
    await clock.settle();
    expect(used.now).toEqual({ state: 'resolved', value: 'answer' });
    expect(pool.stats()).toMatchObject({ idle: 1, leased: 0 });
    await pool.close();
  });
});
