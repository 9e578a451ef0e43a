import fc from 'fast-check';
import { InvalidOptionsError } from 'nestjs-conn-pool';
import { OPTION_NAMES, resolveOptions } from '../../lib/core/options.js';
import { environmentName } from '../../lib/nest/environment-name.js';
import { readEnvironment } from '../../lib/nest/environment.js';

function problemsOf(environment: Record<string, string>): InvalidOptionsError {
  try {
    readEnvironment(environment);
  } catch (error) {
    if (error instanceof InvalidOptionsError) return error;
    throw error;
  }
  throw new Error('nothing was wrong');
}

describe('the environment of pools', () => {
  it('is empty where nothing is said', () => {
    expect(readEnvironment({ PATH: '/bin', CONN_POOLS: 'x', MY_CONN_POOL_A_MAX: '1' })).toEqual({
      defaults: {},
      pools: {},
    });
  });

  it('tells defaults and pools apart', () => {
    expect(
      readEnvironment({
        CONN_POOL_DEFAULTS_ACQUIRE_TIMEOUT: '5s',
        CONN_POOL_THRIFT_MAX: '20',
        CONN_POOL_THRIFT_IDLE_TIMEOUT: '2m',
        CONN_POOL_DEFAULT_MIN: '1',
      }),
    ).toEqual({
      defaults: { acquireTimeout: '5s' },
      pools: { thrift: { max: 20, idleTimeout: '2m' }, default: { min: 1 } },
    });
  });

  it('reads bare numbers as numbers, which are milliseconds for durations', () => {
    const { pools } = readEnvironment({
      CONN_POOL_A_IDLE_TIMEOUT: '1500',
      CONN_POOL_A_LIFETIME_JITTER: '0.25',
      CONN_POOL_A_MAX_WAITING: 'Infinity',
      CONN_POOL_A_DRAIN: ' 0 ',
      CONN_POOL_A_EXHAUSTED: 'fail',
    });
    expect(pools.a).toEqual({
      idleTimeout: 1500,
      lifetimeJitter: 0.25,
      maxWaiting: Infinity,
      drain: 0,
      exhausted: 'fail',
    });
    expect(resolveOptions(pools.a ?? {})).toMatchObject({ idleTimeout: 1500, drain: 0 });
  });

  it('reads both halves of the back-off', () => {
    const { pools } = readEnvironment({
      CONN_POOL_A_DIAL_BACKOFF_MAX: '1m',
      CONN_POOL_A_DIAL_BACKOFF_INITIAL: '50',
      CONN_POOL_B_DIAL_BACKOFF_INITIAL: '10s',
    });
    expect(pools).toEqual({
      a: { dialBackoff: { max: '1m', initial: 50 } },
      b: { dialBackoff: { initial: '10s' } },
    });
  });

  it('finds a pool whose name has underscores, and the longest option', () => {
    const { pools } = readEnvironment({
      CONN_POOL_USER_DB_MAX_IDLE: '3',
      CONN_POOL_USER_DB_MAX: '4',
      CONN_POOL___MAX: '5',
    });
    expect(pools).toEqual({ user_db: { maxIdle: 3, max: 4 }, _: { max: 5 } });
  });

  it.each([
    ['CONN_POOL_A_MAXIMUM', '3'],
    ['CONN_POOL_A', '3'],
    ['CONN_POOL_MAX', '3'],
    ['CONN_POOL_HEARTBEAT_TIMEOUT', '3'],
    ['CONN_POOL_A_NAME', 'b'],
    ['CONN_POOL_A_META', '{}'],
    ['CONN_POOL_A_CLOCK', 'x'],
    ['CONN_POOL_A_DIAL_BACKOFF', '1s'],
    ['CONN_POOL_', ''],
  ])('refuses %s, which says nothing', (variable, text) => {
    const { problems } = problemsOf({ [variable]: text });
    expect(problems).toEqual([
      { path: variable, given: text, allowed: expect.stringContaining('CONN_POOL_<POOL>_<OPTION>') },
    ]);
  });

  it('tells of all that is wrong at once, with what it holds and what is allowed', () => {
    const error = problemsOf({
      CONN_POOL_THRIFT_MAX: 'many',
      CONN_POOL_THRIFT_IDLE_TIMEOUT: 'soon',
      CONN_POOL_CACHE_ORDER: 'random',
      CONN_POOL_CACHE_DIAL_BACKOFF_MAX: '-1',
      CONN_POOL_DEFAULTS_MIN: '',
      CONN_POOL_CACHE_MIN: '0x10',
      CONN_POOL_CACHE_TIMEOUT: '1s',
      CONN_POOL_CACHE_MAX: '5',
    });
    expect(error.code).toBe('ERR_INVALID_OPTIONS');
    expect(error.message).toMatch(/^The environment has 7 bad values:\n/);
    for (const line of [
      'CONN_POOL_THRIFT_MAX: got "many"; allowed: a whole number from 1',
      'CONN_POOL_THRIFT_IDLE_TIMEOUT: got "soon"; allowed: a duration',
      "CONN_POOL_CACHE_ORDER: got \"random\"; allowed: 'lifo' or 'fifo'",
      'CONN_POOL_CACHE_DIAL_BACKOFF_MAX: got "-1"; allowed: a finite duration above 0',
      'CONN_POOL_DEFAULTS_MIN: got ""; allowed: a whole number from 0',
      'CONN_POOL_CACHE_MIN: got "0x10"; allowed: a whole number from 0',
      'CONN_POOL_CACHE_TIMEOUT: got "1s"; allowed: CONN_POOL_DEFAULTS_<OPTION> or',
    ]) {
      expect(error.message).toContain(`\n  ${line}`);
    }
  });

  it('refuses what contradicts itself, and not what only another layer could', () => {
    expect(problemsOf({ CONN_POOL_A_MIN: '5', CONN_POOL_A_MAX: '4' }).problems).toEqual([
      { path: 'CONN_POOL_A_MIN', given: '5', allowed: 'at most "max", which is 4' },
    ]);
    expect(readEnvironment({ CONN_POOL_A_MIN: '50' }).pools).toEqual({ a: { min: 50 } });
  });

  it('can say every option that a text can', () => {
    const speakable = OPTION_NAMES.filter((name) => !['name', 'meta', 'clock', 'dialBackoff'].includes(name));
    const texts: Partial<Record<string, string>> = {
      exhausted: 'fail',
      order: 'fifo',
      startup: 'lazy',
      lifetimeJitter: '1',
    };
    for (const name of speakable) {
      const variable = `CONN_POOL_X_${name.replace(/[A-Z]/g, '_$&').toUpperCase()}`;
      const { pools } = readEnvironment({ [variable]: texts[name] ?? '7' });
      expect(Object.keys(pools.x ?? {})).toEqual([name]);
    }
    expect(speakable).toHaveLength(OPTION_NAMES.length - 4);
  });

  it('finds a pool that is called like what every object has, and no more than is there', () => {
    const { pools } = readEnvironment({ CONN_POOL___PROTO___MAX: '5' });
    expect(Object.entries(pools)).toEqual([['__proto__', { max: 5 }]]);
    expect(pools.constructor).toBeUndefined();
  });

  it('finds every pool by its name, whatever that is', () => {
    const options = fc.constantFrom(
      'MAX',
      'MIN',
      'MAX_IDLE',
      'HEARTBEAT_TIMEOUT',
      'DIAL_BACKOFF_MAX',
      'DRAIN',
    );
    // One that ends like an option's beginning is read as that option: the environment cannot tell them apart.
    const names = fc
      .oneof(fc.string({ minLength: 1, unit: 'binary' }), fc.stringMatching(/^[a-z][a-zA-Z0-9_.-]{0,12}$/))
      .filter((name) => !/(^|_)(DIAL_BACKOFF|DEFAULTS)$/.test(environmentName(name)));
    fc.assert(
      fc.property(names, options, (name, option) => {
        const { pools, defaults } = readEnvironment({
          [`CONN_POOL_${environmentName(name)}_${option}`]: '5',
        });
        expect(defaults).toEqual({});
        expect(Object.keys(pools).map(environmentName)).toEqual([environmentName(name)]);
      }),
    );
  });
});

describe('environmentName', () => {
  it.each([
    ['thrift', 'THRIFT'],
    ['user-db', 'USER_DB'],
    ['userDb2', 'USERDB2'],
    ['10.0.0.1:80', '10_0_0_1_80'],
    ['é', '_'],
    ['池', '_'],
    ['😀', '_'],
  ])('writes %s as %s', (name, spelt) => {
    expect(environmentName(name)).toBe(spelt);
  });

  it('changes nothing that is spelt so already', () => {
    fc.assert(
      fc.property(fc.string(), (name) => environmentName(environmentName(name)) === environmentName(name)),
    );
  });
});
