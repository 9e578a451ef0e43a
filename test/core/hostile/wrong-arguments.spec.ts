import { type ConnPool, ConnPoolError, InvalidOptionsError } from 'nestjs-conn-pool/core';
import { STATES, Stand, type StandState } from './stand.js';
import { StrayErrors } from './stray-errors.js';
import { type ValueName, WRONG_VALUES } from './wrong-values.js';

/** One place where a user passes something, and what of the wrong values is not wrong there. */
interface Door {
  readonly name: string;
  readonly gives: 'promise' | 'value';
  /** The field an error names; none where anything goes. */
  readonly field?: string;
  readonly takes?: readonly ValueName[];
  pass<T>(pool: ConnPool<T>, value: never): unknown;
}

const EMPTY = ['undefined', 'an empty object', 'a frozen object', 'an object without prototype'] as const;
const DURATIONS = ['undefined', '0', '1.5', '1e400'] as const;
const work = (): number => 1;

const DOORS: readonly Door[] = [
  {
    name: 'acquire(_)',
    gives: 'promise',
    field: 'options',
    takes: EMPTY,
    pass: (pool, _) => pool.acquire(_),
  },
  {
    name: 'acquire({ signal: _ })',
    gives: 'promise',
    field: 'signal',
    takes: ['undefined'],
    pass: (pool, signal) => pool.acquire({ signal }),
  },
  {
    name: 'acquire({ timeout: _ })',
    gives: 'promise',
    field: 'timeout',
    takes: DURATIONS,
    pass: (pool, timeout) => pool.acquire({ timeout }),
  },
  {
    name: 'acquire({ priority: _ })',
    gives: 'promise',
    field: 'priority',
    takes: ['undefined', '-1', '0', '1.5'],
    pass: (pool, priority) => pool.acquire({ priority }),
  },
  {
    name: 'acquire({ fresh: _ })',
    gives: 'promise',
    field: 'fresh',
    takes: ['undefined', 'true'],
    pass: (pool, fresh) => pool.acquire({ fresh }),
  },
  {
    name: 'use(_)',
    gives: 'promise',
    field: 'work',
    takes: ['a function'],
    pass: (pool, _) => pool.use(_),
  },
  {
    name: 'use(work, _)',
    gives: 'promise',
    field: 'options',
    takes: EMPTY,
    pass: (pool, _) => pool.use(work, _),
  },
  {
    name: 'warmUp(_)',
    gives: 'promise',
    field: 'count',
    takes: ['undefined', '0'],
    pass: (pool, _) => pool.warmUp(_),
  },
  {
    name: 'heartbeat(_)',
    gives: 'promise',
    field: 'options',
    takes: EMPTY,
    pass: (pool, _) => pool.heartbeat(_),
  },
  {
    name: 'heartbeat({ timeout: _ })',
    gives: 'promise',
    field: 'timeout',
    takes: DURATIONS,
    pass: (pool, timeout) => pool.heartbeat({ timeout }),
  },
  {
    name: 'heartbeat({ signal: _ })',
    gives: 'promise',
    field: 'signal',
    takes: ['undefined'],
    pass: (pool, signal) => pool.heartbeat({ signal }),
  },
  {
    name: 'heartbeat({ dialIfNone: _ })',
    gives: 'promise',
    field: 'dialIfNone',
    takes: ['undefined', 'true'],
    pass: (pool, dialIfNone) => pool.heartbeat({ dialIfNone }),
  },
  {
    name: 'resize(_)',
    gives: 'value',
    field: 'options',
    takes: ['an empty object', 'a frozen object', 'an object without prototype'],
    pass: (pool, _) => pool.resize(_),
  },
  {
    name: 'resize({ max: _ })',
    gives: 'value',
    field: 'max',
    takes: ['undefined'],
    pass: (pool, max) => pool.resize({ max }),
  },
  {
    name: 'resize({ min: _ })',
    gives: 'value',
    field: 'min',
    takes: ['undefined', '0'],
    pass: (pool, min) => pool.resize({ min }),
  },
  {
    name: 'resize({ maxIdle: _ })',
    gives: 'value',
    field: 'maxIdle',
    takes: ['undefined', '0', '1e400'],
    pass: (pool, maxIdle) => pool.resize({ maxIdle }),
  },
  { name: 'close(_)', gives: 'promise', field: 'options', takes: EMPTY, pass: (pool, _) => pool.close(_) },
  {
    name: 'close({ drain: _ })',
    gives: 'promise',
    field: 'drain',
    takes: DURATIONS,
    pass: (pool, drain) => pool.close({ drain }),
  },
  { name: 'start(_)', gives: 'promise', pass: (pool, ..._) => pool.start(...(_ as never[] as [])) },
  { name: 'tryAcquire(_)', gives: 'value', pass: (pool, ..._) => pool.tryAcquire(...(_ as never[] as [])) },
  { name: 'stats(_)', gives: 'value', field: 'options', takes: EMPTY, pass: (pool, _) => pool.stats(_) },
  {
    name: 'stats({ latency: _ })',
    gives: 'value',
    field: 'latency',
    takes: ['undefined', 'true'],
    pass: (pool, latency) => pool.stats({ latency }),
  },
  { name: 'inspect(_)', gives: 'value', pass: (pool, ..._) => pool.inspect(...(_ as never[] as [])) },
  { name: 'closeIdle(_)', gives: 'promise', pass: (pool, ..._) => pool.closeIdle(...(_ as never[] as [])) },
  { name: 'evictAll(_)', gives: 'value', pass: (pool, ..._) => pool.evictAll(...(_ as never[] as [])) },
  { name: 'pause(_)', gives: 'value', pass: (pool, ..._) => pool.pause(...(_ as never[] as [])) },
  { name: 'resume(_)', gives: 'value', pass: (pool, ..._) => pool.resume(...(_ as never[] as [])) },
  {
    name: '[Symbol.asyncDispose](_)',
    gives: 'promise',
    pass: (pool, ..._) => pool[Symbol.asyncDispose](...(_ as never[] as [])),
  },
];

/** The key that is wrong in those values that have one: the error may name it, instead of the whole. */
const KEYS: Partial<Record<ValueName, string>> = {
  'an object with an unknown key': 'timeuot',
  'an object whose getter throws': 'timeout',
};

const stray = new StrayErrors();

/** Passes one value and follows the pool to its end. @returns what was wrong */
async function pass(door: Door, state: StandState, name: ValueName, make: () => unknown): Promise<string[]> {
  const stand = await Stand.in(state, stray);
  const outcome = stand.do(door.name, door.gives, () => door.pass(stand.pool, make() as never));
  const isWrong = door.field !== undefined && door.takes?.includes(name) !== true;
  await stand.clock.settle();
  if (isWrong && outcome.now.state !== 'rejected') stand.wrong(`it was not refused: ${outcome.now.state}`);
  if (outcome.now.state === 'rejected') {
    const { error } = outcome.now;
    if (isWrong) mustTell(stand, [door.field, KEYS[name]], error);
    else if (error instanceof InvalidOptionsError) stand.wrong(`it was refused: ${error.message}`);
  }
  return (await stand.mustEndWell()).map((what) => `${name}: ${what}`);
}

/** Which field, and what may stand there. What is no error of the pool at all has been written down already. */
function mustTell(stand: Stand, fields: readonly (string | undefined)[], error: unknown): void {
  if (!(error instanceof ConnPoolError)) return;
  const told =
    error instanceof InvalidOptionsError && error.problems.some(({ path }) => fields.includes(path));
  if (!told) return stand.wrong(`it does not name "${fields.join('" or "')}": ${error.message}`);
  if (!/allowed:|there are /.test(error.message))
    stand.wrong(`it does not say what is allowed: ${error.message}`);
}

describe.each(DOORS)('wrong arguments: $name', (door) => {
  it.each(STATES)('%s', async (state) => {
    const wrongs: string[] = [];
    for (const { name, make } of WRONG_VALUES) wrongs.push(...(await pass(door, state, name, make)));
    expect(wrongs).toEqual([]);
  });
});
