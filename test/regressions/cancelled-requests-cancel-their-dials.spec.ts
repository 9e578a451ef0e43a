// First seen in pgx#1259 and #1261: a slow database, and users who close the tab. Each cancelled request cancelled its
// dial and the next began another: hundreds of connects, and not one useful connection.
import { follow, poolsUnderTest } from '../core/pools-under-test.js';

describe('[R21] three hundred requests, each cancelled long before its dial is done', () => {
  const make = poolsUnderTest();

  it('cancel no dial, begin few, and leave to the next what those make', async () => {
    const { pool, connector, clock, take } = make({ max: 10, dialTimeout: '10s' });
    connector.dial.always({ after: '5s' });
    for (let request = 0; request < 300; request++) {
      const abort = new AbortController();
      follow(pool.acquire({ signal: abort.signal }));
      clock.setTimeout(() => abort.abort(new Error('the tab was closed')), 50);
      await clock.advance(10);
    }
    expect(pool.stats().totals.aborted).toBeGreaterThan(290);
    expect(connector.dial.count).toBeLessThanOrEqual(4);
    expect(connector.dial.calls.filter(({ context }) => context.signal.aborted)).toEqual([]);
    await clock.advance('3s');
    expect(pool.stats()).toMatchObject({ idle: connector.dial.count, size: connector.dial.count });
    expect((await take(1))[0]?.conn).toBe(connector.conns.at(-1));
  });
});
