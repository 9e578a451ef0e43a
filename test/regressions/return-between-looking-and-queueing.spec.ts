// First seen in bb8#122: a caller finds nothing idle; before it has joined the queue the only connection comes back
// and, seeing nobody in the queue, wakes nobody. Here an acquire looks and joins in one step, and the only strangers
// that run within it are the connector and the listeners: the connection comes back in each gap they make, and in each
// after it.
import type { Lease } from 'nestjs-conn-pool/core';
import type { FakeConn } from 'nestjs-conn-pool/testing';
import { follow, poolsUnderTest } from '../core/pools-under-test.js';

describe('[R8] a connection that comes back while a caller looks for one', () => {
  const make = poolsUnderTest();

  it.each(['isAlive', 'close', 'lost'] as const)(
    'within %s of the dead one it finds serves it',
    async (gap) => {
      const { pool, connector, clock, take } = make({ max: 2 }, { isAlive: true });
      const [held, dead] = (await take(2)) as [Lease<FakeConn>, Lease<FakeConn>];
      dead.release();
      connector.conns[1]?.dieSilently();
      connector.close.always('hang');
      if (gap === 'lost') pool.events$.subscribe(({ type }) => type === 'lost' && held.release());
      else connector[gap].tap(() => held.release());
      const caller = follow(pool.acquire());
      connector.close.tap(undefined);
      await clock.settle();
      expect(caller.now).toMatchObject({ state: 'resolved', value: { conn: connector.conns[0] } });
    },
  );

  it('any number of microtasks after it has looked serves it', async () => {
    for (let microtasks = 0; microtasks < 8; microtasks++) {
      const { pool, clock, take } = make({ max: 1 });
      const [held] = await take(1);
      const caller = follow(pool.acquire());
      for (let passed = 0; passed < microtasks; passed++) await undefined;
      held?.release();
      await clock.settle();
      expect(caller.now.state).toBe('resolved');
    }
  });
});
