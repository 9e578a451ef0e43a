import { runInNewContext } from 'node:vm';
import { causeText } from '../../lib/nest/cause-text.js';

describe('causeText', () => {
  it.each<[string, unknown, string]>([
    ['an error', new Error('connect ECONNREFUSED 127.0.0.1:9'), 'connect ECONNREFUSED 127.0.0.1:9'],
    [
      'an error and its causes',
      new Error('a', { cause: new Error('b', { cause: new Error('c') }) }),
      'a: b: c',
    ],
    ['a cause that says nothing new', new Error('no: b', { cause: new Error('b') }), 'no: b'],
    [
      'several errors in one',
      new AggregateError([new Error('a'), new Error('b'), new Error('a')], ''),
      'a, b',
    ],
    ['an error that is only a code', Object.assign(new Error(''), { code: 'ETIMEDOUT' }), 'ETIMEDOUT'],
    ['an error that is only a name', new RangeError(''), 'RangeError'],
    ['an error of another realm', runInNewContext('new Error("far")'), 'far'],
    [
      'an error that cannot be read',
      Object.defineProperty(new Error(), 'message', {
        get: () => {
          throw new Error('no');
        },
      }),
      'something that cannot be shown',
    ],
    ['a text', 'gone', 'gone'],
    ['nothing', undefined, ''],
    ['null', null, ''],
    ['an object, which may be a payload', { password: 'secret' }, 'something that is no Error'],
    ['several lines', new Error('one\n  two\tthree'), 'one   two three'],
    [
      'credentials that hold what should be escaped',
      'redis://user:p@ss@host:6379 refused',
      'redis://***@host:6379 refused',
    ],
    [
      'credentials',
      new Error('redis://user:pa$$@host:6379 and http://token@h'),
      'redis://***@host:6379 and http://***@h',
    ],
  ])('is one line for %s', (_what, cause, text) => {
    expect(causeText(cause)).toBe(text);
  });

  it('is not endless', () => {
    expect(causeText(new Error('x'.repeat(10_000)))).toHaveLength(301);
  });

  it('ends for a cause that is its own cause', () => {
    const error = new Error('round');
    error.cause = error;
    expect(causeText(error)).toBe('round');
  });
});
