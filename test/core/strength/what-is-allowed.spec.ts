import {
  ConnPool,
  type ConnPoolOptions,
  InvalidOptionsError,
  KeyedConnPool,
  type OptionProblem,
  systemClock,
} from 'nestjs-conn-pool/core';
import { nameProblems } from '../../../lib/core/fields.js';
import { fakeConnector } from 'nestjs-conn-pool/testing';
import { poolsUnderTest, rejection } from '../pools-under-test.js';

const bad = Symbol('nothing that an option may be');
const DURATION = "in milliseconds or as text such as '30s' or '2m'";
const OFF = `a duration, or 0 or Infinity for off, ${DURATION}`;
const LIMIT = `a finite duration above 0, ${DURATION}`;

function problemsOf(make: () => unknown): readonly OptionProblem[] {
  try {
    make();
  } catch (error) {
    expect(error).toBeInstanceOf(InvalidOptionsError);
    return (error as InvalidOptionsError).problems;
  }
  throw new Error('nothing was refused');
}

describe('whoever gives a bad option is told', () => {
  const make = poolsUnderTest();
  const options = (given: object) => () => new ConnPool(fakeConnector(), given as ConnPoolOptions);

  it.each([
    ['name', 'a text that is not empty'],
    ['max', 'a whole number from 1'],
    ['min', 'a whole number from 0'],
    ['maxIdle', 'a whole number from 0, or Infinity'],
    ['exhausted', "'wait' or 'overflow' or 'fail'"],
    ['maxWaiting', 'a whole number from 0, or Infinity'],
    ['acquireTimeout', OFF],
    ['dialTimeout', LIMIT],
    ['heartbeatTimeout', LIMIT],
    ['resetTimeout', LIMIT],
    ['closeTimeout', LIMIT],
    ['dialAttempts', 'a whole number from 1'],
    ['dialBackoff', '{ initial?: Duration, max?: Duration }'],
    ['dialConcurrency', 'a whole number from 1'],
    ['idleTimeout', OFF],
    ['heartbeatInterval', OFF],
    ['maxLifetime', OFF],
    ['lifetimeJitter', 'a number from 0 to 1'],
    ['maxUses', 'a whole number from 1, or Infinity'],
    ['order', "'lifo' or 'fifo'"],
    ['leakThreshold', OFF],
    ['startup', "'wait' or 'background' or 'lazy'"],
    ['drain', `a finite duration from 0, ${DURATION}`],
    ['clock', 'a PoolClock, such as FakeClock'],
  ])('of %s what was given and what is allowed', (path, allowed) => {
    expect(problemsOf(options({ [path]: bad }))).toEqual([{ path, given: bad, allowed }]);
  });

  it.each([
    ['initial', 0, LIMIT],
    ['max', 'soon', LIMIT],
  ])('of dialBackoff.%s the same', (name, given, allowed) => {
    const path = `dialBackoff.${name}`;
    expect(problemsOf(options({ dialBackoff: { [name]: given } }))).toEqual([{ path, given, allowed }]);
  });

  it('of dialBackoff that it is none, once', () => {
    for (const given of [null, 7, bad])
      expect(problemsOf(options({ dialBackoff: given }))).toEqual([
        { path: 'dialBackoff', given, allowed: '{ initial?: Duration, max?: Duration }' },
      ]);
    expect(problemsOf(options({ dialBackoff: [] }))).toEqual([
      { path: 'dialBackoff', given: [], allowed: 'an object with initial, max' },
    ]);
  });

  it.each([{ initial: Infinity }, { max: -1 }, { initial: 'soon' }])(
    'nothing of a contradiction in dialBackoff where one is bad by itself: %j',
    (dialBackoff) => {
      expect(problemsOf(options({ dialBackoff })).map(({ allowed }) => allowed)).toEqual([LIMIT]);
    },
  );

  it.each([
    [{ name: 'thrift' }, 'thrift'],
    [{ name: '' }, 'default'],
    [{ name: 7 }, 'default'],
    [{}, 'default'],
  ])('by the name of its pool, as far as it has one: %j', (given, name) => {
    expect(options({ max: 0, ...given })).toThrow(expect.objectContaining({ pool: name }));
  });

  it('that a function is no clock', () => {
    const clock = Object.assign(() => 0, { ...systemClock });
    expect(problemsOf(options({ clock }))).toEqual([
      { path: 'clock', given: clock, allowed: 'a PoolClock, such as FakeClock' },
    ]);
  });

  it('of a name that there is not which there are, and not what was given', () => {
    expect(problemsOf(options({ dialBackoff: { first: 1 } }))).toEqual([
      { path: 'dialBackoff.first', allowed: 'no option of this name; there are initial, max' },
    ]);
  });

  it('which other option it contradicts, and what that one is', () => {
    expect(problemsOf(options({ min: 3, max: 2 }))).toEqual([
      { path: 'min', given: 3, allowed: 'at most "max", which is 2' },
    ]);
    expect(problemsOf(options({ min: 11 }))).toEqual([
      { path: 'min', given: 11, allowed: 'at most "max", which is 10' },
    ]);
    const path = 'dialBackoff.initial';
    expect(problemsOf(options({ dialBackoff: { initial: '6s' } }))).toEqual([
      { path, given: '6s', allowed: 'at most "dialBackoff.max", which is 5s' },
    ]);
    expect(problemsOf(options({ dialBackoff: { max: 99 } }))).toEqual([
      { path, given: 100, allowed: 'at most "dialBackoff.max", which is 99' },
    ]);
    for (const dialBackoff of [{ initial: 100, max: 100 }, { initial: '5s' }]) {
      const { pool } = make({ dialBackoff });
      expect(pool.state).toBe('open');
    }
  });

  it('nothing of a contradiction when one of the two is bad by itself', () => {
    for (const given of [
      { min: 3, max: -1 },
      { min: -1, max: -2 },
    ]) {
      const problems = problemsOf(options(given));
      expect(problems.filter(({ allowed }) => allowed.startsWith('at most'))).toEqual([]);
    }
    const dialBackoff = { initial: -1, max: -2 };
    expect(problemsOf(options({ dialBackoff })).map(({ path }) => path)).toEqual([
      'dialBackoff.initial',
      'dialBackoff.max',
    ]);
  });

  it('of the connector which method is missing, and which is none', () => {
    const connector = {
      dial: bad,
      heartbeat: 7,
      reset: null,
      isAlive: '',
      watch: 0,
      isFatal: [],
      isPermanent: {},
    };
    const problems = problemsOf(() => new ConnPool(connector as never));
    expect(problems.slice(0, 2)).toEqual([
      { path: 'connector.dial', given: bad, allowed: 'a function' },
      { path: 'connector.close', given: undefined, allowed: 'a function' },
    ]);
    const optional = Object.entries(connector).slice(1);
    expect(problems.slice(2)).toEqual(
      optional.map(([name, given]) => ({
        path: `connector.${name}`,
        given,
        allowed: 'a function, or nothing',
      })),
    );
  });

  it('of a connector what its getter throws', () => {
    const connector = {
      dial: () => 1,
      get close() {
        throw new Error('a trap');
      },
    };
    expect(problemsOf(() => new ConnPool(connector as never))).toEqual([
      { path: 'connector.close', given: 'a getter that throws: a trap', allowed: 'a function' },
    ]);
  });

  it('of a connector that is none that it is none', () => {
    for (const connector of [null, undefined, 7, 'dial'])
      expect(problemsOf(() => new ConnPool(connector as never))).toEqual([
        { path: 'connector', given: connector, allowed: 'an object with dial() and close()' },
      ]);
  });

  it('of a pool by keys the same, and what is its own', () => {
    const given = { max: 0, maxPerKey: 0, maxIdle: -1, maxIdlePerKey: -1, keyOf: bad, min: 1 };
    const made = () => new KeyedConnPool(fakeConnector() as never, given as never);
    expect(new KeyedConnPool(fakeConnector() as never, { min: 0 }).stats().min).toBe(0);
    const allowed = Object.fromEntries(problemsOf(made).map((one) => [one.path, one.allowed]));
    expect(allowed).toEqual({
      max: 'a whole number from 1, or Infinity',
      maxPerKey: 'a whole number from 1, or Infinity',
      maxIdle: 'a whole number from 0, or Infinity',
      maxIdlePerKey: 'a whole number from 0, or Infinity',
      keyOf: 'a function',
      min: '0: a key has no connections before it is asked for',
    });
  });
});

describe('whoever gives a bad option to a call is told', () => {
  const make = poolsUnderTest();
  const SPAN = "a duration from 0 (none), in milliseconds or as text such as '30s'";

  it.each([
    ['acquire', { timeout: 'soon' }, 'timeout', SPAN],
    ['acquire', { priority: Infinity }, 'priority', 'a finite number'],
    ['acquire', { fresh: 'yes' }, 'fresh', 'true or false'],
    ['acquire', { signal: {} }, 'signal', 'an AbortSignal'],
    ['acquire', { signal: null }, 'signal', 'an AbortSignal'],
    ['heartbeat', { timeout: -1 }, 'timeout', SPAN],
    ['heartbeat', { dialIfNone: 'yes' }, 'dialIfNone', 'true or false'],
    ['close', { drain: -1 }, 'drain', SPAN.replace(' (none)', '')],
  ] as const)('%s(%j) what was given and what is allowed', async (call, options, path, allowed) => {
    const { pool } = make();
    const [given] = Object.values(options);
    const error = await rejection(pool[call](options as never));
    expect(error).toMatchObject({ pool: 'default', problems: [{ path, given, allowed }] });
    expect((error as InvalidOptionsError).problems).toHaveLength(1);
  });

  it.each([
    ['acquire', 'signal, timeout, priority, fresh'],
    ['heartbeat', 'timeout, signal, dialIfNone'],
    ['close', 'drain'],
  ] as const)('%s() which options there are', async (call, names) => {
    const { pool } = make();
    const allowed = `no option of this name; there are ${names}`;
    const error = await rejection(pool[call]({ timout: 1 } as never));
    expect((error as InvalidOptionsError).problems).toEqual([{ path: 'timout', allowed }]);
  });

  it('of options that are none, which there are', async () => {
    const { pool } = make();
    const allowed = 'an object with signal, timeout, priority, fresh';
    for (const given of [7, null, []])
      expect(await rejection(pool.acquire(given as never))).toMatchObject({
        problems: [{ path: 'options', given, allowed }],
      });
    const { proxy, revoke } = Proxy.revocable({}, {});
    revoke();
    expect(await rejection(pool.acquire(proxy))).toMatchObject({
      problems: [{ path: 'options', given: expect.stringMatching(/^what cannot be read: ./), allowed }],
    });
  });

  it('of a value that cannot be read, that it cannot; but meta may be anything', async () => {
    const { proxy, revoke } = Proxy.revocable({}, {});
    revoke();
    const { pool } = make({ meta: proxy as never });
    expect((await rejection(pool.acquire({ timeout: proxy as never }))) as InvalidOptionsError).toMatchObject(
      {
        problems: [{ path: 'timeout', allowed: 'a value that can be read' }],
      },
    );
  });

  it('nothing of what is left out or undefined', () => {
    expect(nameProblems({ max: undefined, min: 1 }, ['max', 'min'])).toEqual([]);
    expect(nameProblems({ maxx: undefined }, ['max', 'min'])).toEqual([
      { path: 'maxx', allowed: 'no option of this name; there are max, min' },
    ]);
  });

  it('of a warm-up, of a piece of work and of a size', async () => {
    const { pool } = make({ max: 3, min: 1 });
    for (const count of [-1, 1.5, NaN, Infinity, '1'])
      expect(await rejection(pool.warmUp(count as number))).toMatchObject({
        problems: [{ path: 'count', given: count, allowed: 'a whole number from 0' }],
      });
    expect(await rejection(pool.use(7 as never))).toMatchObject({
      problems: [{ path: 'work', given: 7, allowed: 'a function' }],
    });
    expect(problemsOf(() => pool.resize({ max: 0.5 }))).toEqual([
      { path: 'max', given: 0.5, allowed: 'a whole number from 1' },
    ]);
    expect(problemsOf(() => pool.resize({ min: 4 }))).toEqual([
      { path: 'min', given: 4, allowed: 'at most "max", which is 3' },
    ]);
    expect(problemsOf(() => pool.resize({ colour: 'red' } as never))).toEqual([
      { path: 'colour', allowed: 'no option of this name; there are max, min, maxIdle' },
    ]);
    expect(pool.stats()).toMatchObject({ max: 3, min: 1 });
  });

  it('all of it at once', async () => {
    const { pool } = make();
    const error = await rejection(pool.acquire({ priority: NaN, fresh: 1, colour: 'red' } as never));
    expect((error as InvalidOptionsError).problems.map(({ path }) => path).sort()).toEqual([
      'colour',
      'fresh',
      'priority',
    ]);
    expect((error as Error).message.split('\n')).toHaveLength(4);
    expect((error as Error).message).toContain('has 3 bad options:');
  });
});

describe('an acquire that says nothing of its priority', () => {
  const make = poolsUnderTest();

  it('stands in line as one without options does', async () => {
    const { pool, take, clock } = make({ max: 1 });
    const [lease] = await take(1);
    const order: string[] = [];
    for (const [name, options] of [
      ['first', undefined],
      ['second', {}],
      ['third', { timeout: '1m' }],
      ['fourth', undefined],
    ] as const)
      void pool.acquire(options).then((got) => {
        order.push(name);
        got.release();
      });
    lease?.release();
    await clock.settle();
    expect(order).toEqual(['first', 'second', 'third', 'fourth']);
  });
});
