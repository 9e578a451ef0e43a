import { follow, rejection } from '../pools-under-test.js';
import { keyedPoolsUnderTest } from './keyed-pools-under-test.js';

describe('a key', () => {
  const make = keyedPoolsUnderTest();

  it('is there as long as it has connections or somebody waits, and gone in the same instant', async () => {
    const { pool, connector, clock, take } = make({ max: 2 });
    expect(pool.keys()).toEqual([]);
    const [a, b] = await take('a', 'b');
    const waiting = follow(pool.acquire('c'));
    expect(pool.keys()).toEqual(['a', 'b', 'c']);
    a?.discard();
    await clock.settle();
    expect(waiting.now.state).toBe('resolved');
    expect(pool.keys()).toEqual(['b', 'c']);
    b?.release();
    connector.close.always('sync');
    await pool.closeIdle('b');
    expect(pool.keys()).toEqual(['c']);
    await pool.close({ drain: 0 });
    expect(pool.keys()).toEqual([]);
  });

  it('costs nothing after its idle timeout: no connection, no timer, no entry', async () => {
    const { pool, clock, fill } = make({ max: 100, maxIdle: 100, idleTimeout: '1m', maxLifetime: 0 });
    await fill(...Array.from({ length: 50 }, (_, i) => `k${i}`));
    expect(pool.keys()).toHaveLength(50);
    await clock.advance('1m');
    expect([pool.keys(), pool.stats().size]).toEqual([[], 0]);
    // One timer may be left of the past; it must not come again.
    await clock.advance('1h');
    expect(clock.pending).toBe(0);
  });

  it('leaves nothing when nothing came of its first acquire', async () => {
    const { pool, connector, take } = make({ max: 1, exhausted: 'fail' });
    await take('a');
    await rejection(pool.acquire('b'));
    await rejection(pool.acquire('c', { signal: AbortSignal.abort(new Error('enough')) }));
    await rejection(pool.acquire('d', { timeout: 'soon' as never }));
    expect(pool.tryAcquire('e')).toBe(undefined);
    expect(pool.stats('f')).toMatchObject({ key: 'f', size: 0 });
    expect(await pool.closeIdle('g')).toBe(0);
    pool.evictAll('h');
    expect([pool.keys(), connector.conns.length]).toEqual([['a'], 1]);
  });

  it('whose dials fail is remembered as long as its back-off matters, not for ever', async () => {
    const { pool, connector, clock } = make({ dialBackoff: { initial: '1s', max: '1s' } });
    connector.dial.always('fail');
    await rejection(pool.acquire('a'));
    await rejection(pool.acquire('b'));
    expect(pool.keys()).toEqual(['a', 'b']);
    const again = follow(pool.acquire('a'));
    await clock.settle();
    // Not before the delay is over.
    expect(again.now.state).toBe('pending');
    await clock.advance('1s');
    expect(again.now.state).toBe('rejected');
    await clock.advance('10s');
    expect([pool.keys(), clock.pending]).toEqual([[], 0]);
  });

  it('that is dialled again after it was forgotten begins anew', async () => {
    const { pool, connector, clock, fill } = make({ dialBackoff: { initial: '1s', max: '1s' } });
    connector.dial.next('fail');
    await rejection(pool.acquire('a'));
    await clock.advance('10s');
    expect(pool.keys()).toEqual([]);
    await fill('a');
    expect(pool.stats('a').idle).toBe(1);
  });

  it.each(['acquire', 'use', 'tryAcquire'] as const)(
    'is not forgotten while %s of it finds its only connection dead',
    async (how) => {
      const { pool, connector } = make({ maxPerKey: 1 }, { isAlive: true });
      connector.close.always('sync');
      (await pool.acquire('a')).release();
      connector.conns[0]?.dieSilently();
      if (how === 'use') expect(await pool.use('a', (conn) => conn.serial)).toBe(2);
      else if (how === 'acquire') (await pool.acquire('a')).release();
      else {
        expect(pool.tryAcquire('a')).toBe(undefined);
        expect(pool.keys()).toEqual([]);
        (await pool.acquire('a')).release();
      }
      expect([pool.keys(), pool.stats('a').idle, pool.stats().idle]).toEqual([['a'], 1, 1]);
      (await pool.acquire('a')).release();
      expect(connector.conns).toHaveLength(2);
      await pool.close();
      expect(connector.live).toEqual([]);
    },
  );

  it('is not forgotten when an acquire of it is made from inside the close of its last connection', async () => {
    const { pool, connector, clock } = make({ maxPerKey: 1 });
    connector.close.always('sync');
    const lease = await pool.acquire('a');
    let second: ReturnType<typeof follow> | undefined;
    connector.close.tap(() => (second ??= follow(pool.acquire('a'))));
    lease.discard();
    await clock.settle();
    expect(second?.now.state).toBe('resolved');
    expect([pool.keys(), pool.stats('a').leased, pool.stats().size]).toEqual([['a'], 1, 1]);
    await pool.close({ drain: 0 });
  });

  it('[B66] that comes and goes a thousand times leaves nothing behind, as with a tenant for each request', async () => {
    const { pool, connector, clock } = make({ max: 3 });
    connector.close.always('sync');
    for (let i = 0; i < 1000; i += 1) (await pool.acquire(`k${i}`)).release();
    await clock.settle();
    expect([pool.keys().length, pool.stats().size, connector.peak]).toEqual([3, 3, 3]);
    expect(clock.pending).toBeLessThanOrEqual(1);
  });
});
