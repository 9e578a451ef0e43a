import { follow, smallWorld } from './model-small-world.js';

describe('an acquire that ends before it has joined the line', () => {
  it('does not leave the process held', async () => {
    const controller = new AbortController();
    const { pool, clock } = smallWorld({
      isAlive: () => {
        controller.abort(new Error('mine'));
        return false;
      },
    });
    await pool.warmUp(1);
    const acquiring = follow(pool.acquire({ signal: controller.signal }));
    await clock.settle();
    expect([acquiring.state, pool.stats().waiting, clock.refs]).toEqual(['rejected', 0, 0]);
    await pool.close();
  });
});
