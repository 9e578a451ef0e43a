import { jest } from '@jest/globals';
import { filter, firstValueFrom, map } from 'rxjs';
import type { PoolEvent } from 'nestjs-conn-pool/core';
import { follow, poolsUnderTest } from './pools-under-test.js';

describe('events$', () => {
  const make = poolsUnderTest();

  it('[X2] tells what happens, in order, each with a type and the name of the pool', async () => {
    const { pool, clock, events, connector } = make({ name: 'thrift', max: 1 }, { watch: true });
    connector.dial.next('fail');
    follow(pool.acquire());
    await clock.settle();
    await clock.advance('1s');
    const lease = await pool.acquire();
    const waiter = follow(pool.acquire({ timeout: 100 }));
    await clock.advance(100);
    expect(waiter.now.state).toBe('rejected');
    lease.discard('why');
    await clock.settle();
    pool.pause();
    pool.resume();
    await pool.close();
    expect(events.map(({ type }) => type)).toEqual([
      'dial-failed',
      'backoff-entered',
      'dialed',
      'recovered',
      'backoff-left',
      'waited',
      'acquired',
      'timeout',
      'released',
      'close',
      'state',
      'state',
      'state',
      'closed',
    ]);
    for (const event of events) expect(event.pool).toBe('thrift');
    expect(
      events.filter(({ type }) => type === 'state').map((event) => (event as { state: string }).state),
    ).toEqual(['paused', 'open', 'draining']);
    expect(events[9]).toMatchObject({ type: 'close', id: lease.id, reason: 'discarded', cause: 'why' });
  });

  it('can be piped and unsubscribed', async () => {
    const { pool, take } = make();
    const dialed = firstValueFrom(
      pool.events$.pipe(
        filter((event) => event.type === 'dialed'),
        map((event: PoolEvent) => event.pool),
      ),
    );
    const heard: string[] = [];
    const subscription = pool.events$.subscribe(({ type }) => heard.push(type));
    const [lease] = await take(1);
    expect(await dialed).toBe('default');
    expect(heard).toEqual(['dialed', 'waited', 'acquired']);
    subscription.unsubscribe();
    lease?.discard();
    expect(heard).toEqual(['dialed', 'waited', 'acquired']);
  });

  it('is told after the accounting: stats in a listener are those after the event', async () => {
    const { pool, connector, clock, take } = make({ max: 1 }, { watch: true });
    const seen: [string, number, number][] = [];
    pool.events$.subscribe(({ type }) => {
      const { size, leased } = pool.stats();
      seen.push([type, size, leased]);
    });
    const [lease] = await take(1);
    lease?.discard();
    await clock.settle();
    expect(seen.at(-1)).toEqual(['close', 0, 0]);
    const [again] = await take(1);
    connector.conns[1]?.die();
    again?.release();
    await clock.settle();
    expect(seen.some(([type]) => type === 'lost')).toBe(true);
    expect(seen.at(-1)).toEqual(['close', 0, 0]);
  });

  it('[B63] a listener that throws disturbs neither the pool nor the other listeners', async () => {
    const { pool, clock, connector, take } = make({ max: 1 }, { watch: true, heartbeat: true });
    const warn = jest.spyOn(process, 'emitWarning').mockImplementation(() => undefined);
    try {
      const heard: string[] = [];
      pool.events$.subscribe(() => {
        throw new Error('listener');
      });
      pool.events$.subscribe({
        next: ({ type }) => {
          heard.push(type);
          throw new Error('another');
        },
        complete: () => {
          throw new Error('complete');
        },
      });
      const [lease] = await take(1);
      const waiter = follow(pool.acquire());
      connector.conns[0]?.die();
      lease?.release();
      await clock.settle();
      expect(waiter.now.state).toBe('resolved');
      const borrowings = ['dialed', 'waited', 'acquired'];
      expect(heard).toEqual([...borrowings, 'lost', 'released', 'close', ...borrowings]);
      await pool.close({ drain: 0 });
      // As text: an error of another realm, as under Jest, would make the warning itself throw.
      expect(warn.mock.calls.length).toBeGreaterThan(8);
      for (const [warning] of warn.mock.calls)
        expect(warning).toEqual(expect.stringMatching(/listener|another|complete/));
    } finally {
      warn.mockRestore();
    }
  });

  it('may be subscribed and unsubscribed inside a listener', async () => {
    const { pool, take } = make();
    const heard: string[] = [];
    const first = pool.events$.subscribe(({ type }) => {
      heard.push(`first ${type}`);
      first.unsubscribe();
      pool.events$.subscribe((event) => heard.push(`second ${event.type}`));
    });
    const leases = await take(1);
    leases[0]?.discard();
    await pool.close();
    expect(heard.filter((line) => line.startsWith('first'))).toEqual(['first dialed']);
    expect(heard).toContain('second close');
  });

  it('[X2] carries no payload: neither the connection nor meta', async () => {
    const { pool, events, take, connector, clock } = make(
      { meta: { password: 'secret' } },
      { heartbeat: true, reset: true, watch: true },
    );
    const leases = await take(3);
    leases[0]?.discard();
    connector.reset.next('fail');
    leases[1]?.release();
    leases[2]?.conn.die();
    leases[2]?.release();
    await clock.settle();
    await pool.close();
    expect(events.length).toBeGreaterThan(5);
    for (const event of events) {
      expect(Object.values(event)).not.toContain(connector.conns[0]);
      expect(Object.keys(event)).not.toEqual(expect.arrayContaining(['meta']));
      expect(JSON.stringify(event)).not.toContain('secret');
    }
    expect(JSON.stringify(pool.stats()) + JSON.stringify(pool.inspect())).not.toContain('secret');
  });
});
