import { jest } from '@jest/globals';
import type { ConnPool, PoolEvent } from 'nestjs-conn-pool/core';
import { filter, map, type Observer, take } from 'rxjs';
import { poolsUnderTest } from '../pools-under-test.js';
import { StrayErrors } from './stray-errors.js';
import { WRONG_ERRORS, WRONG_VALUES } from './wrong-values.js';

type Listener = (event: PoolEvent) => void;

/** The warnings of the process meanwhile; that is where the error of a listener belongs. */
async function warningsOf(work: () => Promise<void>): Promise<unknown[][]> {
  const warn = jest.spyOn(process, 'emitWarning').mockImplementation(() => undefined);
  await work();
  await new Promise((resolve) => setImmediate(resolve));
  const { calls } = warn.mock;
  warn.mockRestore();
  return calls;
}

/** Makes every kind of event that a short life has. */
async function live<T>(pool: ConnPool<T>): Promise<void> {
  await pool.start();
  await pool.use(() => 1);
  (await pool.acquire()).discard();
  await pool.close();
}

const SHORT_LIFE = [
  'started',
  'dialed',
  'waited',
  'acquired',
  'released',
  'acquired',
  'released',
  'state',
  'close',
  'closed',
];

describe('a listener', () => {
  new StrayErrors();
  const make = poolsUnderTest();

  it.each(WRONG_ERRORS)('may throw: $name', async ({ make: makeError }) => {
    const { pool, events } = make({ drain: 0 });
    const heard: string[] = [];
    const warnings = await warningsOf(async () => {
      pool.events$.subscribe(() => {
        throw makeError() as Error;
      });
      pool.events$.subscribe({
        complete: () => {
          throw makeError() as Error;
        },
      });
      pool.events$.subscribe(({ type }) => void heard.push(type));
      await live(pool);
    });
    expect(heard).toEqual(events.map(({ type }) => type));
    expect(warnings).toHaveLength(events.length + 1);
    for (const [text, options] of warnings) {
      expect(text).toMatch(/^A listener of a pool's events has failed: ./);
      expect(options).toEqual({ code: 'CONN_POOL_LISTENER' });
    }
  });

  it.each(WRONG_ERRORS)('may be asynchronous and reject: $name', async ({ make: makeError }) => {
    const { pool, events } = make({ drain: 0 });
    const warnings = await warningsOf(async () => {
      // eslint-disable-next-line ts/no-misused-promises -- that is the mistake
      pool.events$.subscribe(async () => {
        await undefined;
        throw makeError() as Error;
      });
      await live(pool);
    });
    expect(warnings).toHaveLength(events.length);
  });

  it('may leave, and bring others, while it is told', async () => {
    const { pool, clock } = make({ drain: 0 });
    const heard: string[] = [];
    const late: string[] = [];
    const first = pool.events$.subscribe(({ type }) => {
      heard.push(type);
      first.unsubscribe();
      second.unsubscribe();
      pool.events$.subscribe((event) => void late.push(event.type));
    });
    const second = pool.events$.subscribe(({ type }) => void heard.push(`second: ${type}`));
    await live(pool);
    await clock.settle();
    expect(heard).toEqual(['started']);
    expect(late).toEqual(SHORT_LIFE.slice(1));
  });

  it('may leave by an operator, or fail in one it built with a handler', async () => {
    const { pool } = make({ drain: 0 });
    const heard: unknown[] = [];
    pool.events$.pipe(take(2)).subscribe(({ type }) => void heard.push(type));
    pool.events$
      .pipe(
        map(() => {
          throw new Error('mine');
        }),
      )
      .subscribe({ error: (error: Error) => void heard.push(error.message) });
    await live(pool);
    expect(heard).toEqual(['started', 'mine', 'dialed']);
  });

  it('may throw behind operators, and in one without a handler', async () => {
    const { pool, events } = make({ drain: 0 });
    const heard: string[] = [];
    const warnings = await warningsOf(async () => {
      pool.events$
        .pipe(
          filter(({ type }) => type !== 'started'),
          map(({ type }) => type),
        )
        .subscribe((type) => {
          heard.push(type);
          throw new Error('behind');
        });
      pool.events$
        .pipe(
          map(() => {
            throw new Error('within');
          }),
        )
        .subscribe(() => heard.push('never'));
      await live(pool);
    });
    expect(heard).toEqual(SHORT_LIFE.slice(1));
    expect(warnings.map(([text]) => /: Error: (\w+)/.exec(String(text))?.[1]).sort()).toEqual([
      ...SHORT_LIFE.slice(1).map(() => 'behind'),
      'within',
    ]);
    expect(events.map(({ type }) => type)).toEqual(SHORT_LIFE);
  });

  it.each(WRONG_VALUES)('may be nothing of the kind: $name', async ({ make: makeValue }) => {
    const { pool, events } = make({ drain: 0 });
    await warningsOf(async () => {
      try {
        const subscription = pool.events$.subscribe(makeValue() as Listener);
        expect(subscription.closed).toBe(false);
      } catch (error) {
        // What is no observer may be refused; it must be said of what.
        expect(error).toMatchObject({ message: expect.stringContaining('subscribe') as string });
      }
      await live(pool);
    });
    expect(events.map(({ type }) => type)).toEqual(SHORT_LIFE);
  });

  it('may be an observer whose parts throw when they are read, or change', async () => {
    const { pool, events } = make({ drain: 0 });
    const heard: string[] = [];
    const changing: Partial<Observer<PoolEvent>> = {
      next: () => {
        heard.push('before');
        changing.next = () => void heard.push('after');
      },
    };
    await warningsOf(async () => {
      pool.events$.subscribe({
        get next(): Listener {
          throw new Error('a trap of the user has sprung');
        },
      });
      pool.events$.subscribe(Object.freeze({ next: () => void heard.push('frozen') }));
      pool.events$.subscribe(changing);
      await live(pool);
    });
    expect(heard.filter((word) => word === 'frozen')).toHaveLength(events.length);
    expect(heard.filter((word) => word === 'after')).toHaveLength(events.length - 1);
  });

  it('that comes after the end is told that it is the end', async () => {
    const { pool } = make({ drain: 0 });
    await live(pool);
    const heard: string[] = [];
    pool.events$.subscribe({
      next: () => void heard.push('next'),
      complete: () => void heard.push('complete'),
    });
    expect(heard).toEqual(['complete']);
  });

  it('costs nothing once it has left', async () => {
    const { pool, clock } = make({ drain: 0 });
    let heard = 0;
    for (let i = 0; i < 1000; i++) pool.events$.subscribe(() => void heard++).unsubscribe();
    await pool.use(() => 1);
    await clock.settle();
    expect(heard).toBe(0);
  });
});
