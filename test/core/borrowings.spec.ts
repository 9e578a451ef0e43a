import { KeyedConnPool, type PoolEvent } from 'nestjs-conn-pool/core';
import { FakeClock } from 'nestjs-conn-pool/testing';
import { eventsOf } from '../../lib/core/pool-events.js';
import { poolsUnderTest, rejection } from './pools-under-test.js';

describe('what events$ tells of borrowings', () => {
  const make = poolsUnderTest();

  it('is each hand-out and each return, with the connection and how long it took', async () => {
    const { pool, clock, connector, said } = make({ max: 1 });
    connector.dial.always({ after: 20 });
    const first = pool.acquire();
    await clock.advance(20);
    const lease = await first;
    const second = pool.acquire();
    await clock.advance(30);
    lease.release();
    (await second).release();
    await clock.advance(5);
    pool.tryAcquire()?.release();
    const pool_ = { pool: 'default', id: 1 };
    expect(said('waited')).toEqual([
      { type: 'waited', ...pool_, durationMs: 20 },
      { type: 'waited', ...pool_, durationMs: 30 },
    ]);
    expect(said('acquired')).toEqual([
      { type: 'acquired', ...pool_, reused: false, durationMs: 20 },
      { type: 'acquired', ...pool_, reused: true, durationMs: 30 },
      { type: 'acquired', ...pool_, reused: true, durationMs: 0 },
    ]);
    expect(said('released')).toEqual([
      { type: 'released', ...pool_, by: 'release', durationMs: 30 },
      { type: 'released', ...pool_, by: 'release', durationMs: 0 },
      { type: 'released', ...pool_, by: 'release', durationMs: 0 },
    ]);
  });

  it.each([1000, Infinity])('is a wait of a millisecond, too, of %d that it may take', async (timeout) => {
    const { pool, clock, said } = make({ max: 1 });
    const lease = await pool.acquire();
    const next = pool.acquire({ timeout });
    await clock.advance(1);
    lease.release();
    await next;
    expect(said('waited')).toMatchObject([{ durationMs: 0 }, { durationMs: 1 }]);
  });

  it('is in order: a connection is dialled before it is lent, and given back before it is lent on', async () => {
    const { pool, clock, events } = make({ max: 1 });
    const lease = await pool.acquire();
    const next = pool.acquire();
    lease.release();
    (await next).discard();
    await clock.settle();
    expect(events.map(({ type }) => type)).toEqual([
      'dialed',
      'waited',
      'acquired',
      'released',
      'waited',
      'acquired',
      'released',
      'close',
    ]);
  });

  it('says how each lease has ended', async () => {
    const { pool, clock, said, take } = make({ max: 4 });
    const [released, discarded, detached] = await take(4);
    released?.release();
    discarded?.discard();
    detached?.detach();
    await clock.advance(7);
    await Promise.all([pool.close({ drain: 0 }), clock.settle()]);
    expect(said('released').map(({ id, by, durationMs }) => [id, by, durationMs])).toEqual([
      [1, 'release', 0],
      [2, 'discard', 0],
      [3, 'detach', 0],
      [4, 'force', 7],
    ]);
  });

  it('begins with the subscription, in the middle of a lease as well, and ends with it', async () => {
    const clock = new FakeClock();
    const { pool } = make({ clock });
    const events = eventsOf(pool);
    expect(events?.borrowingsWanted).toBe(true);
    const lease = await pool.acquire();
    await clock.advance(9);
    const heard: PoolEvent[] = [];
    const subscription = pool.events$.subscribe((event) => heard.push(event));
    lease.release();
    subscription.unsubscribe();
    (await pool.acquire()).release();
    expect(heard).toEqual([{ type: 'released', pool: 'default', id: 1, by: 'release', durationMs: 9 }]);
  });

  it('is kept from those who want only the rest', async () => {
    const { pool, clock } = make();
    const rare: string[] = [];
    eventsOf(pool)?.rare.subscribe(({ type }) => rare.push(type));
    (await pool.acquire()).discard();
    await clock.settle();
    expect(rare).toEqual(['dialed', 'close']);
  });

  it('has the key in a pool by keys, also for keys that were there before the subscription', async () => {
    const clock = new FakeClock();
    const pool = new KeyedConnPool({ dial: (key: string) => ({ key }), close: () => undefined }, { clock });
    (await pool.acquire('early')).release();
    const heard: [string, unknown][] = [];
    const subscription = pool.events$.subscribe(({ type, key }) => heard.push([type, key]));
    (await pool.acquire('early')).release();
    (await pool.acquire('late')).release();
    subscription.unsubscribe();
    (await pool.acquire('early')).release();
    expect(heard).toEqual([
      ['acquired', 'early'],
      ['released', 'early'],
      ['dialed', 'late'],
      ['waited', 'late'],
      ['acquired', 'late'],
      ['released', 'late'],
    ]);
    await pool.close();
  });
});

describe('what events$ tells besides', () => {
  const make = poolsUnderTest();

  it('is the back-off, from the first failure to the first success', async () => {
    const { pool, clock, connector, said } = make({
      dialAttempts: 9,
      dialBackoff: { initial: 100, max: 100 },
    });
    const cause = new Error('refused');
    connector.dial.next({ fail: cause }, { fail: cause });
    const acquired = pool.acquire();
    await clock.advance('1s');
    (await acquired).release();
    const [entered] = said('backoff-entered');
    expect(said('backoff-entered')).toMatchObject([{ pool: 'default', cause }]);
    expect(entered?.retryInMs).toBeGreaterThan(0);
    expect(entered?.retryInMs).toBeLessThanOrEqual(100);
    expect(said('backoff-left')).toHaveLength(1);
    expect(said('backoff-left')[0]?.durationMs).toBe(said('recovered')[0]?.downMs);
  });

  it('is the back-off after a connection that died unused, and after one that died in its first use', async () => {
    const { pool, clock, connector, said } = make({ max: 2 }, { watch: true });
    await pool.warmUp(1);
    connector.conns[0]?.die(new Error('hung up'));
    expect(said('backoff-entered')).toMatchObject([{ cause: new Error('hung up') }]);
    await clock.advance('1m');
    const lease = await pool.acquire();
    expect(said('backoff-left')).toHaveLength(1);
    lease.conn.die();
    lease.discard();
    expect(said('backoff-entered')).toHaveLength(2);
  });

  it('is each check, each failed check and each failed reset, with how long it took', async () => {
    const { pool, clock, connector, said, take } = make({}, { heartbeat: true, reset: true });
    const leases = await take(2);
    leases[0]?.release();
    await clock.settle();
    connector.heartbeat.next({ after: 11 });
    const report = pool.heartbeat();
    await clock.advance(11);
    await report;
    expect(said('checked')).toEqual([{ type: 'checked', pool: 'default', id: 1, durationMs: 11 }]);
    connector.heartbeat.next({ after: 13, fail: new Error('silent') });
    const other = pool.heartbeat();
    await clock.advance(13);
    await other;
    expect(said('heartbeat-failed')).toMatchObject([{ id: 1, durationMs: 13 }]);
    connector.reset.always({ after: 3, fail: new Error('dirty') });
    leases[1]?.release();
    await clock.advance(3);
    expect(said('reset-failed')).toMatchObject([{ id: 2, durationMs: 3 }]);
  });

  it('is how old what is lost was, how long a close took, what an acquire that timed out was given', async () => {
    const { pool, clock, connector, said, take } = make({ max: 1 }, { watch: true });
    const [lease] = await take(1);
    const late = rejection(pool.acquire({ timeout: 40 }));
    await clock.advance(50);
    await late;
    connector.close.always({ after: 6 });
    lease?.conn.die();
    lease?.release();
    await clock.advance(6);
    expect(said('timeout')).toMatchObject([{ durationMs: 40 }]);
    expect(said('lost')).toMatchObject([{ ageMs: 50 }]);
    expect(said('close')).toMatchObject([{ reason: 'lost', durationMs: 6 }]);
  });

  it('is how long the close took of what a dial has yielded too late', async () => {
    const { pool, clock, connector, said } = make({ max: 1, dialTimeout: 10, drain: 0 });
    connector.dial.next({ after: 20 });
    void rejection(pool.acquire({ timeout: 10 }));
    await clock.advance(15);
    connector.close.next({ after: 7 });
    await clock.advance(5);
    await clock.advance(7);
    expect(said('close')).toMatchObject([{ id: 1, reason: 'surplus', durationMs: 7 }]);
  });

  it('is each generation', () => {
    const { pool, said } = make();
    pool.evictAll();
    pool.evictAll();
    expect(said('generation').map(({ generation }) => generation)).toEqual([1, 2]);
  });
});
