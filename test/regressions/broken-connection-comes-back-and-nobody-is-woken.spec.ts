// First seen in bb8#167 (at most five connections, ten callers, every connection broken when it comes back: five
// callers time out), commons-pool POOL-240 and reactor-pool#40: what came back broken freed its place and told nobody.
import type { Lease } from 'nestjs-conn-pool/core';
import type { FakeConn } from 'nestjs-conn-pool/testing';
import { follow, poolsUnderTest } from '../core/pools-under-test.js';

const ENDS: Record<string, (lease: Lease<FakeConn>) => unknown> = {
  'it is discarded': (lease) => lease.discard(),
  'it died while it was lent': (lease) => (lease.conn.die(), lease.release()),
  'its reset fails': (lease) => lease.release(),
  'it is detached': (lease) => lease.detach(),
};

describe('[R9] ten callers on five places, each giving back a connection that is no good', () => {
  const make = poolsUnderTest();

  it.each(Object.entries(ENDS))('all get one: %s', async (_how, end) => {
    const { pool, connector, clock, take } = make({ max: 5 }, { watch: true, reset: true });
    connector.reset.always('fail');
    const held = await take(5);
    const waiting = Array.from({ length: 5 }, () => follow(pool.acquire().then(end)));
    await clock.settle();
    for (const lease of held) end(lease);
    await clock.settle();
    expect(waiting.filter(({ now }) => now.state !== 'resolved')).toEqual([]);
    expect(connector.dial.count).toBe(10);
    expect(connector.peak).toBeLessThanOrEqual(5 + pool.stats().totals.detached);
  });
});
