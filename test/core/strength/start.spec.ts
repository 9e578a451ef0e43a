import { DialError } from 'nestjs-conn-pool/core';
import { follow, poolsUnderTest, rejection } from '../pools-under-test.js';

describe('start()', () => {
  const make = poolsUnderTest();

  it('checks at once what is due for a check since before', async () => {
    const { pool, clock, fill, connector } = make(
      { idleTimeout: 0, maxLifetime: 0, heartbeatInterval: 100 },
      { heartbeat: true },
    );
    await fill(1);
    await clock.advance(500);
    expect(connector.heartbeat.count).toBe(1);
    await pool.start();
    expect(connector.heartbeat.count).toBe(2);
  });
});

describe("startup: 'lazy'", () => {
  const make = poolsUnderTest();

  it('keeps min from the first acquire on that finds nothing, and not before', async () => {
    const { pool, clock, connector } = make({ startup: 'lazy', min: 3 });
    await pool.start();
    await clock.advance('1m');
    expect(connector.dial.count).toBe(0);
    (await pool.acquire()).release();
    await clock.settle();
    expect(pool.stats()).toMatchObject({ size: 3, idle: 3 });
    await pool.closeIdle();
    await clock.settle();
    expect(pool.stats()).toMatchObject({ size: 3, idle: 3 });
  });

  it('without a start keeps no min', async () => {
    const { pool, clock, connector } = make({ startup: 'lazy', min: 3 });
    (await pool.acquire()).release();
    await clock.advance('1m');
    expect(connector.dial.count).toBe(1);
  });
});

describe("startup: 'wait'", () => {
  const make = poolsUnderTest();

  it('fails on a paused pool with what it lacks, and not as if retrying were pointless', async () => {
    const { pool } = make({ startup: 'wait', min: 2 });
    pool.pause();
    const error = (await rejection(pool.start())) as DialError;
    expect(error).toBeInstanceOf(DialError);
    expect(error).toMatchObject({ permanent: false, attempts: 1 });
    expect((error.cause as Error).message).toBe('only 0 of 2 connections are ready; the pool is paused');
  });
});

describe("startup: 'wait', on a server that is down at first", () => {
  const make = poolsUnderTest();

  it('has failed, and still fills min once the server is back', async () => {
    const { pool, connector, clock } = make({
      startup: 'wait',
      min: 2,
      dialBackoff: { initial: 10, max: 10 },
    });
    connector.dial.next('fail', 'fail');
    const starting = follow(pool.start());
    await clock.settle();
    expect(starting.now).toMatchObject({ state: 'rejected', error: { code: 'ERR_DIAL' } });
    (await Promise.all([pool.acquire(), clock.advance(10)]))[0].release();
    await clock.advance(10);
    expect(pool.stats()).toMatchObject({ idle: 2, size: 2 });
  });
});

describe("startup: 'wait', and a close in between", () => {
  const make = poolsUnderTest();

  it('is told that the pool is closed', async () => {
    const { pool, connector, clock } = make({ startup: 'wait', min: 1 });
    connector.dial.gate();
    const starting = follow(pool.start());
    await clock.settle();
    void pool.close();
    await clock.settle();
    expect(starting.now).toMatchObject({ state: 'rejected', error: { code: 'ERR_POOL_CLOSED' } });
  });
});

describe('a warm-up', () => {
  const make = poolsUnderTest();

  it('of a pool that drains tells what there is, at once', async () => {
    const { pool, take, clock } = make({ max: 3 });
    await take(1);
    void pool.close({ drain: '1m' });
    const warm = follow(pool.warmUp(2));
    await clock.settle();
    expect(warm.now).toEqual({ state: 'resolved', value: 1 });
  });

  it.each(['pause', 'close'] as const)('that is under way ends when the pool is told to %s', async (call) => {
    const { pool, take, clock, connector } = make({ max: 3 });
    await take(1);
    connector.dial.always('hang');
    const warm = follow(pool.warmUp(3));
    await clock.settle();
    void pool[call]();
    await clock.settle();
    expect(warm.now).toEqual({ state: 'resolved', value: 1 });
  });

  it('gives up when what it dials dies as soon as it is made, attempt after attempt', async () => {
    const { pool, clock, connector } = make(
      { max: 4, dialConcurrency: 1, dialAttempts: 3, dialBackoff: { initial: 20, max: 20 } },
      { watch: true },
    );
    // The server accepts, and hangs up before the next can be made.
    connector.dial.always({ after: 10 });
    connector.watch.tap(
      () => void clock.setTimeout(() => connector.conns.at(-1)?.die(new Error('hung up')), 5),
    );
    const warm = follow(pool.warmUp(2));
    await clock.advance(200);
    expect(warm.now).toEqual({ state: 'resolved', value: 0 });
    expect(connector.dial.count).toBeGreaterThanOrEqual(3);
    expect(connector.dial.count).toBeLessThanOrEqual(4);
  });
});
