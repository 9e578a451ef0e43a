import { ConnPool, type ConnPoolOptions, InvalidOptionsError } from 'nestjs-conn-pool/core';
import { fakeConnector } from 'nestjs-conn-pool/testing';
import { poolsUnderTest, rejection } from './pools-under-test.js';

function problemsOf(options: Record<string, unknown>): string[] {
  try {
    new ConnPool(fakeConnector(), options as ConnPoolOptions);
  } catch (error) {
    expect(error).toBeInstanceOf(InvalidOptionsError);
    return (error as InvalidOptionsError).problems.map(({ path }) => path);
  }
  return [];
}

describe('options', () => {
  const make = poolsUnderTest();

  it.each<[string, unknown[], unknown[]]>([
    ['name', ['thrift', undefined], ['', 7, null]],
    ['max', [1, 100], [0, -1, 1.5, NaN, Infinity, '10', null]],
    ['min', [0, 10], [-1, 0.5, NaN, '1', 11]],
    ['maxIdle', [0, 5, Infinity], [-1, 1.5, NaN, '5']],
    ['exhausted', ['wait', 'overflow', 'fail'], ['block', true, null]],
    ['maxWaiting', [0, 1, Infinity], [-1, 1.5, NaN, '1']],
    ['acquireTimeout', [0, Infinity, 100, '1s'], [-1, NaN, 'soon', null, {}]],
    ['dialTimeout', [1, '10s'], [0, -1, Infinity, NaN, 'soon']],
    ['heartbeatTimeout', [1, '10s'], [0, -1, Infinity, NaN, 'soon']],
    ['resetTimeout', [1, '10s'], [0, -1, Infinity, NaN, 'soon']],
    ['closeTimeout', [1, '10s'], [0, -1, Infinity, NaN, 'soon']],
    ['dialAttempts', [1, 5], [0, -1, 1.5, Infinity, '1']],
    ['dialConcurrency', [1, 50], [0, -1, 1.5, NaN]],
    ['idleTimeout', [0, Infinity, '2m'], [-1, NaN, 'soon']],
    ['heartbeatInterval', [0, Infinity, '2m'], [-1, NaN, 'soon']],
    ['maxLifetime', [0, Infinity, '2h'], [-1, NaN, 'soon']],
    ['lifetimeJitter', [0, 0.5, 1], [-0.1, 1.1, NaN, '0.1']],
    ['maxUses', [1, 1000, Infinity], [0, -1, 1.5, NaN]],
    ['order', ['lifo', 'fifo'], ['random', null]],
    ['leakThreshold', [0, Infinity, '5s'], [-1, NaN, 'soon']],
    ['startup', ['wait', 'background', 'lazy'], ['eager', null]],
    ['drain', [0, '10s'], [-1, Infinity, NaN, 'soon']],
    ['clock', [undefined], [{}, 7, null, { now: () => 0 }]],
  ])('checks %s', (field, good, bad) => {
    for (const value of good) expect(problemsOf({ [field]: value })).toEqual([]);
    for (const value of bad) expect(problemsOf({ [field]: value })).toEqual([field]);
  });

  it('checks dialBackoff', () => {
    for (const value of [{}, { initial: 1 }, { initial: '1s', max: '1m' }, { max: 100 }])
      expect(problemsOf({ dialBackoff: value })).toEqual([]);
    for (const [value, path] of [
      [7, 'dialBackoff'],
      [{ initial: -1 }, 'dialBackoff.initial'],
      [{ max: 'soon' }, 'dialBackoff.max'],
      [{ initial: 10, max: 5 }, 'dialBackoff.initial'],
      [{ factor: 2 }, 'dialBackoff.factor'],
    ] as const)
      expect(problemsOf({ dialBackoff: value })).toEqual([path]);
  });

  it('lists every bad field at once, with what was given and what is allowed, before anything is dialled', () => {
    const connector = fakeConnector();
    const bad = { max: 0, min: -1, acquireTimeout: 'soon', order: 'random', startup: 'eager' };
    const error = (() => {
      try {
        new ConnPool(connector, { name: 'thrift', colour: 'red', ...bad } as unknown as ConnPoolOptions);
      } catch (caught) {
        return caught as InvalidOptionsError;
      }
      throw new Error('nothing was thrown');
    })();
    expect(error).toBeInstanceOf(InvalidOptionsError);
    expect(error.code).toBe('ERR_INVALID_OPTIONS');
    expect(error.pool).toBe('thrift');
    expect(error.problems.map(({ path }) => path).sort()).toEqual(['colour', ...Object.keys(bad)].sort());
    // The value of an option that belongs elsewhere may be a secret.
    expect(error.message).toMatch(/colour: no option of this name; there are name, max/);
    expect(error.message).not.toContain('red');
    for (const [path, given] of Object.entries(bad)) {
      const problem = error.problems.find((one) => one.path === path);
      expect(problem?.given).toBe(given);
      expect(problem?.allowed).toMatch(/\w/);
      expect(error.message).toContain(path);
      expect(error.message).toContain(JSON.stringify(given));
    }
    expect(connector.dial.count).toBe(0);
  });

  it('refuses an unknown option and names those there are', () => {
    try {
      new ConnPool(fakeConnector(), { idleTimeoutMillis: 5 } as unknown as ConnPoolOptions);
      throw new Error('nothing was thrown');
    } catch (error) {
      expect((error as InvalidOptionsError).problems[0]?.path).toBe('idleTimeoutMillis');
      expect((error as Error).message).toContain('idleTimeout');
    }
  });

  it('refuses min > max', () => {
    expect(problemsOf({ min: 11 })).toEqual(['min']);
    expect(problemsOf({ min: 3, max: 2 })).toEqual(['min']);
    expect(problemsOf({ min: 2, max: 2 })).toEqual([]);
  });

  it('refuses options that are no object', () => {
    for (const options of [null, 7, 'max'])
      expect(() => new ConnPool(fakeConnector(), options as unknown as ConnPoolOptions)).toThrow(
        InvalidOptionsError,
      );
  });

  it('takes undefined as left out', () => {
    const { pool } = make({ max: undefined, name: undefined, min: undefined, maxIdle: undefined });
    expect(pool.stats()).toMatchObject({ name: 'default', max: 10, min: 0, maxIdle: 10 });
  });

  it.each(['dial', 'close'] as const)(
    '[C1] refuses a connector without %s, before anything is dialled',
    (call) => {
      const { dial, close } = fakeConnector();
      const connector = { dial, close, [call]: undefined };
      expect(() => new ConnPool(connector as unknown as ReturnType<typeof fakeConnector>)).toThrow(
        InvalidOptionsError,
      );
      expect(() => new ConnPool(connector as unknown as ReturnType<typeof fakeConnector>)).toThrow(
        new RegExp(call),
      );
    },
  );

  it('names all that is wrong with the connector and the options together', () => {
    try {
      new ConnPool({ heartbeat: 7 } as never, { max: 0 });
      throw new Error('nothing was thrown');
    } catch (error) {
      expect(error).toBeInstanceOf(InvalidOptionsError);
      for (const word of ['dial', 'close', 'heartbeat', 'max'])
        expect((error as Error).message).toContain(word);
    }
  });

  it('checks the options of a call: acquire rejects, it does not throw', async () => {
    const { pool, connector } = make();
    for (const timeout of [-1, NaN, 'soon'])
      expect(await rejection(pool.acquire({ timeout }))).toBeInstanceOf(InvalidOptionsError);
    expect(await rejection(pool.use(() => 1, { timeout: 'soon' }))).toBeInstanceOf(InvalidOptionsError);
    expect(await rejection(pool.heartbeat({ timeout: 'soon' }))).toBeInstanceOf(InvalidOptionsError);
    expect(await rejection(pool.acquire({ priority: NaN }))).toBeInstanceOf(InvalidOptionsError);
    expect(connector.dial.count).toBe(0);
    expect(pool.stats().waiting).toBe(0);
  });

  it('[C10] refuses a bad drain without closing', async () => {
    const { pool } = make();
    expect(await rejection(pool.close({ drain: 'soon' }))).toBeInstanceOf(InvalidOptionsError);
    expect(pool.state).toBe('open');
    (await pool.acquire()).release();
  });

  it('dials nothing by itself', async () => {
    const { pool, connector, clock } = make({ min: 3 });
    await clock.advance('1h');
    expect(connector.dial.count).toBe(0);
    expect(pool.state).toBe('open');
    expect(clock.pending).toBe(0);
  });
});

describe('the options of a call', () => {
  const pool = new ConnPool<object>({ dial: () => ({}), close: () => undefined }, { name: 'calls' });
  afterAll(() => pool.close());

  it.each([
    ['acquire(500)', () => pool.acquire(500 as never), 'options'],
    ['acquire([])', () => pool.acquire([] as never), 'options'],
    ['acquire(null)', () => pool.acquire(null as never), 'options'],
    ['acquire({ timout })', () => pool.acquire({ timout: 5 } as never), 'timout'],
    ['use()', () => pool.use(undefined as never), 'work'],
    ['heartbeat(500)', () => pool.heartbeat(500 as never), 'options'],
    ['heartbeat({ timout })', () => pool.heartbeat({ timout: 5 } as never), 'timout'],
    ['close(5)', () => pool.close(5 as never), 'options'],
    ['close({ drian })', () => pool.close({ drian: 5 } as never), 'drian'],
  ])('%s is refused with the pool and the field, and nothing is done', async (_call, call, path) => {
    const error = await call().then(String, (reason: unknown) => reason);
    expect(error).toBeInstanceOf(InvalidOptionsError);
    expect(error).toMatchObject({ pool: 'calls', problems: [{ path }] });
    expect(pool.stats()).toMatchObject({ state: 'open', size: 0 });
  });
});

it('every unknown name is told, those inside dialBackoff too', () => {
  const options = { maxx: 1, idle: 2, dialBackoff: { first: 1, last: 2 } } as never;
  const make = () => new ConnPool<object>({ dial: () => ({}), close: () => undefined }, options);
  expect(make).toThrow(/maxx[^]*idle[^]*dialBackoff\.first[^]*dialBackoff\.last/);
});
