import { NEVER } from 'rxjs';
import { ConnPool, KeyedConnPool } from 'nestjs-conn-pool/core';
import { FakeClock } from 'nestjs-conn-pool/testing';
import { BucketCounts } from '../../lib/core/bucket-counts.js';
import { eventsOf } from '../../lib/core/pool-events.js';
import { follow, poolsUnderTest, rejection } from './pools-under-test.js';

describe('a pool that nobody looks at', () => {
  it('starts, and hands a connection from one borrower to the next', async () => {
    const clock = new FakeClock();
    const pool = new ConnPool({ dial: () => ({}), close: () => undefined }, { clock, max: 1 });
    await pool.start();
    const lease = await pool.acquire();
    const next = pool.acquire();
    lease.release();
    const { reused } = await next;
    expect(reused).toBe(true);
    await pool.close({ drain: 0 });
  });

  it('starts, by keys as well', async () => {
    const pool = new KeyedConnPool({ dial: (key: string) => ({ key }), close: () => undefined });
    await pool.start();
    await pool.close();
  });
});

describe('the events of a pool, to the library’s own', () => {
  const make = poolsUnderTest();

  it('are none of a pool that is not of the library', () => {
    expect(eventsOf({ events$: NEVER } as never)).toBeUndefined();
  });

  it('come with what keeps dials from succeeding now, also if nobody has listened', async () => {
    const clock = new FakeClock();
    const cause = new Error('refused');
    let fails = false;
    const dial = (): object => {
      if (fails) throw cause;
      return {};
    };
    const pool = new ConnPool({ dial, close: () => undefined }, { clock, dialAttempts: 1 });
    const keyed = new KeyedConnPool({ dial, close: () => undefined }, { clock, dialAttempts: 1 });
    const troubles = () => [pool, keyed].map((each) => eventsOf(each)?.dialTroubles());
    const acquires = () => Promise.all([pool.acquire(), keyed.acquire('a')].map(rejection));
    expect(troubles()).toEqual([[], []]);
    fails = true;
    await acquires();
    expect(troubles()).toEqual([[{ cause }], [{ cause, key: 'a' }]]);
    await clock.advance(60_000);
    // The key is forgotten: nobody wants it.
    expect(troubles()).toEqual([[{ cause }], []]);
    fails = false;
    for (const lease of [await pool.acquire(), await keyed.acquire('a')]) lease.release();
    expect(troubles()).toEqual([[], []]);
    await Promise.all([pool.close(), keyed.close()]);
  });

  it('come with it also where dials succeed, but are of no use', async () => {
    const { pool, clock, connector } = make({ max: 1 }, { watch: true });
    const lease = await pool.acquire();
    lease.conn.die();
    lease.discard();
    await clock.settle();
    expect(eventsOf(pool)?.dialTroubles()).toHaveLength(1);
    await clock.advance(60_000);
    expect(eventsOf(pool)?.dialTroubles()).toEqual([]);
    expect(connector.dial.calls).toHaveLength(1);
  });

  it('tell of a leak that came back to those who want only the rest', async () => {
    const clock = new FakeClock();
    const pool = new ConnPool({ dial: () => ({}), close: () => undefined }, { clock, leakThreshold: 100 });
    const types: string[] = [];
    eventsOf(pool)?.rare.subscribe(({ type }) => void types.push(type));
    const lease = await pool.acquire();
    await clock.advance(100);
    lease.release();
    expect(types).toEqual(['dialed', 'leak', 'leak-returned']);
    await pool.close();
  });

  it('end with the pool', async () => {
    const { pool } = make();
    let ended = false;
    eventsOf(pool)?.rare.subscribe({ complete: () => (ended = true) });
    await pool.close();
    expect(ended).toBe(true);
  });

  it('tell how long it all takes, from then on', async () => {
    const { pool } = make();
    const wait = eventsOf(pool)
      ?.latencies()
      .wait.listen(new BucketCounts([1]));
    (await pool.acquire()).release();
    expect(wait?.read()).toEqual({ upTo: [1], count: 1, sum: 0 });
  });

  it('tell of the end of a lease also if whoever hears of it first wants to know more', async () => {
    const { pool, said } = make();
    const lease = await pool.acquire();
    lease.signal.addEventListener('abort', () => void pool.stats({ latency: true }));
    await pool.close({ drain: 0 });
    expect(said('released')).toMatchObject([{ id: 1, by: 'force' }]);
  });
});

describe('those who watch waits', () => {
  const make = poolsUnderTest();

  it('are enough for it: nobody else need look, and one who leaves takes no other along', async () => {
    const clock = new FakeClock();
    const pool = new ConnPool({ dial: () => ({}), close: () => undefined }, { clock, max: 1 });
    const told: string[] = [];
    const watch = (name: string) => eventsOf(pool)?.watchWaits(() => void told.push(name));
    await pool.warmUp(1);
    const lease = await pool.acquire();
    const endFirst = watch('first');
    const alone = pool.acquire();
    expect(told).toEqual(['first']);
    watch('second');
    const both = pool.acquire();
    expect(told).toEqual(['first', 'first', 'second']);
    endFirst?.();
    const last = pool.acquire();
    expect(told).toEqual(['first', 'first', 'second', 'second']);
    lease.release();
    for (const each of [alone, both, last]) (await each).release();
    await pool.close();
  });

  it('are told of each acquire that stands in line when it begins and how it ends, until they leave', async () => {
    const { pool } = make({ name: 'thrift', max: 1 });
    const told: unknown[] = [];
    const end = eventsOf(pool)?.watchWaits((name, key) => {
      told.push(['waits', name, key]);
      return (outcome) => told.push(outcome);
    });
    eventsOf(pool)?.watchWaits(() => undefined);
    const lease = await pool.acquire();
    (follow(pool.acquire()), lease.release());
    await new Promise(setImmediate);
    const gone = new AbortController();
    const refused = rejection(pool.acquire({ signal: gone.signal }));
    gone.abort();
    const error = await refused;
    end?.();
    void rejection(pool.acquire());
    expect(told).toEqual([
      ['waits', 'thrift', undefined],
      { id: 1, reused: false },
      ['waits', 'thrift', undefined],
      { id: 1, reused: true },
      ['waits', 'thrift', undefined],
      { error },
    ]);
  });
});
