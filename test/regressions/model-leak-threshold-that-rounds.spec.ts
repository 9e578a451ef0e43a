import { ConnPool } from 'nestjs-conn-pool/core';
import { FakeClock } from 'nestjs-conn-pool/testing';

it('a leak threshold that rounds against the clock does not ring without end', async () => {
  // 1000.1 + 100 - 1000.1 is less than 100: the appointment is due while the lease looks too young. A failure hangs.
  const clock = new FakeClock(1000.1);
  const pool = new ConnPool<object>(
    { dial: () => ({}), close: () => undefined },
    { clock, leakThreshold: 100 },
  );
  const lease = await pool.acquire();
  const leaks: string[] = [];
  pool.events$.subscribe(({ type }) => void leaks.push(type));
  await clock.advance('1s');
  expect(leaks).toEqual(['leak']);
  lease.release();
  await pool.close();
});
