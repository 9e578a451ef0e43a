// First seen in puddle#7 (1.1.3), Npgsql#2616, reactor-pool#82, commons-pool POOL-152 and pool2#30: several wait for
// one place, the dial for the first of them fails, and nobody tells the others that the place is free.
import { follow, poolsUnderTest } from '../core/pools-under-test.js';

describe('[R11] [B8] a dial that fails while others wait', () => {
  const make = poolsUnderTest();

  it.each([
    [1, 'rejected'],
    [2, 'resolved'],
  ] as const)(
    'for the place of a connection just discarded: with %i attempts both are %s',
    async (dialAttempts, end) => {
      const { pool, connector, clock, take } = make({ max: 1, dialAttempts });
      const [lease] = await take(1);
      const both = [follow(pool.use(() => 'x')), follow(pool.use(() => 'y'))];
      connector.dial.next('fail');
      lease?.discard();
      await clock.advance('1s');
      expect(both.map(({ now }) => now.state)).toEqual([end, end]);
    },
  );

  it('on a pool of two whose server is down: five callers are told that, and none of a timeout', async () => {
    const { pool, connector, clock } = make({ max: 2, acquireTimeout: '15s' });
    const cause = new Error('connect ECONNREFUSED');
    connector.dial.always({ fail: cause });
    const callers = Array.from({ length: 5 }, () => follow(pool.acquire()));
    await clock.advance('1s');
    for (const { now } of callers) expect(now).toMatchObject({ error: { code: 'ERR_DIAL', cause } });
  });

  it('and fails again: everybody in the line is rejected, or served when the peer is back', async () => {
    const { pool, connector, clock } = make({ max: 1, acquireTimeout: '5m' });
    connector.dial.next('fail', 'fail');
    const all = Array.from({ length: 5 }, () => follow(pool.use(() => 'served')));
    await clock.advance('4m');
    for (const { now } of all) expect(now.state).not.toBe('pending');
    expect(pool.stats().waiting).toBe(0);
    expect((await pool.use(() => 'served')) === 'served').toBe(true);
  });
});
