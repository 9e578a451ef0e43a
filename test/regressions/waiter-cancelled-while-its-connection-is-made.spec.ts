// First seen in node-mongodb-native PR #2563 (NODE-2865): the waiter is cancelled while a connection is made for it;
// the connection then belongs to nobody and counts for ever.
import { follow, poolsUnderTest, rejection } from '../core/pools-under-test.js';

describe('[B15] a waiter cancelled during its dial', () => {
  const make = poolsUnderTest();

  it('leaves what was dialled for it in the pool when nobody else waits', async () => {
    const { pool, connector, clock } = make({ max: 1 });
    const slow = connector.dial.gate();
    const abort = new AbortController();
    const only = rejection(pool.acquire({ signal: abort.signal }));
    await clock.settle();
    abort.abort();
    await only;
    slow.resolve();
    await clock.settle();
    expect(pool.stats()).toMatchObject({ idle: 1, size: 1 });
    expect((await pool.acquire()).conn).toBe(connector.conns[0]);
  });

  it('leaves it to whoever comes before it is there', async () => {
    const { pool, connector, clock } = make({ max: 1 });
    const slow = connector.dial.gate();
    const abort = new AbortController();
    const gone = rejection(pool.acquire({ signal: abort.signal }));
    abort.abort();
    await gone;
    const next = follow(pool.acquire());
    slow.resolve();
    await clock.settle();
    expect(next.now).toMatchObject({ state: 'resolved', value: { conn: connector.conns[0] } });
  });
});
