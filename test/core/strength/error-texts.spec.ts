import { runInNewContext } from 'node:vm';
import {
  AcquireTimeoutError,
  ConnPool,
  DialError,
  DuplicatePoolError,
  InvalidOptionsError,
  LeaseEndedError,
  PoolClosedError,
  PoolExhaustedError,
  UnknownPoolError,
} from 'nestjs-conn-pool/core';
import { errorStack, errorText, isError, keyText } from '../../../lib/core/error-text.js';
import { CallTimeoutError, InvariantError } from '../../../lib/core/errors.js';

const stats = {
  ...new ConnPool({ dial: () => 1, close: () => undefined }).stats(),
  ...{ max: 7, idle: 1, leased: 2, dialing: 3, checking: 4, closing: 5, waiting: 6 },
};
const COUNTS = 'max 7, idle 1, leased 2, dialing 3, checking 4, closing 5, waiting 6';
const KEYED = { name: 'tenants', key: 'acme' };
const SECRET = 'redis://user:secret@host';

/** Something whose own code throws when it is looked at. */
const trap = (name: string) =>
  Object.defineProperty({}, name, {
    get() {
      throw new Error('a trap');
    },
  });

const ERRORS = [
  [
    new AcquireTimeoutError('thrift', 250, 'wait', stats),
    'AcquireTimeoutError',
    'ERR_ACQUIRE_TIMEOUT',
    `Pool "thrift" gave no connection within 250 ms (phase: wait; ${COUNTS}). Hold leases for less long, raise "max", or look with "leakThreshold" for a leak or for work that acquires while it holds a lease.`,
  ],
  [
    new AcquireTimeoutError('thrift', 250, 'dial', stats, { cause: new Error('refused.') }),
    'AcquireTimeoutError',
    'ERR_ACQUIRE_TIMEOUT',
    `Pool "thrift" gave no connection within 250 ms (phase: dial; ${COUNTS}): refused. Check that the server is up, accepts connections and answers.`,
  ],
  [
    new AcquireTimeoutError('thrift', 250, 'check', stats),
    'AcquireTimeoutError',
    'ERR_ACQUIRE_TIMEOUT',
    `Pool "thrift" gave no connection within 250 ms (phase: check; ${COUNTS}). The server accepts connections but does not answer heartbeats.`,
  ],
  [
    new AcquireTimeoutError('thrift', 250, 'wait', { ...stats, state: 'paused' }),
    'AcquireTimeoutError',
    'ERR_ACQUIRE_TIMEOUT',
    `Pool "thrift" gave no connection within 250 ms (phase: wait; ${COUNTS}). It is paused: resume() it.`,
  ],
  [
    new PoolExhaustedError('thrift', stats, 0),
    'PoolExhaustedError',
    'ERR_POOL_EXHAUSTED',
    `Pool "thrift" is exhausted (${COUNTS}; at most 0 may wait). Raise "max" or "maxWaiting", or shed load before it gets here.`,
  ],
  [
    new PoolClosedError('thrift'),
    'PoolClosedError',
    'ERR_POOL_CLOSED',
    'Pool "thrift" is closed: it lends nothing any more. Acquire before close(), or make a new pool.',
  ],
  [
    new PoolClosedError(KEYED),
    'PoolClosedError',
    'ERR_POOL_CLOSED',
    'Pool "tenants", key "acme", is closed: it lends nothing any more. Acquire before close(), or make a new pool.',
  ],
  [
    new DialError('thrift', 1, false, { cause: new Error('refused') }),
    'DialError',
    'ERR_DIAL',
    'Pool "thrift" could not dial (1 attempt): refused. Check that the server is up, accepts connections and answers.',
  ],
  [
    new DialError('thrift', 3, false, {}),
    'DialError',
    'ERR_DIAL',
    'Pool "thrift" could not dial (3 attempts). Check that the server is up, accepts connections and answers.',
  ],
  [
    new DialError('thrift', 3, true, { cause: 'wrong password' }),
    'DialError',
    'ERR_DIAL',
    'Pool "thrift" could not dial (permanent error): wrong password. Correct what it says; retrying cannot mend it.',
  ],
  [
    new DialError({ name: 'tenants', key: SECRET }, 1, false, { cause: new Error(`${SECRET} refused`) }),
    'DialError',
    'ERR_DIAL',
    'Pool "tenants", key "redis://***@host", could not dial (1 attempt): redis://***@host refused. Check that the server is up, accepts connections and answers.',
  ],
  [
    new AcquireTimeoutError({ name: 'tenants', key: SECRET }, 250, 'wait', stats),
    'AcquireTimeoutError',
    'ERR_ACQUIRE_TIMEOUT',
    `Pool "tenants", key "redis://***@host", gave no connection within 250 ms (phase: wait; ${COUNTS}). Hold leases for less long, raise "max", or look with "leakThreshold" for a leak or for work that acquires while it holds a lease.`,
  ],
  [
    new CallTimeoutError('thrift', 'reset', 500),
    'CallTimeoutError',
    'ERR_CALL_TIMEOUT',
    'Pool "thrift": reset gave no answer within 500 ms.',
  ],
  [
    new LeaseEndedError('thrift', 9),
    'LeaseEndedError',
    'ERR_LEASE_ENDED',
    'The lease on connection 9 of pool "thrift" has ended. Acquire a new one.',
  ],
  [
    new InvalidOptionsError('thrift', [{ path: 'max', given: 0, allowed: 'a whole number from 1' }]),
    'InvalidOptionsError',
    'ERR_INVALID_OPTIONS',
    'Pool "thrift" has a bad option:\n  max: got 0; allowed: a whole number from 1',
  ],
  [
    new InvalidOptionsError('thrift', [
      { path: 'max', given: 'ten', allowed: 'a whole number from 1' },
      { path: 'work', given: undefined, allowed: 'a function' },
    ]),
    'InvalidOptionsError',
    'ERR_INVALID_OPTIONS',
    'Pool "thrift" has 2 bad options:\n  max: got "ten"; allowed: a whole number from 1\n  work: got undefined; allowed: a function',
  ],
  [
    new UnknownPoolError('thrift', []),
    'UnknownPoolError',
    'ERR_UNKNOWN_POOL',
    'Pool "thrift" is not registered (none is registered). Add it with ConnPoolModule.forFeature().',
  ],
  [
    new UnknownPoolError('thrift', ['a', 'b']),
    'UnknownPoolError',
    'ERR_UNKNOWN_POOL',
    'Pool "thrift" is not registered (known: "a", "b"). Add it with ConnPoolModule.forFeature().',
  ],
  [
    new DuplicatePoolError('thrift', ['thrift', 'b']),
    'DuplicatePoolError',
    'ERR_DUPLICATE_POOL',
    'Pool "thrift" is registered twice (known: "thrift", "b"). Give each forFeature() its own "name".',
  ],
  [new InvariantError('It cannot be.', 'thrift'), 'InvariantError', 'ERR_INVARIANT', 'It cannot be.'],
] as const;

describe('errors', () => {
  it.each(ERRORS.map(([error, ...texts]) => [...texts, error] as const))(
    '%s, %s: %s',
    (name, code, message, error) => {
      expect({ name: error.name, code: error.code, message: error.message }).toEqual({ name, code, message });
      expect(error.pool).toBe(message.includes('tenants') ? 'tenants' : 'thrift');
    },
  );

  it('have a key only where they concern one', () => {
    expect(new PoolClosedError(KEYED).key).toBe('acme');
    expect('key' in new PoolClosedError('thrift')).toBe(false);
  });

  it('show what was given: short values as they are, others by what they are', () => {
    class Secret {}
    const long = Object.defineProperty(class {}, 'name', { value: 'y'.repeat(81) });
    const nameless = { constructor: undefined };
    const shown = [
      ...[() => 1, Symbol('s'), 5n, NaN, true, null, undefined, 'a "b"'],
      ...[
        'x'.repeat(80),
        'x'.repeat(81),
        [1, 'a'],
        { a: 1 },
        new Secret(),
        new long(),
        Object.create(null),
        nameless,
        SECRET,
      ],
    ].map((given) => new InvalidOptionsError('p', [{ path: 'x', given, allowed: 'y' }]).message);
    expect(shown.map((message) => /got (.*); allowed: y$/.exec(message)?.[1])).toEqual([
      ...['a function', 'Symbol(s)', '5', 'NaN', 'true', 'null', 'undefined', '"a \\"b\\""'],
      ...[`"${'x'.repeat(80)}"`, `"${'x'.repeat(80)}…"`, 'an array of 2', 'an object', 'an object (Secret)'],
      `an object (${'y'.repeat(80)})`,
      ...['an object', 'an object', '"redis://***@host"'],
    ]);
  });

  it('do not show what was given under a name that there is not', () => {
    const { message } = new InvalidOptionsError('p', [
      { path: 'password', allowed: 'no option of this name' },
    ]);
    expect(message).toBe('Pool "p" has a bad option:\n  password: no option of this name');
  });

  it('list twenty problems, and count the others', () => {
    const lines = (count: number) => {
      const problems = Array.from({ length: count }, (_, i) => ({ path: `p${i}`, allowed: 'y' }));
      return new InvalidOptionsError('p', problems).message.split('\n');
    };
    expect([lines(20).length, lines(20).at(-1)]).toEqual([21, '  p19: y']);
    expect([lines(23).length, lines(23)[20], lines(23).at(-1)]).toEqual([22, '  p19: y', '  … and 3 more']);
  });
});

describe('what an error says', () => {
  const foreign = (code: string): unknown => runInNewContext(code) as unknown;
  const nested = (depth: number): Error =>
    new AggregateError(depth === 0 ? [new Error('the innermost')] : [nested(depth - 1)], '');

  it.each([
    ['its message', new Error('refused'), 'refused'],
    ['its message, of another realm', foreign(`new TypeError('refused')`), 'refused'],
    ['its name, when it has no message', new RangeError(''), 'RangeError'],
    ['its name, when its message is no text', Object.assign(new Error(), { message: 7 }), 'Error'],
    ['those of the errors it holds', new AggregateError([new Error('a'), 'b'], ''), 'a; b'],
    ['its own message rather than those', new AggregateError([new Error('a')], 'all failed'), 'all failed'],
    ['those four deep', nested(2), 'the innermost'],
    ['no deeper, for it may hold itself', nested(3), 'AggregateError'],
    ['itself, when it is a text', 'refused', 'refused'],
    ['nothing, when it is nothing', undefined, 'undefined'],
    ['what it can be made a text of', { toString: () => 'odd' }, 'odd'],
    ['that it cannot be shown', Object.create(null), 'something that cannot be shown'],
    [
      'that it cannot be read',
      Object.setPrototypeOf(trap('message'), Error.prototype),
      'something that cannot be shown',
    ],
  ])('is %s', (_what, thrown, text) => {
    expect(errorText(thrown)).toBe(text);
  });

  it('has a stack where there is one, or else its text', () => {
    const error = new Error('refused');
    expect(errorStack(error)).toBe(error.stack);
    expect(errorStack({ stack: 'by hand' })).toBe('by hand');
    expect(errorStack({ stack: 7, toString: () => 'odd' })).toBe('odd');
    expect(errorStack(Object.assign(trap('stack'), { toString: () => 'trapped' }))).toBe('trapped');
    expect([errorStack(undefined), errorStack(null), errorStack('refused')]).toEqual([
      'undefined',
      'null',
      'refused',
    ]);
  });

  it('is asked of errors of any realm, and of nothing else', () => {
    expect([new Error(), foreign('new Error()'), Object.create(Error.prototype)].map(isError)).toEqual([
      true,
      true,
      true,
    ]);
    expect([undefined, 'Error', { message: 'm', name: 'n' }].map(isError)).toEqual([false, false, false]);
  });
});

describe('the text of a key', () => {
  class Address {
    constructor(private readonly text: string) {}

    toString(): string {
      return this.text;
    }
  }

  it.each<[string, unknown, string]>([
    ['a text: in quotes', 'acme', '"acme"'],
    ['a text of 80 characters: whole', 'x'.repeat(80), `"${'x'.repeat(80)}"`],
    ['a longer one: its beginning', `y${'x'.repeat(80)}`, `"y${'x'.repeat(79)}…"`],
    ['a number', 7, '7'],
    ['a symbol', Symbol('acme'), 'Symbol(acme)'],
    ['null', null, 'null'],
    ['undefined', undefined, 'undefined'],
    [
      'a function: its beginning',
      Object.assign(() => 0, { toString: () => 'x'.repeat(81) }),
      `${'x'.repeat(80)}…`,
    ],
    ['what says itself what it is', new Address('tcp 10.0.0.7:502'), 'tcp 10.0.0.7:502'],
    ['the same, too long', new Address('x'.repeat(81)), `${'x'.repeat(80)}…`],
    [
      'a URL: without credentials, also such as should not stand in one',
      'redis://user:s@cret@host:6379/0?a=b@c',
      '"redis://***@host:6379/0?a=b@c"',
    ],
    ['a URL whose credentials are long', `redis://user:${'x'.repeat(100)}@host`, '"redis://***@host"'],
    ['an object that is a URL', new URL('redis://user:secret@host:6379'), 'redis://***@host:6379'],
    ['what does not: never what it holds', { password: 'secret' }, 'an object'],
    ['what throws when it is asked', trap('toString'), 'an object'],
    ['what throws when it says it', { toString: () => Symbol('no text') }, 'an object'],
  ])('is of %s', (_, key, text) => {
    expect(keyText(key)).toBe(text);
  });
});
