import { AsyncLocalStorage } from 'node:async_hooks';
import { follow } from '../pools-under-test.js';
import { keyedPoolsUnderTest } from './keyed-pools-under-test.js';

describe('those who wait, of several keys', () => {
  const make = keyedPoolsUnderTest();

  it('are served in the order in which they came, whatever their key', async () => {
    const { pool, clock, take, dialledFor } = make({ max: 1 });
    let [held] = await take('a');
    const served: string[] = [];
    const keys = ['b', 'a', 'c', 'b', 'a', 'd'];
    for (const key of keys) {
      void pool.acquire(key).then((lease) => {
        served.push(key);
        held = lease;
      });
    }
    for (let turn = 1; turn <= keys.length; turn += 1) {
      held?.release();
      await clock.settle();
      expect(served).toEqual(keys.slice(0, turn));
    }
    held?.release();
    expect(dialledFor).toEqual(['a', 'b', 'a', 'c', 'b', 'a', 'd']);
  });

  it('are served by priority across the keys', async () => {
    const { pool, clock, take } = make({ max: 1 });
    let [held] = await take('a');
    const served: string[] = [];
    const join = (key: string, priority: number): void =>
      void pool.acquire(key, { priority }).then((lease) => {
        served.push(`${key}${priority}`);
        held = lease;
      });
    join('a', 0);
    join('b', 1);
    join('c', 2);
    join('d', 1);
    join('e', -1);
    for (let turn = 0; turn < 5; turn += 1) {
      held?.release();
      await clock.settle();
    }
    held?.release();
    expect(served).toEqual(['c2', 'b1', 'd1', 'a0', 'e-1']);
  });

  it('are not starved by a key whose connections come back all the time', async () => {
    const { pool, clock, take } = make({ max: 2 });
    let busy = await take('a', 'a');
    const quiet = follow(pool.acquire('b'));
    const loud = [1, 2, 3].map(() => follow(pool.acquire('a')));
    busy.shift()?.release();
    await clock.settle();
    expect(quiet.now.state).toBe('resolved');
    expect(loud.map(({ now }) => now.state)).toEqual(['pending', 'pending', 'pending']);
    busy = [];
    await pool.close({ drain: 0 });
  });

  it('of the key of a connection that comes back have it, when they came first', async () => {
    const { pool, clock, take, connector } = make({ max: 1 });
    const [held] = await take('a');
    const [same, other] = [follow(pool.acquire('a')), follow(pool.acquire('b'))];
    held?.release();
    await clock.settle();
    expect(same.now).toMatchObject({ state: 'resolved', value: { conn: connector.conns[0], reused: true } });
    expect(other.now.state).toBe('pending');
    await pool.close({ drain: 0 });
  });

  it('do not wait for the back-off of another key', async () => {
    const { pool, connector, clock } = make({
      dialBackoff: { initial: '1m', max: '1m' },
      dialAttempts: 5,
      acquireTimeout: 0,
    });
    connector.dial.next('fail');
    const failing = follow(pool.acquire('a'));
    await clock.settle();
    (await pool.acquire('b')).release();
    expect(failing.now.state).toBe('pending');
    await clock.advance('1m');
    expect(failing.now.state).toBe('resolved');
  });

  it('do not wait for the dials of another key: dialConcurrency is each key’s own', async () => {
    const { pool, connector, clock } = make({ dialConcurrency: 1 });
    const hung = connector.dial.gate();
    const slow = follow(pool.acquire('a'));
    const second = follow(pool.acquire('a'));
    const other = follow(pool.acquire('b'));
    await clock.settle();
    expect([slow, second, other].map(({ now }) => now.state)).toEqual(['pending', 'pending', 'resolved']);
    hung.resolve();
    await clock.settle();
    expect(second.now.state).toBe('resolved');
    await pool.close({ drain: 0 });
  });

  it('leave by their signal, and whoever comes next is served', async () => {
    const { pool, clock, take } = make({ max: 1 });
    const [held] = await take('a');
    const abort = new AbortController();
    const first = follow(pool.acquire('b', { signal: abort.signal }));
    const second = follow(pool.acquire('c'));
    const reason = new Error('enough');
    abort.abort(reason);
    await clock.settle();
    expect(first.now).toEqual({ state: 'rejected', error: reason });
    held?.release();
    await clock.settle();
    expect(second.now.state).toBe('resolved');
    expect(pool.stats().totals.aborted).toBe(1);
  });

  it('keep their turn when one of their key leaves who came before them', async () => {
    const { pool, clock, take } = make({ max: 1 });
    let [held] = await take('a');
    const served: string[] = [];
    const abort = new AbortController();
    const first = follow(pool.acquire('b', { signal: abort.signal }));
    for (const [key, name] of [
      ['c', 'c'],
      ['b', 'second b'],
      ['d', 'd'],
    ] as const) {
      void pool.acquire(key).then((lease) => {
        served.push(name);
        held = lease;
      });
    }
    abort.abort();
    await clock.settle();
    expect(first.now.state).toBe('rejected');
    for (let turn = 0; turn < 3; turn += 1) {
      held?.release();
      await clock.settle();
    }
    held?.release();
    expect(served).toEqual(['c', 'second b', 'd']);
  });

  it('are owed nothing more when a slot is on its way to them: what comes back serves its own key', async () => {
    const { pool, connector, clock, take } = make({ max: 2 });
    const [one, other] = await take('a', 'a');
    const close = connector.close.gate();
    one?.discard();
    await clock.settle();
    const [first, second] = [follow(pool.acquire('b')), follow(pool.acquire('a'))];
    await clock.settle();
    other?.release();
    await clock.settle();
    expect(first.now.state).toBe('pending');
    expect(second.now).toMatchObject({ state: 'resolved', value: { reused: true } });
    close.resolve();
    await clock.settle();
    expect(first.now.state).toBe('resolved');
    await pool.close({ drain: 0 });
  });

  it('each see their own async context, and the connector the pool’s', async () => {
    const store = new AsyncLocalStorage<string>();
    const { pool, connector, clock, take } = make({ max: 1 });
    const [held] = await take('a');
    const seen: unknown[] = [];
    connector.dial.tap(() => seen.push(store.getStore()));
    const after = (name: string, key: string): Promise<void> =>
      store.run(name, async () => {
        const lease = await pool.acquire(key);
        seen.push(store.getStore());
        lease.release();
      });
    const both = Promise.all([after('one', 'b'), after('two', 'c')]);
    store.run('releasing', () => held?.release());
    await clock.settle();
    await both;
    expect(seen).toEqual([undefined, 'one', undefined, 'two']);
  });
});

describe('tryAcquire', () => {
  const make = keyedPoolsUnderTest();

  it('gives an idle connection of this very key, or nothing, and dials none', async () => {
    const { pool, connector, fill } = make({ max: 1 });
    expect(pool.tryAcquire('a')).toBe(undefined);
    await fill('a');
    expect(pool.tryAcquire('b')).toBe(undefined);
    const lease = pool.tryAcquire('a');
    expect([lease?.conn, lease?.reused, pool.tryAcquire('a')]).toEqual([connector.conns[0], true, undefined]);
    lease?.release();
    expect([connector.dial.count, pool.keys()]).toEqual([1, ['a']]);
  });

  it('overtakes nobody who waits for the same key', async () => {
    const { pool, clock, take } = make({ max: 1 });
    const [held] = await take('a');
    const waiting = follow(pool.acquire('a'));
    held?.release();
    expect(pool.tryAcquire('a')).toBe(undefined);
    await clock.settle();
    expect(waiting.now.state).toBe('resolved');
  });
});

describe('use', () => {
  const make = keyedPoolsUnderTest();

  it('borrows for one piece of work, and closes the connection when that fails', async () => {
    const { pool, connector } = make();
    expect(await pool.use('a', (conn, lease) => [conn.serial, lease.reused])).toEqual([1, false]);
    const error = new Error('in the work');
    await expect(pool.use('a', () => Promise.reject(error))).rejects.toBe(error);
    expect(connector.closed).toEqual([connector.conns[0]]);
    expect(pool.keys()).toEqual([]);
    expect(await pool.use('b', (conn) => conn.serial)).toBe(2);
    expect(pool.keys()).toEqual(['b']);
  });
});
