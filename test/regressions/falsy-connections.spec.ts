// First seen in tarn (an acquire of a falsy resource times out), lightning-pool (it resolves with undefined) and
// generic-pool#196, #206 and #293 (resources are looked up by value).
import { ConnPool } from 'nestjs-conn-pool/core';

describe('[B28] a dial', () => {
  it('may make anything: falsy and equal things are connections like others', async () => {
    for (const things of [
      [undefined, undefined],
      [null, null],
      [0, 0],
      ['', ''],
      [false, NaN],
    ] as const) {
      const left = [...things] as unknown[];
      const closed: unknown[] = [];
      const pool = new ConnPool<unknown>({
        dial: () => left.shift(),
        close: (conn) => void closed.push(conn),
      });
      const leases = [await pool.acquire(), await pool.acquire()];
      expect(leases.map(({ conn }) => conn)).toEqual(things);
      for (const lease of leases) lease.release();
      expect(pool.stats().idle).toBe(2);
      expect(pool.tryAcquire()?.reused).toBe(true);
      await pool.close({ drain: 0 });
      expect(closed).toHaveLength(2);
    }
  });
});
