import { follow, poolsUnderTest } from '../pools-under-test.js';

describe('a very long line', () => {
  const make = poolsUnderTest();

  it('25,000 on three connections are served in the order they came', async () => {
    const { pool, clock, connector, take } = make({ max: 3, acquireTimeout: 0 });
    const held = await take(3);
    const order: number[] = [];
    for (let i = 0; i < 25_000; i++) {
      void pool.acquire().then((lease) => {
        order.push(i);
        lease.release();
      });
    }
    expect(pool.stats().waiting).toBe(25_000);
    for (const lease of held) lease.release();
    await clock.settle();
    expect(order).toEqual(Array.from({ length: 25_000 }, (_, i) => i));
    expect(connector.conns).toHaveLength(3);
    expect(pool.stats()).toMatchObject({ waiting: 0, idle: 3, totals: { acquired: 25_003, reused: 25_000 } });
  });

  it('25,000 are served in order also by connections that are cleaned, die and are dialled anew in between', async () => {
    const { pool, clock, connector, take } = make(
      { max: 3, acquireTimeout: 0, maxUses: 7 },
      { reset: true, watch: true, isAlive: true },
    );
    const held = await take(3);
    const order: number[] = [];
    for (let i = 0; i < 25_000; i++) {
      void pool.acquire().then((lease) => {
        order.push(i);
        if (i % 5 === 0) lease.discard();
        else if (i % 7 === 0) lease.conn.die();
        else if (i % 11 === 0) lease.detach();
        lease.release();
      });
    }
    for (const lease of held) lease.release();
    await clock.settle();
    expect(order).toEqual(Array.from({ length: 25_000 }, (_, i) => i));
    expect(connector.peak - pool.stats().totals.detached).toBeLessThanOrEqual(3);
  });

  it('those who leave by timeout and by abort leave the others in order', async () => {
    const { pool, clock, take } = make({ max: 1, acquireTimeout: 0 });
    const [lease] = await take(1);
    const controller = new AbortController();
    const order: number[] = [];
    const gone = { timeout: 0, aborted: 0 };
    for (let i = 0; i < 9000; i++) {
      const how = i % 3;
      const options = how === 0 ? {} : how === 1 ? { timeout: 50 } : { signal: controller.signal };
      pool.acquire(options).then(
        (got) => {
          order.push(i);
          got.release();
        },
        () => (how === 1 ? gone.timeout++ : gone.aborted++),
      );
    }
    await clock.advance(50);
    controller.abort(new Error('enough'));
    lease?.release();
    await clock.settle();
    expect(gone).toEqual({ timeout: 3000, aborted: 3000 });
    expect(order).toEqual(Array.from({ length: 3000 }, (_, i) => 3 * i));
  });

  it('10,000 of as many priorities are served from the highest to the lowest', async () => {
    const { pool, clock, take } = make({ max: 1, acquireTimeout: 0 });
    const [lease] = await take(1);
    const order: number[] = [];
    for (let i = 0; i < 10_000; i++) {
      const priority = ((i * 7919) % 10_000) / 10 - 500;
      follow(
        pool.acquire({ priority }).then((got) => {
          order.push(priority);
          got.release();
        }),
      );
    }
    lease?.release();
    await clock.settle();
    expect(order).toEqual([...order].sort((one, other) => other - one));
    expect(order).toHaveLength(10_000);
  });
});
