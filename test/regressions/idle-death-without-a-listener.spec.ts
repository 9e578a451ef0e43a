// First seen in node-postgres#1165, #1324, #1611, #2386 and #3202: an idle client loses its connection, nobody listens
// to 'error', and the process ends.
import { ConnPool } from 'nestjs-conn-pool/core';

describe('[B33] the death of an idle connection', () => {
  it('needs no listener', async () => {
    let lost: (cause?: unknown) => void = () => undefined;
    const pool = new ConnPool({
      dial: () => ({}),
      close: () => undefined,
      watch: (_conn, tell) => void (lost = tell),
    });
    (await pool.acquire()).release();
    lost(new Error('nobody listens'));
    expect(pool.stats()).toMatchObject({ idle: 0, totals: { lost: 1 } });
    await pool.close();
  });
});
