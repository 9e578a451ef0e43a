import { jest } from '@jest/globals';
import { PoolClosedError, PoolExhaustedError } from 'nestjs-conn-pool/core';
import { follow, rejection } from '../pools-under-test.js';
import { keyedUnderTest } from './keyed-under-test.js';

describe('a pool by keys', () => {
  const make = keyedUnderTest();

  it('dials for the key that is asked for, and lends to it only its own', async () => {
    const { pool, dialled, connector } = make();
    const [a, b] = await Promise.all([pool.acquire('a'), pool.acquire('b')]);
    expect(dialled).toEqual(['a', 'b']);
    expect([a.conn, b.conn]).toEqual(connector.conns);
    expect(a.id).not.toBe(b.id);
    a.release();
    expect(pool.tryAcquire('b')).toBe(undefined);
    expect(pool.tryAcquire('c')).toBe(undefined);
    expect(pool.tryAcquire('a')?.conn).toBe(connector.conns[0]);
    expect(await pool.use('c', (conn) => conn)).toBe(connector.conns[2]);
    expect(await pool.use('c', (_conn, lease) => lease.reused, { fresh: true })).toBe(false);
    expect(dialled).toEqual(['a', 'b', 'c', 'c']);
  });

  it('takes keys for the same of which keyOf makes the same, and tells the one that came first', async () => {
    const { pool, dialled, fill } = make({ keyOf: (key) => key.toLowerCase() });
    await fill('Acme');
    (await pool.acquire('ACME')).release();
    expect(dialled).toEqual(['Acme']);
    expect(pool.keys()).toEqual(['Acme']);
    expect(pool.stats('acme')).toMatchObject({ key: 'Acme', idle: 1 });
  });

  it('tells of one key, of all together and of each connection', async () => {
    const { pool, fill, clock } = make({
      name: 'tenants',
      max: 7,
      maxPerKey: 3,
      maxIdle: 5,
      maxIdlePerKey: 2,
    });
    await fill('a', 'b');
    const lease = await pool.acquire('a');
    await clock.advance(50);
    const none = { dialing: 0, checking: 0, closing: 0, waiting: 0 };
    const common = { name: 'tenants', state: 'open' };
    expect(pool.stats('a')).toEqual({
      key: 'a',
      ...common,
      max: 3,
      maxIdle: 2,
      size: 1,
      idle: 0,
      leased: 1,
      ...none,
    });
    expect(pool.stats('z')).toEqual({
      key: 'z',
      ...common,
      max: 3,
      maxIdle: 2,
      size: 0,
      idle: 0,
      leased: 0,
      ...none,
    });
    const { totals, ...counts } = pool.stats();
    expect(counts).toEqual({ ...common, max: 7, min: 0, maxIdle: 5, size: 2, idle: 1, leased: 1, ...none });
    expect(totals).toMatchObject({ acquired: 3, reused: 1, dialed: 2 });
    for (const each of [pool.stats(), totals, totals.closed, pool.stats('a'), pool.stats('z')])
      expect(Object.isFrozen(each)).toBe(true);
    expect(pool.inspect()).toMatchObject([
      { key: 'a', id: lease.id, state: 'leased', lease: { held: 50 } },
      { key: 'b', state: 'idle' },
    ]);
    expect(pool.keys()).toEqual(['a', 'b']);
  });

  it('has as many of one key as of all by default, and idle ones too', () => {
    const { pool } = make({ maxPerKey: 4 });
    expect([pool.stats(), pool.stats('a')]).toMatchObject([
      { max: 10, maxIdle: 10 },
      { max: 4, maxIdle: 4 },
    ]);
    expect(make({ max: Infinity }).pool.stats('a')).toMatchObject({ max: Infinity, maxIdle: Infinity });
  });
});

describe('the ceiling over all keys', () => {
  const make = keyedUnderTest();

  it('makes room with the idle connection that was unused for the longest, of whatever key, and with no other', async () => {
    const { pool, fill, clock, connector, keysOf } = make({ max: 3 });
    await fill('a', 'b', 'c');
    (await pool.acquire('a')).release();
    const d = await pool.acquire('d');
    expect(pool.keys()).toEqual(['a', 'c', 'd']);
    expect(keysOf('close')).toEqual(['b']);
    expect(connector.close.calls.map(({ context }) => context.reason)).toEqual(['surplus']);
    expect(pool.stats()).toMatchObject({ size: 3, idle: 2, leased: 1 });
    d.release();
    await clock.settle();
    expect(connector.peak).toBe(3);
  });

  it('closes no more than are short, while closes take their time', async () => {
    const { pool, fill, clock, connector } = make({ max: 3 });
    await fill('a', 'b', 'c');
    connector.close.always({ after: 50 });
    const waiters = [follow(pool.acquire('d')), follow(pool.acquire('e'))];
    await clock.settle();
    expect(pool.stats()).toMatchObject({ idle: 1, closing: 2, waiting: 2, size: 3 });
    await clock.advance(50);
    expect(waiters.map(({ now }) => now.state)).toEqual(['resolved', 'resolved']);
    expect([connector.peak, connector.close.count]).toEqual([3, 2]);
  });

  it('gives the next slot to whoever has waited for longest, also against the key that it comes back to', async () => {
    const { pool, clock, dialled, keysOf } = make({ max: 1 });
    const held = await pool.acquire('a');
    const order: string[] = [];
    for (const key of ['b', 'a', 'c', 'b'])
      void pool.acquire(key).then((lease) => {
        order.push(key);
        lease.release();
      });
    expect(pool.stats()).toMatchObject({ waiting: 4, leased: 1 });
    expect(pool.stats('b').waiting).toBe(2);
    held.release();
    await clock.settle();
    expect(order).toEqual(['b', 'a', 'c', 'b']);
    expect(dialled).toEqual(['a', 'b', 'a', 'c', 'b']);
    expect(keysOf('close')).toEqual(['a', 'b', 'a', 'c']);
  });

  it('keeps a connection for the next of its own key when nobody of another was there before', async () => {
    const { pool, clock, dialled } = make({ max: 1 });
    const held = await pool.acquire('a');
    const first = follow(pool.acquire('a'));
    const second = follow(pool.acquire('b'));
    held.release();
    await clock.settle();
    expect([first.now.state, second.now.state]).toEqual(['resolved', 'pending']);
    expect(dialled).toEqual(['a']);
  });

  it('heeds priorities before arrivals', async () => {
    const { pool, clock } = make({ max: 1 });
    const held = await pool.acquire('a');
    const order: string[] = [];
    for (const [key, priority] of [
      ['a', 0],
      ['b', 0],
      ['c', 2],
      ['d', -1],
      ['a', 2],
    ] as const)
      void pool.acquire(key, { priority }).then((lease) => {
        order.push(`${key}${priority}`);
        lease.release();
      });
    held.release();
    await clock.settle();
    expect(order).toEqual(['c2', 'a2', 'a0', 'b0', 'd-1']);
  });

  it('grants a slot that becomes free in any way', async () => {
    for (const end of ['discard', 'detach'] as const) {
      const { pool, clock } = make({ max: 1 });
      const held = await pool.acquire('a');
      const waiter = follow(pool.acquire('b'));
      held[end]();
      await clock.settle();
      expect(waiter.now.state).toBe('resolved');
    }
  });

  it('grants the slot of a dial that failed', async () => {
    const { pool, clock, connector } = make({ max: 1 });
    const gate = connector.dial.gate();
    const fails = follow(pool.acquire('a'));
    const waiter = follow(pool.acquire('b'));
    gate.reject(new Error('refused'));
    await clock.settle();
    expect(fails.now).toMatchObject({
      state: 'rejected',
      error: { code: 'ERR_DIAL', pool: 'default', key: 'a' },
    });
    expect(waiter.now.state).toBe('resolved');
  });

  it('does not hold up a key for one whose dials must wait', async () => {
    const dice = jest.spyOn(Math, 'random').mockReturnValue(1);
    const { pool, clock, connector } = make({
      max: 1,
      dialAttempts: 9,
      dialBackoff: { initial: 100, max: 100 },
    });
    connector.dial.next('fail');
    const first = follow(pool.acquire('a'));
    await clock.settle();
    const second = follow(pool.acquire('b'));
    await clock.settle();
    dice.mockRestore();
    expect([first.now.state, second.now.state]).toEqual(['pending', 'resolved']);
    expect(pool.stats('a')).toMatchObject({ waiting: 1, size: 0 });
    if (second.now.state === 'resolved') second.now.value.release();
    await clock.advance(100);
    expect(first.now.state).toBe('resolved');
  });

  it('leaves room for others where a key has all that it may have', async () => {
    const { pool, clock } = make({ max: 3, maxPerKey: 2 });
    await Promise.all([pool.acquire('a'), pool.acquire('a')]);
    const third = follow(pool.acquire('a'));
    const other = follow(pool.acquire('b'));
    await clock.settle();
    expect([third.now.state, other.now.state]).toEqual(['pending', 'resolved']);
    expect(pool.stats()).toMatchObject({ leased: 3, waiting: 1 });
  });

  it('closes what comes back beyond maxIdle, and beyond maxIdlePerKey', async () => {
    const { pool, clock, keysOf } = make({ max: 6, maxIdle: 2, maxIdlePerKey: 1 });
    const leases = await Promise.all(['a', 'a', 'b', 'c'].map((key) => pool.acquire(key)));
    for (const lease of leases) lease.release();
    await clock.settle();
    expect(keysOf('close')).toEqual(['a', 'c']);
    expect(pool.stats()).toMatchObject({ idle: 2, size: 2 });
  });

  it('counts what is under a check as there, and as not idle', async () => {
    const { pool, clock, fill, connector } = make({ max: 2 }, { heartbeat: true, reset: true });
    await fill('a', 'b');
    connector.heartbeat.always('hang');
    void follow(pool.heartbeat({ timeout: 5_000 }));
    expect(pool.stats()).toMatchObject({ size: 2, checking: 2, idle: 0, leased: 0 });
    const waiter = follow(pool.acquire('c'));
    await clock.settle();
    expect(pool.stats()).toMatchObject({ size: 2, checking: 2, closing: 0, waiting: 1 });
    connector.heartbeat.always('ok');
    await clock.advance(5_000);
    expect(waiter.now.state).toBe('resolved');
    connector.reset.always('hang');
    if (waiter.now.state === 'resolved') waiter.now.value.release();
    expect(pool.stats()).toMatchObject({ size: 1, checking: 1, idle: 0, leased: 0 });
  });

  it("refuses with 'fail' when all slots are taken, and closes idle ones before it does", async () => {
    const { pool, fill } = make({ max: 2, exhausted: 'fail' });
    await fill('a', 'b');
    const lease = await pool.acquire('c');
    await pool.acquire('b');
    const error = await rejection(pool.acquire('d'));
    expect(error).toBeInstanceOf(PoolExhaustedError);
    expect(error).toMatchObject({ pool: 'default', key: 'd', maxWaiting: 0 });
    expect(pool.keys()).toEqual(['b', 'c']);
    lease.release();
    expect((await pool.acquire('d')).active).toBe(true);
  });

  it('bounds the line of all keys together', async () => {
    const { pool } = make({ max: 1, maxWaiting: 2 });
    await pool.acquire('a');
    const waiters = ['b', 'c'].map((key) => follow(pool.acquire(key)));
    expect(await rejection(pool.acquire('d'))).toBeInstanceOf(PoolExhaustedError);
    expect(await rejection(pool.acquire('b'))).toBeInstanceOf(PoolExhaustedError);
    expect(waiters.map(({ now }) => now.state)).toEqual(['pending', 'pending']);
    expect(pool.stats().totals.refused).toBe(2);
  });

  it('counts nobody as in excess for whom a slot is about to be free', async () => {
    const { pool, fill, clock, connector } = make({ max: 2, maxWaiting: 0 });
    await fill('a', 'b');
    connector.close.always({ after: 50 });
    const waiters = [follow(pool.acquire('c')), follow(pool.acquire('d'))];
    expect(await rejection(pool.acquire('e'))).toBeInstanceOf(PoolExhaustedError);
    await clock.advance(50);
    expect(waiters.map(({ now }) => now.state)).toEqual(['resolved', 'resolved']);
  });

  it('counts those of its own key, too, who take none but a fresh one and came before', async () => {
    const { pool, clock } = make({ max: 2, maxPerKey: 2 });
    const [a] = await Promise.all([pool.acquire('a'), pool.acquire('c')]);
    const [fresh, other, plain] = [
      follow(pool.acquire('a', { fresh: true })),
      follow(pool.acquire('b')),
      follow(pool.acquire('a')),
    ];
    a.release();
    await clock.settle();
    expect([fresh, other, plain].map(({ now }) => now.state)).toEqual(['resolved', 'pending', 'pending']);
  });

  it.each([
    ['by its dialConcurrency', { dialConcurrency: 1 }],
    ['by its maxPerKey', { maxPerKey: 1 }],
  ])('makes room for no more dials of a key than it may begin: %s', async (_what, bound) => {
    const { pool, fill, clock, connector } = make({ max: 2, ...bound });
    await fill('a', 'b');
    const gate = connector.dial.gate();
    const waiters = [follow(pool.acquire('c')), follow(pool.acquire('c'))];
    await clock.settle();
    expect(pool.stats()).toMatchObject({ idle: 1, dialing: 1, waiting: 2, size: 2 });
    gate.resolve();
    await clock.settle();
    expect(waiters[0]?.now.state).toBe('resolved');
  });

  it('bounds no line where overflow serves everybody', async () => {
    const { pool } = make({ max: 1, exhausted: 'overflow', maxWaiting: 0 });
    await Promise.all(['a', 'b', 'c'].map((key) => pool.acquire(key)));
    expect(pool.stats()).toMatchObject({ leased: 3, totals: { refused: 0 } });
  });

  it('does not hand a slot on to one key that is on its way to another already', async () => {
    const { pool, clock, connector } = make({ max: 2 });
    const [first, second] = await Promise.all([pool.acquire('a'), pool.acquire('a')]);
    const other = follow(pool.acquire('b'));
    const heir = follow(pool.acquire('a'));
    const closing = connector.close.gate();
    first.discard();
    second.release();
    await clock.settle();
    expect([other.now.state, heir.now]).toMatchObject([
      'pending',
      { state: 'resolved', value: { reused: true } },
    ]);
    closing.resolve();
    await clock.settle();
    expect(other.now.state).toBe('resolved');
    expect(connector.close.count).toBe(1);
  });

  it('knows who is next when the one who was has been served otherwise', async () => {
    const { pool, clock } = make({ max: 2 });
    const [a, b] = await Promise.all([pool.acquire('a'), pool.acquire('b')]);
    const [b1, c1, b2] = ['b', 'c', 'b'].map((key) => follow(pool.acquire(key)));
    b.release();
    await clock.settle();
    expect([b1, c1, b2].map((one) => one?.now.state)).toEqual(['resolved', 'pending', 'pending']);
    a.release();
    await clock.settle();
    expect([c1, b2].map((one) => one?.now.state)).toEqual(['resolved', 'pending']);
    if (c1?.now.state === 'resolved') c1.now.value.discard();
    await clock.settle();
    expect(b2?.now.state).toBe('resolved');
  });

  it('grants nothing to a key whose waiters have left', async () => {
    const { pool, clock } = make({ max: 1 });
    const held = await pool.acquire('a');
    const abort = new AbortController();
    void follow(pool.acquire('b', { signal: abort.signal }));
    abort.abort();
    held.discard();
    await clock.settle();
    expect(pool.stats()).toMatchObject({ size: 0, waiting: 0 });
    expect((await pool.acquire('c')).active).toBe(true);
  });

  it('owes nothing to a key whose waiters have left', async () => {
    const { pool, clock, connector } = make({ max: 1 });
    const held = await pool.acquire('a');
    const abort = new AbortController();
    void follow(pool.acquire('b', { signal: abort.signal }));
    const heir = follow(pool.acquire('a'));
    abort.abort();
    held.release();
    await clock.settle();
    expect(heir.now).toMatchObject({ state: 'resolved', value: { reused: true } });
    expect(connector.close.count).toBe(0);
  });

  it('makes room at once where closes take no time', async () => {
    const { pool, clock, fill, connector } = make({ max: 2 });
    connector.close.always('sync');
    await fill('a', 'b');
    const waiters = ['c', 'd'].map((key) => follow(pool.acquire(key)));
    await clock.settle();
    expect(waiters.map(({ now }) => now.state)).toEqual(['resolved', 'resolved']);
    expect(connector.peak).toBe(2);
  });

  it('is kept when overflow is over, whatever may be idle', async () => {
    const { pool, clock } = make({ max: 2, maxIdle: 9, exhausted: 'overflow' });
    const leases = await Promise.all(['a', 'b', 'c'].map((key) => pool.acquire(key)));
    leases[0]?.release();
    await clock.settle();
    expect(pool.stats()).toMatchObject({ leased: 2, idle: 0, size: 2 });
    leases[1]?.release();
    await clock.settle();
    expect(pool.stats()).toMatchObject({ leased: 1, idle: 1, size: 2 });
  });

  it('is gone beyond with overflow, and what is too many is closed when it comes back', async () => {
    const { pool, clock } = make({ max: 1, exhausted: 'overflow' });
    const leases = await Promise.all(['a', 'b', 'c'].map((key) => pool.acquire(key)));
    expect(pool.stats()).toMatchObject({ leased: 3, max: 1 });
    for (const lease of leases) lease.release();
    await clock.settle();
    expect(pool.stats()).toMatchObject({ size: 1, idle: 1 });
  });
});

describe('a key', () => {
  const make = keyedUnderTest();

  it.each(['release', 'discard', 'detach'] as const)(
    'is forgotten with its last connection: %s',
    async (end) => {
      const { pool, clock } = make({ maxIdle: 0 });
      const lease = await pool.acquire('a');
      expect(pool.keys()).toEqual(['a']);
      lease[end]();
      await clock.settle();
      expect(pool.keys()).toEqual([]);
    },
  );

  it.each(['abort', 'timeout'] as const)(
    'is forgotten with its last waiter, ended by its %s',
    async (how) => {
      const { pool, clock } = make({ max: 1 });
      await pool.acquire('a');
      const abort = new AbortController();
      void follow(pool.acquire('b', { timeout: 100, signal: abort.signal }));
      expect(pool.keys()).toEqual(['a', 'b']);
      if (how === 'abort') abort.abort();
      else await clock.advance(100);
      await clock.settle();
      expect(pool.keys()).toEqual(['a']);
    },
  );

  it('that was refused is not remembered', async () => {
    const { pool } = make({ max: 1, exhausted: 'fail' });
    await pool.acquire('a');
    await rejection(pool.acquire('b'));
    await rejection(pool.acquire('c', { timeout: 'soon' }));
    await rejection(pool.use('d', 7 as never));
    expect(pool.keys()).toEqual(['a']);
  });

  it('whose dials fail keeps its back-off until it has long been over, and others do not know it', async () => {
    const dice = jest.spyOn(Math, 'random').mockReturnValue(1);
    const { pool, clock, connector, dialled } = make({ dialBackoff: { initial: 100, max: 200 } });
    connector.dial.next('fail');
    await rejection(pool.acquire('a'));
    expect(pool.keys()).toEqual(['a']);
    const again = follow(pool.acquire('a'));
    const other = follow(pool.acquire('b'));
    await clock.advance(99);
    expect([again.now.state, other.now.state]).toEqual(['pending', 'resolved']);
    expect(dialled).toEqual(['a', 'b']);
    connector.dial.next('fail');
    await clock.advance(1);
    expect(again.now.state).toBe('rejected');
    await clock.advance(399);
    expect(pool.keys()).toContain('a');
    await clock.advance(401);
    dice.mockRestore();
    expect(pool.keys()).toEqual(['b']);
  });

  it('whose dials have failed is forgotten in its time, whatever goes on with others, and no timer stays', async () => {
    const { pool, clock, connector } = make({ dialBackoff: { initial: 100, max: 100 } });
    const failAt = async (key: string) => {
      connector.dial.next('fail');
      await rejection(pool.acquire(key));
    };
    const { fired } = clock;
    await failAt('a');
    await clock.advance(150);
    await failAt('b');
    await clock.advance(150);
    expect(pool.keys()).toEqual(['b']);
    await clock.advance(300);
    expect(pool.keys()).toEqual([]);
    expect(clock.pending).toBe(0);
    expect(clock.fired - fired).toBeLessThan(10);
  });

  it('that is forgotten leaves nothing in the alarm, and does not hold the process', async () => {
    const dice = jest.spyOn(Math, 'random').mockReturnValue(1);
    const { pool, clock, fill, connector } = make({
      ...{ acquireTimeout: '1h', idleTimeout: '1h' },
      dialBackoff: { initial: '5s', max: '5s' },
    });
    const abort = new AbortController();
    await fill('idle');
    void follow(pool.acquire('aborted', { signal: abort.signal }));
    abort.abort();
    // Of two dials one fails, so that another is to be tried later; the other makes that needless.
    const gates = [connector.dial.gate(), connector.dial.gate()];
    const both = [1, 2].map(() => follow(pool.acquire('recovered')));
    await clock.settle();
    gates[0]?.reject(new Error('refused'));
    gates[1]?.resolve();
    await clock.settle();
    dice.mockRestore();
    for (const { now } of both) if (now.state === 'resolved') now.value.release();
    await clock.settle();
    await pool.closeIdle();
    expect(pool.keys()).toEqual([]);
    expect(pool['runtime'].alarm['heap']).toEqual([]);
    await fill('another');
    expect(clock.pending).toBe(1);
    expect(clock.refs).toBe(0);
  });

  it('of which nobody has heard is none for closeIdle, evictAll and stats, and does not become one', async () => {
    const { pool } = make();
    expect(await pool.closeIdle('a')).toBe(0);
    pool.evictAll('a');
    expect(pool.stats('a').size).toBe(0);
    expect(pool.keys()).toEqual([]);
  });

  it('may be undefined', async () => {
    const { pool, dialled } = make();
    (await pool.acquire(undefined as never)).release();
    expect(dialled).toEqual([undefined]);
    expect(pool.stats(undefined as never)).toMatchObject({ idle: 1, size: 1 });
    expect(await pool.closeIdle(undefined as never)).toBe(1);
  });
});

describe('all keys, or one of them,', () => {
  const make = keyedUnderTest();

  it('are closed where idle', async () => {
    const { pool, fill } = make();
    await fill('a', 'a', 'b', 'c');
    expect(await pool.closeIdle('a')).toBe(2);
    expect(pool.keys()).toEqual(['b', 'c']);
    expect(await pool.closeIdle()).toBe(2);
    expect(pool.keys()).toEqual([]);
  });

  it('are evicted', async () => {
    const { pool, fill, clock } = make();
    await fill('a', 'b');
    const lease = await pool.acquire('a');
    pool.evictAll('a');
    lease.release();
    await clock.settle();
    expect(pool.keys()).toEqual(['b']);
    pool.evictAll();
    await clock.settle();
    expect(pool.keys()).toEqual([]);
    expect(pool.stats().totals.closed.evicted).toBe(2);
  });

  it('are asked by a heartbeat, whose report is the sum', async () => {
    const { pool, fill, clock, connector } = make({}, { heartbeat: true });
    await fill('a', 'b', 'b');
    const sick = new Error('half open');
    connector.heartbeat.next({ after: 10 }, { after: 30, fail: sick }, { after: 20 });
    const asked = follow(pool.heartbeat());
    await clock.advance(30);
    expect(asked.now).toEqual({
      state: 'resolved',
      value: { checked: 3, healthy: 2, failed: 1, latencyMs: 30, cause: sick },
    });
    expect(asked.now.state === 'resolved' && Object.isFrozen(asked.now.value)).toBe(true);
    connector.heartbeat.next({ fail: 'the first' }, 'ok');
    const first = follow(pool.heartbeat());
    await clock.settle();
    expect(first.now).toMatchObject({
      state: 'resolved',
      value: { checked: 2, failed: 1, cause: 'the first' },
    });
    const well = follow(pool.heartbeat());
    await clock.settle();
    expect(well.now.state === 'resolved' && Object.hasOwn(well.now.value, 'cause')).toBe(false);
  });

  it('answer a heartbeat within its timeout, or the signal', async () => {
    const { pool, fill, clock, connector } = make({ heartbeatTimeout: 500 }, { heartbeat: true });
    await fill('a');
    connector.heartbeat.always({ after: 300 });
    const late = follow(pool.heartbeat({ timeout: 100 }));
    await clock.advance(100);
    expect(late.now).toMatchObject({ state: 'resolved', value: { checked: 1, failed: 1, latencyMs: 100 } });
    await clock.advance(200);
    const usual = follow(pool.heartbeat());
    await clock.advance(300);
    expect(usual.now).toMatchObject({ state: 'resolved', value: { healthy: 1, failed: 0 } });
    const abort = new AbortController();
    const aborted = follow(pool.heartbeat({ signal: abort.signal }));
    abort.abort('enough');
    await clock.settle();
    expect(aborted.now).toEqual({ state: 'rejected', error: 'enough' });
    expect(await rejection(pool.heartbeat({ signal: AbortSignal.abort('before') }))).toBe('before');
    const empty = make().pool;
    expect(await rejection(empty.heartbeat({ signal: AbortSignal.abort('before') }))).toBe('before');
    expect(await empty.heartbeat()).toEqual({ checked: 0, healthy: 0, failed: 0, latencyMs: 0 });
  });

  it('are checked in the background once started, those that come later too', async () => {
    const { pool, fill, clock, connector, events } = make({ heartbeatInterval: 100 }, { heartbeat: true });
    await fill('a');
    await clock.advance(50);
    expect(connector.heartbeat.count).toBe(1);
    await pool.start();
    await pool.start();
    expect(events.filter(({ type }) => type === 'started')).toEqual([
      { type: 'started', pool: 'default', ready: 1 },
    ]);
    await clock.advance(51);
    expect(connector.heartbeat.count).toBe(2);
    await fill('b');
    await clock.advance(101);
    expect(connector.heartbeat.count).toBe(5);
  });

  it('get time back for a turn that lasted long', async () => {
    const { pool, clock } = make({ max: 1, acquireTimeout: 1_000 });
    await pool.acquire('a');
    const waiter = follow(pool.acquire('b'));
    clock.stall(100);
    await clock.advance(999);
    expect(waiter.now.state).toBe('pending');
    await clock.advance(1);
    expect(waiter.now).toMatchObject({ state: 'rejected', error: { code: 'ERR_ACQUIRE_TIMEOUT', key: 'b' } });
  });
});

describe('the close of a pool by keys', () => {
  const make = keyedUnderTest();

  it('tells those in line at once, waits for what is lent, and reports the sum', async () => {
    const { pool, fill, clock, connector, events } = make({ max: 4 }, {});
    await fill('a', 'b');
    const [held, kept] = await Promise.all([pool.acquire('c'), pool.acquire('d')]);
    const waiter = follow(pool.acquire('e', { fresh: true, priority: -1 }));
    await clock.settle();
    if (waiter.now.state === 'resolved') waiter.now.value.release();
    connector.close.next('fail');
    const closing = follow(pool.close({ drain: 500 }));
    expect(pool.state).toBe('draining');
    await clock.advance(100);
    held.release();
    await clock.advance(400);
    expect(kept.active).toBe(false);
    expect(pool.state).toBe('closed');
    expect(closing.now).toEqual({
      state: 'resolved',
      value: { closed: 4, forced: 1, failed: 1, durationMs: 500 },
    });
    expect(closing.now.state === 'resolved' && Object.isFrozen(closing.now.value)).toBe(true);
    const own = events.filter(({ type }) => type === 'state' || type === 'closed');
    expect(own).toEqual([
      { type: 'state', pool: 'default', state: 'draining' },
      { type: 'closed', pool: 'default', report: { closed: 4, forced: 1, failed: 1, durationMs: 500 } },
    ]);
    expect(events.at(-1)).toBe(own[1]);
  });

  it('is one, however often it is asked for; a later call may shorten it', async () => {
    const { pool, clock } = make();
    await pool.acquire('a');
    const closing = pool.close({ drain: '1h' });
    expect(pool.close()).toBe(closing);
    const done = follow(closing);
    await clock.advance('10s');
    expect(done.now.state).toBe('resolved');
    expect(pool.close({ drain: 0 })).toBe(closing);
    await pool[Symbol.asyncDispose]();
  });

  it('leaves no timer behind, also where back-offs were remembered', async () => {
    const { pool, connector, clock } = make();
    connector.dial.next('fail');
    await rejection(pool.acquire('a'));
    expect(clock.pending).toBe(1);
    await pool[Symbol.asyncDispose]();
    expect([pool.state, clock.pending]).toEqual(['closed', 0]);
  });

  it('is the end of the events', async () => {
    const { pool } = make();
    const ended = new Promise<void>((resolve) => pool.events$.subscribe({ complete: resolve }));
    await pool.close();
    await ended;
  });

  it('is known to whoever comes later', async () => {
    const { pool, fill } = make();
    await fill('a');
    await pool.close();
    for (const late of [pool.acquire('a'), pool.use('b', () => 1), pool.start(), pool.heartbeat()])
      expect(await rejection(late)).toBeInstanceOf(PoolClosedError);
    expect(pool.tryAcquire('a')).toBe(undefined);
    expect(pool.stats('a').state).toBe('closed');
  });

  it('refuses a drain that is none, and goes on', async () => {
    const { pool } = make();
    expect(await rejection(pool.close({ drain: 'soon' }))).toMatchObject({ code: 'ERR_INVALID_OPTIONS' });
    expect(pool.state).toBe('open');
  });
});

describe('a connection made elsewhere', () => {
  const make = keyedUnderTest();
  /** One that the pool did not dial; the fake connector knows it all the same. */
  const foreign = async ({ connector }: Pick<ReturnType<typeof make>, 'connector'>) =>
    await connector.dial({
      signal: new AbortController().signal,
      attempt: 1,
      meta: undefined,
      pool: 'elsewhere',
    });

  it('is taken in as an idle one, and whoever gets it gets it reused', async () => {
    const under = make({ max: 3, maxPerKey: 2 }, { watch: true });
    const { pool, dialled } = under;
    const conns = [await foreign(under), await foreign(under)];
    pool.adopt('a', conns[0] as never);
    pool.adopt('a', conns[1] as never);
    expect(pool.stats('a')).toMatchObject({ idle: 2, size: 2 });
    const lease = await pool.acquire('a');
    expect([lease.conn, lease.reused, dialled]).toEqual([conns[1], true, []]);
    conns[0]?.die(new Error('hung up'));
    expect(pool.stats('a')).toMatchObject({ idle: 0, leased: 1 });
  });

  it('goes to whoever waits for one of its key', async () => {
    const under = make({ max: 2 });
    const { pool, connector, clock } = under;
    const conn = await foreign(under);
    const gate = connector.dial.gate();
    const waiter = follow(pool.acquire('a'));
    pool.adopt('a', conn as never);
    await clock.settle();
    expect(waiter.now).toMatchObject({ state: 'resolved', value: { conn, reused: true } });
    gate.resolve();
    await clock.settle();
    expect(pool.stats('a')).toMatchObject({ idle: 1, leased: 1 });
  });

  it('is refused at max, at maxPerKey and after the close, and stays whose it was', async () => {
    const under = make({ max: 2, maxPerKey: 1 });
    const { pool, connector } = under;
    const conn = await foreign(under);
    await pool.acquire('a');
    expect(() => pool.adopt('a', conn as never)).toThrow(PoolExhaustedError);
    await pool.acquire('b');
    expect(() => pool.adopt('c', conn as never)).toThrow(PoolExhaustedError);
    expect(pool.keys()).toEqual(['a', 'b']);
    void pool.close();
    expect(() => pool.adopt('a', conn as never)).toThrow(PoolClosedError);
    expect(connector.closed).not.toContain(conn);
  });
});
