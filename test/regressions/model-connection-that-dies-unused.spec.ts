import { follow, never, smallWorld } from './model-small-world.js';

describe('what is dialled and dies unused', () => {
  it('isAlive that is never true does not dial without end within one turn', async () => {
    let dials = 0;
    const { pool, clock } = smallWorld(
      {
        dial: async () => {
          // Ends the test where the engine would never let the event loop turn again.
          if ((dials += 1) > 1000) return never();
          return { serial: dials, closes: 0 };
        },
        isAlive: () => false,
      },
      { max: 4 },
    );
    const two = [follow(pool.acquire()), follow(pool.acquire())];
    await clock.settle();
    expect(dials).toBeLessThanOrEqual(4);
    await pool.close({ drain: 0 });
    await clock.settle();
    expect(two.map(({ state }) => state)).toEqual(['rejected', 'rejected']);
  });

  it('a server that accepts and hangs up is not hammered by dials that take turns', async () => {
    let dials = 0;
    const { pool, clock, later, make } = smallWorld(
      {
        dial: () => later(5 + (dials++ % 4), make),
        watch: (_conn, lost) => void clock.setTimeout(() => lost(new Error('hung up')), 1),
      },
      { max: 10, min: 8 },
    );
    await pool.start();
    await clock.advance('10s');
    expect(dials).toBeLessThan(400);
    await pool.close({ drain: 0 });
    await clock.advance('1m');
  });
});
