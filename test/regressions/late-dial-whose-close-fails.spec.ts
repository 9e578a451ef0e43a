// First seen in tarn (3.1.2): a connection that comes after its create timeout is destroyed, and when that fails nobody
// handles the rejection. That none is unhandled is checked by the pools under test.
import { follow, poolsUnderTest } from '../core/pools-under-test.js';

describe('[B9] a dial that answers after its timeout', () => {
  const make = poolsUnderTest();

  it('[B7] its rejection is handled; so is a failing close of what it made', async () => {
    const { pool, connector, clock } = make({ dialTimeout: '2s' });
    connector.dial.next('hang', 'hang');
    connector.close.next('fail');
    const both = [follow(pool.acquire()), follow(pool.acquire())];
    await clock.advance('2s');
    connector.dial.calls[0]?.reject(new Error('late'));
    connector.dial.calls[1]?.resolve();
    await clock.settle();
    expect(both.map(({ now }) => now.state)).toEqual(['rejected', 'rejected']);
    expect(connector.live).toEqual([]);
    expect(pool.stats()).toMatchObject({ size: 0, totals: { dialFailures: 2 } });
  });
});
