// First seen in bb8#67, Npgsql#1788, commons-pool POOL-162, puddle 1.1.0, cap-js/cds-dbs#1721 and knex#1382: under load
// callers time out in the instant in which connections come back. The connection, or the wake-up, went to one who was
// no longer there; the pool ran dry and stayed so when the load was gone.
import type { Lease } from 'nestjs-conn-pool/core';
import type { FakeConn } from 'nestjs-conn-pool/testing';
import { follow, poolsUnderTest } from '../core/pools-under-test.js';

describe('[R7] [B11] [B12] a waiter that gave up takes no connection along', () => {
  const make = poolsUnderTest();

  it.each(['the timeouts', 'the returns'])('under load, when %s come first in one instant', async (first) => {
    const { pool, connector, clock, take } = make({ max: 10, acquireTimeout: '1s' });
    const leases: Lease<FakeConn>[] = [];
    const giveBack = () => void clock.setTimeout(() => leases.forEach((lease) => lease.release()), 1_000);
    if (first === 'the returns') giveBack();
    leases.push(...(await take(10)));
    const callers = Array.from({ length: 200 }, () => follow(pool.use(() => 'served')));
    if (first === 'the timeouts') giveBack();
    await clock.advance('1s');
    const gaveUp = callers.filter(({ now }) => now.state === 'rejected').length;
    expect(gaveUp).toBe(first === 'the returns' ? 0 : 200);
    expect(await take(10)).toHaveLength(10);
    expect(connector.dial.count).toBe(10);
  });

  it('one in front that gives up in the same instant as it comes: it goes to the next', async () => {
    const { pool, take, clock } = make({ max: 1 });
    const [lease] = await take(1);
    const abort = new AbortController();
    const first = follow(pool.acquire({ signal: abort.signal }));
    const second = follow(pool.acquire());
    abort.abort(new Error('changed my mind'));
    lease?.release();
    await clock.settle();
    expect([first.now.state, second.now.state]).toEqual(['rejected', 'resolved']);
    if (second.now.state === 'resolved') second.now.value.release();
    expect(pool.stats()).toMatchObject({ idle: 1, leased: 0 });
  });

  it('a hundred that have all given up: it goes to idle', async () => {
    const { pool, take, clock } = make({ max: 1 });
    const [lease] = await take(1);
    const aborts = Array.from({ length: 100 }, () => new AbortController());
    const dead = aborts.map(({ signal }) => follow(pool.acquire({ signal })));
    for (const abort of aborts) abort.abort();
    lease?.release();
    await clock.settle();
    expect(dead.every(({ now }) => now.state === 'rejected')).toBe(true);
    expect(pool.stats()).toMatchObject({ idle: 1, leased: 0, waiting: 0 });
    expect(pool.tryAcquire()).toBeDefined();
  });
});
