import { follow, never, smallWorld } from './model-small-world.js';

describe('dials that fail at once', () => {
  it('one that succeeds among them does not let them be repeated without end within one turn', async () => {
    let dials = 0;
    const { pool, clock, make } = smallWorld(
      {
        dial: () => {
          if ((dials += 1) > 1000) return never();
          return dials === 2 ? Promise.resolve().then(make) : Promise.reject(new Error('refused'));
        },
      },
      { max: 3, dialConcurrency: 3, dialAttempts: 1000 },
    );
    const waiting = [1, 2, 3].map(() => follow(pool.acquire({ timeout: '1s' })));
    await clock.settle();
    expect(dials).toBeLessThan(10);
    await clock.advance('2s');
    expect(waiting.filter(({ state }) => state === 'resolved')).toHaveLength(1);
    void pool.close({ drain: 0 });
    await clock.advance('1m');
  });
});
