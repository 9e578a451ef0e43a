/** Something a user may pass where something else is meant. Made anew for each use: some are spoiled by it. */
export interface WrongValue {
  readonly name: string;
  make(): unknown;
}

const boom = (): never => {
  throw new Error('a trap of the user has sprung');
};

/** Every way to look at it throws. */
export const trapped = (): object =>
  new Proxy(
    {},
    { get: boom, has: boom, ownKeys: boom, set: boom, getPrototypeOf: boom, getOwnPropertyDescriptor: boom },
  );

export const revoked = (target: object = {}): object => {
  const { proxy, revoke } = Proxy.revocable(target, {});
  revoke();
  return proxy;
};

const getterThrows = (): object => ({
  get timeout() {
    return boom();
  },
});

export const WRONG_VALUES = [
  { name: 'undefined', make: () => undefined },
  { name: 'null', make: () => null },
  { name: 'NaN', make: () => NaN },
  { name: '-1', make: () => -1 },
  { name: '0', make: () => 0 },
  { name: '1.5', make: () => 1.5 },
  { name: '1e400', make: () => 1e400 },
  { name: 'true', make: () => true },
  { name: 'an empty text', make: () => '' },
  { name: 'a text', make: () => 'x' },
  { name: '10 parsecs', make: () => '10 parsecs' },
  { name: 'a bigint', make: () => 7n },
  { name: 'a symbol', make: () => Symbol('wrong') },
  { name: 'a function', make: () => () => 1 },
  { name: 'an array', make: () => [] },
  { name: 'an empty object', make: () => ({}) },
  { name: 'a frozen object', make: () => Object.freeze({}) },
  { name: 'an object without prototype', make: () => Object.create(null) as object },
  { name: 'an object with an unknown key', make: () => ({ timeuot: 5 }) },
  { name: 'an object whose getter throws', make: getterThrows },
  { name: 'a Proxy that throws', make: trapped },
  { name: 'a revoked Proxy', make: () => revoked() },
] as const satisfies readonly WrongValue[];

export type ValueName = (typeof WRONG_VALUES)[number]['name'];

/** What may be thrown, too. Few of them can be turned into a text. */
export const WRONG_ERRORS = [
  { name: 'undefined', make: () => undefined },
  { name: 'null', make: () => null },
  { name: 'a text', make: () => 'no' },
  { name: 'a symbol', make: () => Symbol('no') },
  { name: 'a frozen error', make: () => Object.freeze(new Error('no')) },
  { name: 'an error without a message', make: () => Object.assign(new Error(), { message: undefined }) },
  { name: 'an error whose message is an object', make: () => Object.assign(new Error(), { message: {} }) },
  { name: 'an error whose name is a number', make: () => Object.assign(new Error(), { name: 5 }) },
  {
    name: 'an error whose message throws',
    make: () => Object.defineProperty(new Error(), 'message', { get: boom }),
  },
  {
    name: 'an error whose stack throws',
    make: () => Object.defineProperty(new Error(), 'stack', { get: boom }),
  },
  { name: 'an AggregateError that holds itself', make: ownErrors },
  {
    name: 'an AggregateError without errors',
    make: () => Object.assign(new AggregateError([]), { errors: null }),
  },
  { name: 'an object without prototype', make: () => Object.create(null) as object },
  { name: 'an object whose toString throws', make: () => ({ toString: boom }) },
  { name: 'a Proxy that throws', make: trapped },
  { name: 'a revoked Proxy of an error', make: () => revoked(new Error('no')) },
] as const satisfies readonly WrongValue[];

function ownErrors(): AggregateError {
  const error = new AggregateError([]);
  error.errors = [error];
  return error;
}
