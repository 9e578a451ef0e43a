import { follow, smallWorld } from './model-small-world.js';

describe('large pools', () => {
  it('five thousand idle connections that fail their heartbeats at once by throwing', async () => {
    let up = true;
    const { pool, clock, conns } = smallWorld(
      {
        dial: () => ({ serial: 0, closes: 0 }),
        heartbeat: () => {
          if (!up) throw new Error('down');
        },
      },
      { max: 5000 },
    );
    await pool.warmUp(5000);
    void conns;
    up = false;
    const report = follow(pool.heartbeat());
    await clock.advance('10s');
    expect(report.value).toMatchObject({ checked: 5000, failed: 5000 });
    expect(pool.stats()).toMatchObject({ size: 0, checking: 0, closing: 0 });
    const closing = follow(pool.close());
    await clock.advance('1m');
    expect(closing.state).toBe('resolved');
  });
});
