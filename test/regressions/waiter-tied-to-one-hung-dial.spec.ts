// First seen in reactor-pool#127 (declined there): one place, an allocation of ten minutes, its caller gives up. The
// next one waits for that allocation although nobody else does.
import { follow, poolsUnderTest } from '../core/pools-under-test.js';

describe('[R29] a waiter is tied to no dial', () => {
  const make = poolsUnderTest();

  it('a dial of ten minutes whose caller gave up frees its place for the next at dialTimeout', async () => {
    const { pool, connector, clock } = make({ max: 1, dialTimeout: '10s', acquireTimeout: '30s' });
    connector.dial.next({ after: '10m' });
    const abort = new AbortController();
    follow(pool.acquire({ signal: abort.signal }));
    abort.abort();
    const next = follow(pool.acquire());
    await clock.advance('11s');
    expect(next.now).toMatchObject({ state: 'resolved', value: { conn: connector.conns[0] } });
    await clock.advance('10m');
    expect(connector.closed).toEqual([connector.conns[1]]);
  });

  it('a dial that hangs holds up neither caller when the other dial answers', async () => {
    const { pool, connector, clock } = make({ max: 2, dialTimeout: '1h' });
    connector.dial.next('hang', 'ok');
    const order: string[] = [];
    const both = ['first', 'second'].map((name) => follow(pool.use(() => void order.push(name))));
    await clock.settle();
    expect(both.map(({ now }) => now.state)).toEqual(['resolved', 'resolved']);
    expect(order).toEqual(['first', 'second']);
    expect(pool.stats()).toMatchObject({ dialing: 1, idle: 1 });
  });
});
