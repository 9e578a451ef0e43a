import { keyedPoolsUnderTest } from './keyed-pools-under-test.js';

describe('a key', () => {
  const make = keyedPoolsUnderTest();

  it.each(['acquire', 'use'] as const)(
    'is not forgotten while an %s of it finds its only connection dead and dials another',
    async (how) => {
      const { pool, connector } = make({ maxPerKey: 1 }, { isAlive: true });
      connector.close.always('sync');
      (await pool.acquire('a')).release();
      connector.conns[0]?.dieSilently();
      if (how === 'use') expect(await pool.use('a', (conn) => conn.serial)).toBe(2);
      else (await pool.acquire('a')).release();
      expect([pool.keys(), pool.stats('a').idle, pool.stats().idle]).toEqual([['a'], 1, 1]);
      (await pool.acquire('a')).release();
      expect(connector.conns).toHaveLength(2);
      await pool.close();
      expect(connector.live).toEqual([]);
    },
  );
});
