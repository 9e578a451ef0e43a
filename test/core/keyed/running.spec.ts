import { PoolClosedError } from 'nestjs-conn-pool/core';
import { follow, rejection } from '../pools-under-test.js';
import { keyedPoolsUnderTest } from './keyed-pools-under-test.js';

describe('stats and inspect', () => {
  const make = keyedPoolsUnderTest();

  it('count all keys together and each key by itself', async () => {
    const { pool, connector, clock, fill, take } = make({ name: 'tenants', max: 10, maxPerKey: 4 });
    await fill('a', 'a', 'b');
    const [held] = await take('a');
    const dial = connector.dial.gate();
    void pool.acquire('c').then((lease) => lease.release());
    await clock.settle();
    expect(pool.stats()).toMatchObject({
      name: 'tenants',
      state: 'open',
      max: 10,
      min: 0,
      maxIdle: 10,
      size: 4,
      idle: 2,
      leased: 1,
      dialing: 1,
      checking: 0,
      closing: 0,
      waiting: 1,
      totals: { acquired: 4, dialed: 3, reused: 1 },
    });
    expect(pool.stats('a')).toEqual({
      key: 'a',
      name: 'tenants',
      state: 'open',
      max: 4,
      maxIdle: 4,
      size: 2,
      idle: 1,
      leased: 1,
      dialing: 0,
      checking: 0,
      closing: 0,
      waiting: 0,
    });
    expect(pool.stats('c')).toMatchObject({ key: 'c', size: 1, dialing: 1, waiting: 1 });
    expect(pool.stats('nobody')).toEqual({
      ...pool.stats('a'),
      key: 'nobody',
      size: 0,
      idle: 0,
      leased: 0,
    });
    for (const stats of [pool.stats(), pool.stats('a'), pool.stats('nobody')])
      expect(Object.isFrozen(stats)).toBe(true);
    dial.resolve();
    await clock.settle();
    held?.release();
  });

  it('show each connection with its key, and ids that are unique in the whole pool', async () => {
    const { pool, fill, take } = make();
    await fill('a', 'b');
    const [held] = await take('b');
    const rows = pool.inspect();
    expect(rows).toMatchObject([
      { key: 'a', state: 'idle', uses: 1 },
      { key: 'b', state: 'leased', uses: 2 },
    ]);
    expect(new Set(rows.map(({ id }) => id)).size).toBe(2);
    held?.release();
  });
});

describe('closeIdle and evictAll', () => {
  const make = keyedPoolsUnderTest();

  it('closeIdle(key) closes the idle ones of one key, closeIdle() of all, and says how many once they are closed', async () => {
    const { pool, connector, clock, fill } = make();
    await fill('a', 'a', 'b', 'c');
    const close = connector.close.gate();
    const closing = follow(pool.closeIdle('a'));
    await clock.settle();
    expect([closing.now.state, pool.stats('a').idle]).toEqual(['pending', 0]);
    close.resolve();
    await clock.settle();
    expect(closing.now).toEqual({ state: 'resolved', value: 2 });
    expect(pool.keys()).toEqual(['b', 'c']);
    expect([await pool.closeIdle('a'), await pool.closeIdle(), await pool.closeIdle()]).toEqual([0, 2, 0]);
    (await pool.acquire('a')).release();
    expect(pool.stats().idle).toBe(1);
  });

  it('evictAll(key) ends the generation of one key, evictAll() of all', async () => {
    const { pool, connector, clock, fill, take } = make();
    await fill('a', 'b');
    const [heldA, heldB] = await take('a', 'b');
    pool.evictAll('a');
    heldA?.release();
    heldB?.release();
    await clock.settle();
    expect(pool.keys()).toEqual(['b']);
    const [held] = await take('b');
    pool.evictAll();
    expect(pool.stats().leased).toBe(1);
    held?.release();
    await clock.settle();
    expect([pool.keys(), connector.live.length, pool.stats().totals.closed.evicted]).toEqual([[], 0, 2]);
  });

  it('evictAll serves those who wait with new connections', async () => {
    const { pool, clock, take } = make({ max: 1 });
    const [held] = await take('a');
    const waiting = follow(pool.acquire('b'));
    pool.evictAll();
    held?.release();
    await clock.settle();
    expect(waiting.now).toMatchObject({ state: 'resolved', value: { reused: false } });
    await pool.close({ drain: 0 });
  });
});

describe('heartbeat', () => {
  const make = keyedPoolsUnderTest();

  it('asks the idle ones of all keys and sums up what they answer', async () => {
    const { pool, connector, fill } = make({}, { heartbeat: true });
    await fill('a', 'b', 'c');
    const sick = new Error('sick');
    connector.heartbeat.next('ok', { fail: sick }, 'ok');
    expect(await pool.heartbeat()).toMatchObject({ checked: 3, healthy: 2, failed: 1, cause: sick });
    expect(pool.keys()).toEqual(['a', 'c']);
    expect(pool.stats().totals.heartbeatFailures).toBe(1);
  });

  it('tells the slowest answer', async () => {
    const { pool, connector, clock, fill } = make({}, { heartbeat: true });
    await fill('a', 'b', 'c');
    connector.heartbeat.next({ after: 5 }, { after: 9 }, { after: 3 });
    const asking = follow(pool.heartbeat());
    await clock.advance(20);
    expect(asking.now).toMatchObject({ state: 'resolved', value: { checked: 3, healthy: 3, latencyMs: 9 } });
  });

  it('takes no longer than it is told, however many keys hang', async () => {
    const { pool, connector, clock, fill } = make({ heartbeatTimeout: '5s' }, { heartbeat: true });
    await fill('a', 'b');
    connector.heartbeat.always('hang');
    const asking = follow(pool.heartbeat({ timeout: '1s' }));
    await clock.advance('1s');
    expect(asking.now).toMatchObject({ state: 'resolved', value: { checked: 2, healthy: 0, failed: 2 } });
    await clock.advance('5s');
  });

  it('without any connection asks nobody and dials nobody', async () => {
    const { pool, connector } = make({}, { heartbeat: true });
    expect(await pool.heartbeat({ dialIfNone: true })).toEqual({
      checked: 0,
      healthy: 0,
      failed: 0,
      latencyMs: 0,
    });
    expect(connector.dial.count).toBe(0);
  });

  it('refuses bad options, an aborted signal and a closed pool', async () => {
    const { pool } = make();
    expect(await rejection(pool.heartbeat({ timeout: 'soon' as never }))).toMatchObject({
      code: 'ERR_INVALID_OPTIONS',
    });
    const reason = new Error('enough');
    expect(await rejection(pool.heartbeat({ signal: AbortSignal.abort(reason) }))).toBe(reason);
    await pool.close();
    expect(await rejection(pool.heartbeat())).toBeInstanceOf(PoolClosedError);
  });

  it('is begun by start(), which tells what is ready, be it lent or under a check', async () => {
    const { pool, connector, clock, fill, take, said } = make({}, { heartbeat: true });
    await fill('a', 'b');
    const answer = connector.heartbeat.gate();
    const asking = pool.heartbeat();
    await clock.settle();
    const [held] = await take('c');
    const { idle, leased, checking } = pool.stats();
    await pool.start();
    expect(said('started')).toEqual([expect.objectContaining({ ready: 3 })]);
    expect([idle, leased, checking]).not.toContain(3);
    answer.resolve();
    held?.release();
    await asking;
  });

  it('runs in the background for every key once the pool is started, also for keys that come later', async () => {
    const { pool, connector, clock, fill, said } = make(
      { heartbeatInterval: '1m', idleTimeout: 0, maxLifetime: 0 },
      { heartbeat: true },
    );
    await fill('a');
    await clock.advance('3m');
    expect(connector.heartbeat.count).toBe(1);
    await pool.start();
    await pool.start();
    expect(said('started')).toHaveLength(1);
    await fill('b');
    const before = connector.heartbeat.count;
    await clock.advance('1m');
    expect(connector.heartbeat.count - before).toBe(2);
    connector.heartbeat.always('fail');
    await clock.advance('1m');
    expect(pool.keys()).toEqual([]);
  });
});

describe('close', () => {
  const make = keyedPoolsUnderTest();

  it('closes the idle ones of all keys, waits for the lent ones, and tells those in line', async () => {
    const { pool, clock, fill, take, said } = make({ max: 3 });
    await fill('a', 'b');
    const [held] = await take('c');
    const [another] = await take('a');
    const [third] = await take('b');
    const waiting = follow(pool.acquire('d'));
    another?.release();
    third?.release();
    const late = follow(pool.acquire('c'));
    const closing = follow(pool.close());
    await clock.settle();
    expect([pool.state, closing.now.state]).toEqual(['draining', 'pending']);
    expect(late.now).toMatchObject({ state: 'rejected', error: { code: 'ERR_POOL_CLOSED' } });
    if (waiting.now.state === 'resolved') waiting.now.value.release();
    held?.release();
    await clock.settle();
    expect(closing.now).toMatchObject({ state: 'resolved', value: { forced: 0, failed: 0 } });
    expect([pool.state, pool.keys(), pool.stats().size]).toEqual(['closed', [], 0]);
    expect(said('state')).toEqual([{ type: 'state', pool: 'default', state: 'draining' }]);
    expect(said('closed')).toHaveLength(1);
  });

  it('takes back by force at the end of drain, of all keys at once, and reports it', async () => {
    const { pool, connector, clock, take } = make({ drain: '5s' });
    const leases = await take('a', 'b');
    const signals = leases.map(({ signal }) => signal);
    const closing = follow(pool.close());
    await clock.advance('4s');
    expect(closing.now.state).toBe('pending');
    await clock.advance('1s');
    expect(closing.now).toMatchObject({
      state: 'resolved',
      value: { closed: 2, forced: 2, failed: 0, durationMs: 5000 },
    });
    expect(signals.map(({ aborted }) => aborted)).toEqual([true, true]);
    expect(connector.close.calls.map(({ context }) => context.reason)).toEqual(['forced', 'forced']);
  });

  it('may be asked again, to shorten the drain', async () => {
    const { pool, clock, take } = make({ drain: '1h' });
    await take('a');
    const first = pool.close();
    const second = pool.close({ drain: 0 });
    await clock.settle();
    expect(await second).toBe(await first);
    expect((await first).forced).toBe(1);
  });

  it('counts closes that fail, and none that was over before', async () => {
    const { pool, connector, fill } = make();
    await fill('c', 'd', 'e');
    await pool.closeIdle();
    await fill('a', 'b');
    connector.close.next('fail');
    expect(await pool.close()).toMatchObject({ closed: 2, failed: 1 });
  });

  it('refuses everything afterwards', async () => {
    const { pool } = make();
    await pool.close();
    for (const call of [pool.acquire('a'), pool.use('a', () => 1), pool.start()])
      expect(await rejection(call as Promise<unknown>)).toBeInstanceOf(PoolClosedError);
    expect([pool.tryAcquire('a'), await pool.closeIdle(), pool.keys()]).toEqual([undefined, 0, []]);
    pool.evictAll();
  });

  it('refuses a bad drain, and stays open', async () => {
    const { pool } = make();
    expect(await rejection(pool.close({ drain: -1 }))).toMatchObject({ code: 'ERR_INVALID_OPTIONS' });
    expect(pool.state).toBe('open');
  });

  it('is what await using does', async () => {
    const { pool } = make();
    {
      await using closing = pool;
      (await closing.acquire('a')).release();
    }
    expect(pool.state).toBe('closed');
  });
});

describe('errors and events', () => {
  const make = keyedPoolsUnderTest();

  it('carry the key they concern, and name it', async () => {
    const { pool, connector, clock, take, said } = make(
      { name: 'tenants', leakThreshold: '1m', dialBackoff: { initial: 1, max: 1 } },
      { watch: true, reset: true, isPermanent: () => true },
    );
    const cause = new Error('wrong password');
    connector.dial.next({ fail: cause });
    const error = await rejection(pool.acquire('acme'));
    expect(error).toMatchObject({ code: 'ERR_DIAL', pool: 'tenants', key: 'acme', permanent: true, cause });
    expect(String(error)).toMatch(/Pool "tenants", key "acme",? could not dial/);
    await clock.advance(1);
    const [a, b] = await take('acme', 'other');
    await clock.advance('2m');
    connector.conns[0]?.die(cause);
    connector.reset.next('fail');
    a?.release();
    b?.release();
    await clock.settle();
    const told = [
      'dial-failed',
      'recovered',
      'leak',
      'leak-returned',
      'lost',
      'reset-failed',
      'close',
    ] as const;
    expect(Object.fromEntries(told.map((type) => [type, said(type).map(({ key }) => key)]))).toEqual({
      'dial-failed': ['acme'],
      recovered: ['acme'],
      leak: ['acme', 'other'],
      'leak-returned': ['acme', 'other'],
      lost: ['acme'],
      'reset-failed': ['other'],
      close: ['acme', 'other'],
    });
    expect(said('leak')[0]?.stack).toContain('keyed-pools-under-test');
  });

  it('of the pool as a whole carry none, and come once, not once for each key', async () => {
    const { pool, fill, events } = make();
    await pool.start();
    await fill('a', 'b', 'c');
    await pool.close();
    const whole = events.filter(({ key }) => key === undefined).map(({ type }) => type);
    expect(whole).toEqual(['started', 'state', 'closed']);
    expect(events.at(-1)?.type).toBe('closed');
  });

  it('complete with the pool', async () => {
    const { pool } = make();
    let completed = 0;
    pool.events$.subscribe({ complete: () => (completed += 1) });
    await pool.close();
    pool.events$.subscribe({ complete: () => (completed += 1) });
    expect(completed).toBe(2);
  });
});
