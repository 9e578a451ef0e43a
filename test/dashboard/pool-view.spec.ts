import { NEVER } from 'rxjs';
import { ConnPool, KeyedConnPool, type ManagedPool, type PoolStats } from 'nestjs-conn-pool/core';
import { SocketPool } from 'nestjs-conn-pool/net';
import { FakeClock, fakeConnector } from 'nestjs-conn-pool/testing';
import { moodOf, type PoolView, viewPool } from '../../lib/dashboard/pool-view.js';

const stats = (some: Partial<PoolStats>): PoolStats => ({
  ...{ name: 'echo', state: 'open', max: 4, min: 0, maxIdle: 4, waiting: 0 },
  ...{ size: 2, idle: 1, leased: 1, dialing: 0, checking: 0, closing: 0 },
  totals: {} as PoolStats['totals'],
  ...some,
});
const calm = { refused: false, failing: false };

describe('how a pool is, by its counts', () => {
  it.each([
    ['ok', stats({})],
    ['busy', stats({ leased: 4, size: 4, idle: 0 })],
    ['exhausted', stats({ leased: 4, size: 4, idle: 0, waiting: 1 })],
    ['exhausted', stats({ leased: 2, checking: 1, closing: 1, size: 4, idle: 0, waiting: 1 })],
    // At the limit of one key.
    ['exhausted', stats({ leased: 1, size: 2, idle: 1, waiting: 1 })],
    ['dialing', stats({ leased: 1, dialing: 1, size: 2, idle: 0, waiting: 1 })],
    ['dialing', stats({ leased: 1, checking: 1, size: 2, idle: 0, waiting: 1 })],
    ['dialing', stats({ leased: 0, dialing: 4, size: 4, idle: 0, waiting: 9 })],
    // Beyond max.
    ['dialing', stats({ leased: 4, dialing: 1, size: 5, idle: 0, waiting: 1 })],
    ['ok', stats({ leased: 400, size: 400, idle: 0, max: Infinity })],
    ['paused', stats({ state: 'paused', leased: 4, size: 4, idle: 0, waiting: 1 })],
    ['draining', stats({ state: 'draining' })],
    ['closed', stats({ state: 'closed' })],
  ])('%s', (mood, counts) => expect(moodOf(counts, calm)).toBe(mood));

  it('the worse word wins', () => {
    const failing = { refused: false, failing: true };
    expect(moodOf(stats({ leased: 4, size: 4, idle: 0, waiting: 1 }), failing)).toBe('exhausted');
    expect(moodOf(stats({ leased: 1, dialing: 1, size: 2, idle: 0, waiting: 1 }), failing)).toBe('failing');
    expect(moodOf(stats({ leased: 4, size: 4, idle: 0 }), failing)).toBe('failing');
    expect(moodOf(stats({}), { refused: true, failing: true })).toBe('exhausted');
  });
});

describe('how a pool is shown', () => {
  let pools: ManagedPool[];
  beforeEach(() => void (pools = []));
  afterEach(async () => {
    await Promise.all(pools.map((pool) => pool.close({ drain: 0 })));
  });

  function kept<P extends ManagedPool>(pool: P): P {
    pools.push(pool);
    return pool;
  }
  const view = (pool: ManagedPool): PoolView => viewPool('echo', pool, [], false);
  const peerIsDown = (key: unknown): Promise<object> =>
    String(key).startsWith('bad') ? Promise.reject(new Error('refused')) : Promise.resolve({});
  const byKeys = (options: { maxPerKey?: number; clock?: FakeClock } = {}) =>
    kept(new KeyedConnPool({ dial: peerIsDown, close() {} }, { name: 'echo', max: 10, ...options }));

  it('its dials fail, also if nobody watched as they began to, until one succeeds', async () => {
    const connector = fakeConnector();
    const pool = kept(new ConnPool(connector, { name: 'echo', dialBackoff: { initial: 1, max: 1 } }));
    connector.dial.next({ fail: new Error('cannot reach redis://user:secret@10.0.0.1') });
    await expect(pool.acquire()).rejects.toThrow();
    expect(view(pool)).toMatchObject({ mood: 'failing', trouble: 'cannot reach redis://***@10.0.0.1' });
    (await pool.acquire()).release();
    expect(view(pool)).not.toHaveProperty('trouble');
    expect(view(pool).mood).toBe('ok');
  });

  it('a peer that accepts and hangs up is one whose dials fail', async () => {
    const connector = fakeConnector({ watch: true });
    const clock = new FakeClock();
    const options = { name: 'echo', clock, dialBackoff: { initial: 5000, max: 5000 } };
    const pool = kept(new ConnPool(connector, options));
    await pool.warmUp(1);
    connector.conns[0]?.die(new Error('hung up'));
    expect(view(pool)).toMatchObject({ mood: 'failing', trouble: 'hung up' });
    await clock.advance(5000);
    expect(view(pool).mood).toBe('ok');
  });

  it('the dials of one key fail, whatever those of another do', async () => {
    const pool = byKeys();
    await pool.acquire('bad').catch(() => undefined);
    await pool.acquire('good');
    expect(view(pool)).toMatchObject({ mood: 'failing', trouble: 'refused, key "bad"' });
  });

  it('names no credential of a key', async () => {
    const pool = byKeys();
    await pool.acquire('bad://user:secret@10.0.0.1').catch(() => undefined);
    expect(view(pool).trouble).toBe('refused, key "bad://***@10.0.0.1"');
  });

  it('the dials of several keys fail, of which one is named', async () => {
    const pool = byKeys();
    for (const key of ['bad', 'bad too', 'bad as well']) await pool.acquire(key).catch(() => undefined);
    expect(view(pool).trouble).toBe('refused, key "bad" and 2 other keys');
  });

  it('the dials of a pool of sockets fail, to an address', async () => {
    const pool = kept(new SocketPool({ name: 'echo', dialer: { dial: () => peerIsDown('bad') as never } }));
    await pool.dial('tcp', '127.0.0.1:7').catch(() => undefined);
    expect(view(pool)).toMatchObject({ mood: 'failing', max: Infinity });
    expect(view(pool).trouble).toMatch(/refused.*, key tcp 127\.0\.0\.1:7$/);
  });

  it('is exhausted when the limit of one key makes somebody wait', async () => {
    const pool = byKeys({ maxPerKey: 1 });
    await pool.acquire('good');
    const waiter = pool.acquire('good').catch(() => undefined);
    expect(view(pool)).toMatchObject({ mood: 'exhausted', waiting: 1, size: 1 });
    await pool.close({ drain: 0 });
    await waiter;
  });

  it('waits for dials, and is not exhausted, when the peer hangs', async () => {
    const connector = fakeConnector();
    connector.dial.always('hang');
    const pool = kept(new ConnPool(connector, { name: 'echo', max: 1 }));
    const waiter = pool.acquire().catch(() => undefined);
    await pool.warmUp(0);
    expect(view(pool)).toMatchObject({ mood: 'dialing', dialing: 1, leased: 0 });
    await pool.close({ drain: 0 });
    await waiter;
  });

  it('waits for dials, and is not exhausted, when it may go beyond max', async () => {
    const connector = fakeConnector();
    const pool = kept(new ConnPool(connector, { name: 'echo', max: 1, exhausted: 'overflow' }));
    await pool.acquire();
    connector.dial.always('hang');
    const waiter = pool.acquire().catch(() => undefined);
    await pool.warmUp(0);
    expect(view(pool)).toMatchObject({ mood: 'dialing', dialing: 1, leased: 1 });
    await pool.close({ drain: 0 });
    await waiter;
  });

  it.each([
    ['without totals', {}],
    ['without reasons', { totals: { acquired: 7 } }],
    [
      'with what is no number',
      { max: 10n, idle: '3', totals: { acquired: 7, closed: { lost: 2, odd: 1n } } },
    ],
    ['with no counts at all', { max: undefined, size: undefined, leased: undefined }],
  ])('a stranger’s pool %s is complete, and can be sent', (_which, some) => {
    const stranger = {
      name: 'theirs',
      state: 'open',
      events$: NEVER,
      stats: () => ({ ...stats({ totals: undefined }), ...some }),
      inspect: () => [{ id: 1n, state: 'idle', age: 1, idle: 1, uses: 3n }],
    };
    const shown = JSON.parse(JSON.stringify(view(stranger as unknown as ManagedPool))) as PoolView;
    expect(shown.totals.closed).toEqual(expect.any(Object));
    for (const name of ['leased', 'idle', 'size', 'waiting', 'dialing'] as const)
      expect({ [name]: shown[name] }).toEqual({ [name]: expect.any(Number) });
    expect(shown.rows).toMatchObject([{ id: 1, uses: 3 }]);
    expect(shown.name).toBe('echo');
  });
});
