import { DialError, PoolClosedError } from 'nestjs-conn-pool/core';
import { follow, poolsUnderTest, rejection } from './pools-under-test.js';

describe('start', () => {
  const make = poolsUnderTest();

  it("'background': resolves at once and fills min meanwhile", async () => {
    const { pool, connector, clock, said } = make({ min: 2, startup: 'background' });
    connector.dial.always({ after: 100 });
    await pool.start();
    expect(pool.stats()).toMatchObject({ idle: 0, dialing: 2 });
    await clock.advance(100);
    expect(pool.stats().idle).toBe(2);
    expect(said('started')).toHaveLength(1);
  });

  it("'background': is not disturbed by dials that fail", async () => {
    const { pool, connector, clock } = make({ min: 1, startup: 'background' });
    connector.dial.next('fail', 'throw');
    await pool.start();
    await clock.advance('10s');
    expect(pool.stats().idle).toBe(1);
  });

  it("'wait': resolves when min are ready", async () => {
    const { pool, connector, clock, said } = make({ min: 2, startup: 'wait' });
    connector.dial.next({ after: 100 }, { after: 300 });
    const starting = follow(pool.start());
    await clock.advance(299);
    expect(starting.now.state).toBe('pending');
    await clock.advance(1);
    expect(starting.now.state).toBe('resolved');
    expect(pool.stats().idle).toBe(2);
    expect(said('started')).toMatchObject([{ ready: 2 }]);
  });

  it("'wait': fails with the cause when min cannot be made", async () => {
    const { pool, connector, clock } = make({ min: 2, startup: 'wait', dialAttempts: 2 });
    const refused = new Error('refused');
    connector.dial.always({ fail: refused });
    const starting = follow(pool.start());
    await clock.advance('1m');
    expect(starting.now).toMatchObject({ state: 'rejected', error: { code: 'ERR_DIAL', cause: refused } });
    expect((starting.now as { error: unknown }).error).toBeInstanceOf(DialError);
  });

  it("'wait': fails at once on a permanent error", async () => {
    const { pool, connector, clock } = make(
      { min: 1, startup: 'wait', dialAttempts: 100 },
      { isPermanent: () => true },
    );
    connector.dial.always('fail');
    const starting = follow(pool.start());
    await clock.settle();
    expect(starting.now).toMatchObject({ state: 'rejected', error: { permanent: true } });
    expect(connector.dial.count).toBe(1);
  });

  it("'wait': tries as often as dialAttempts says", async () => {
    const { pool, connector, clock } = make({ min: 1, startup: 'wait', dialAttempts: 3 });
    connector.dial.next('fail', 'fail', 'ok');
    const starting = follow(pool.start());
    await clock.advance('10s');
    expect(starting.now.state).toBe('resolved');
  });

  it("'wait' with min 0 has nothing to wait for", async () => {
    const { pool, connector } = make({ startup: 'wait' });
    await pool.start();
    expect(connector.dial.count).toBe(0);
  });

  it("'lazy': dials nothing until asked", async () => {
    const { pool, connector, clock } = make({ min: 2, startup: 'lazy' });
    await pool.start();
    await clock.advance('1h');
    expect(connector.dial.count).toBe(0);
    await pool.acquire();
    expect(connector.dial.count).toBeGreaterThan(0);
  });

  it('is idempotent', async () => {
    const { pool, connector, said } = make({ min: 2, startup: 'wait' });
    await Promise.all([pool.start(), pool.start()]);
    await pool.start();
    expect(connector.dial.count).toBe(2);
    expect(said('started')).toHaveLength(1);
  });

  it('may be called again from within what it calls', async () => {
    for (const startup of ['wait', 'background'] as const) {
      const { pool, connector, clock, said } = make({ min: 2, startup });
      const inner: ReturnType<typeof follow>[] = [];
      connector.dial.tap(() => void inner.push(follow(pool.start())));
      pool.events$.subscribe(({ type }) => type === 'started' && inner.push(follow(pool.start())));
      await pool.start();
      await clock.settle();
      expect(said('started')).toHaveLength(1);
      expect(connector.dial.count).toBe(2);
      expect(inner.length).toBeGreaterThanOrEqual(3);
      expect(inner.every(({ now }) => now.state === 'resolved')).toBe(true);
    }
  });

  it("'wait': can be called again after it failed", async () => {
    const { pool, connector, clock } = make({ min: 1, startup: 'wait' });
    connector.dial.next('fail');
    expect(await rejection(pool.start())).toBeInstanceOf(DialError);
    const again = follow(pool.start());
    await clock.advance('5s');
    expect(again.now.state).toBe('resolved');
    expect(pool.stats().idle).toBe(1);
  });

  it('is not needed to acquire', async () => {
    const { pool } = make();
    expect((await pool.acquire()).active).toBe(true);
  });

  it('of a closed pool fails', async () => {
    const { pool } = make();
    await pool.close();
    expect(await rejection(pool.start())).toBeInstanceOf(PoolClosedError);
  });

  it("'wait': is rejected by a close meanwhile", async () => {
    const { pool, connector, clock } = make({ min: 1, startup: 'wait' });
    connector.dial.always('hang');
    const starting = follow(pool.start());
    await clock.settle();
    const closing = pool.close({ drain: 0 });
    await clock.settle();
    expect(starting.now).toMatchObject({ state: 'rejected' });
    await clock.advance('1m');
    await closing;
  });
});

describe('warmUp', () => {
  const make = poolsUnderTest();

  it('[B49] dials up to min, or to the count it is given, and says how many are ready', async () => {
    const { pool, connector } = make({ min: 2 });
    expect(await pool.warmUp()).toBe(2);
    expect(await pool.warmUp()).toBe(2);
    expect(connector.dial.count).toBe(2);
    expect(await pool.warmUp(5)).toBe(5);
    expect(pool.stats()).toMatchObject({ idle: 5, size: 5 });
  });

  it('never exceeds max', async () => {
    const { pool, connector } = make({ max: 3 });
    expect(await pool.warmUp(10)).toBe(3);
    expect(connector.peak).toBe(3);
  });

  it('[B49] settles when dials fail: with fewer', async () => {
    const { pool, connector, clock } = make({ max: 3 });
    connector.dial.always('fail');
    const warming = follow(pool.warmUp(3));
    await clock.advance('1m');
    expect(warming.now).toEqual({ state: 'resolved', value: 0 });
  });

  it('[B49] settles when connections are lent, or taken by others meanwhile', async () => {
    const { pool, take, clock, connector } = make({ max: 2, acquireTimeout: 0 });
    await take(2);
    const warming = follow(pool.warmUp(2));
    await clock.advance('1m');
    expect(warming.now.state).toBe('resolved');
    expect(connector.dial.count).toBe(2);
  });

  it('does not hang on dials that hang', async () => {
    const { pool, connector, clock } = make({ max: 2, dialTimeout: '1s' });
    connector.dial.always('hang');
    const warming = follow(pool.warmUp(2));
    await clock.advance('30s');
    expect(warming.now.state).toBe('resolved');
  });

  it('settles when the pool is closed', async () => {
    const { pool, connector, clock } = make({ max: 2 });
    connector.dial.always('hang');
    const warming = follow(pool.warmUp(2));
    await clock.settle();
    const closing = pool.close({ drain: 0 });
    await clock.advance('1m');
    await closing;
    expect(warming.now.state).not.toBe('pending');
  });

  it('holds the process while it lasts, and no longer, however it ends', async () => {
    const { pool, connector, clock } = make({ max: 4 });
    connector.dial.always({ after: 100 });
    const warming = pool.warmUp(2);
    await clock.settle();
    expect(clock.refs).toBeGreaterThan(0);
    await clock.advance(100);
    expect(await warming).toBe(2);
    await clock.settle();
    expect([clock.refs, clock.pending > 0]).toEqual([0, true]);
    connector.dial.always('fail');
    const failing = follow(pool.warmUp(4));
    await clock.advance('10s');
    expect(failing.now).toEqual({ state: 'resolved', value: 2 });
    expect(clock.refs).toBe(0);
  });

  it('checks its count', async () => {
    const { pool } = make();
    for (const count of [-1, 1.5, NaN])
      expect(await rejection(pool.warmUp(count))).toMatchObject({ code: 'ERR_INVALID_OPTIONS' });
    expect(await pool.warmUp(0)).toBe(0);
  });
});

describe('a server that accepts and hangs up', () => {
  const make = poolsUnderTest();

  it('fails a start that waits, instead of holding it for ever', async () => {
    const { pool, clock, connector } = make({ startup: 'wait', min: 2 }, { watch: true });
    connector.watch.always('fail');
    const starting = follow(pool.start());
    await clock.advance('1m');
    expect(starting.now).toMatchObject({ state: 'rejected', error: { code: 'ERR_DIAL' } });
  });

  it('also when it hangs up a little later', async () => {
    const { pool, clock, connector } = make({ startup: 'wait', min: 6 }, { watch: true });
    const starting = follow(pool.start());
    for (let round = 0; round < 200; round += 1) {
      await clock.advance(1);
      for (const conn of connector.live) conn.die(new Error('hung up'));
    }
    await clock.advance('1m');
    expect(starting.now.state).not.toBe('pending');
  });
});
