import { smallWorld } from './model-small-world.js';

describe('leak-returned', () => {
  it.each(['release', 'discard', 'detach'] as const)(
    'a listener that closes the pool on %s: one end',
    async (how) => {
      const { pool, clock, conns } = smallWorld({}, { leakThreshold: '1s' });
      pool.events$.subscribe((event) => {
        if (event.type === 'leak-returned') void pool.close({ drain: 0 });
      });
      const lease = await pool.acquire();
      await clock.advance('2s');
      lease[how]();
      await clock.advance('1m');
      expect(conns[0]?.closes).toBe(how === 'detach' ? 0 : 1);
      expect(pool.state).toBe('closed');
    },
  );
});
