import { ConnPool } from 'nestjs-conn-pool/core';
import { follow, poolsUnderTest, rejection } from '../pools-under-test.js';

describe('the signal of a call', () => {
  const make = poolsUnderTest();

  it('is the same however often it is read, and aborts at the timeout', async () => {
    const { pool, connector, clock } = make({ dialTimeout: 100 });
    connector.dial.next('hang');
    void follow(pool.acquire());
    const context = connector.dial.calls[0]?.context;
    const signal = context?.signal;
    expect(context?.signal).toBe(signal);
    await clock.advance(99);
    expect(signal?.aborted).toBe(false);
    await clock.advance(1);
    expect(signal?.aborted).toBe(true);
  });

  it('aborts with what the connection died of, or with the reason of its close', async () => {
    const { pool, connector, clock, fill } = make({}, { heartbeat: true, watch: true });
    await fill(2);
    connector.heartbeat.always('hang');
    void follow(pool.heartbeat());
    const signals = connector.heartbeat.open.map(({ context }) => context.signal);
    const cause = new Error('hung up');
    connector.heartbeat.open[0]?.conn?.die(cause);
    void pool.close({ drain: 0 });
    await clock.settle();
    expect(signals.map(({ reason }) => reason as unknown)).toEqual([cause, 'forced']);
  });

  it('has aborted for whoever reads it too late, with the reason', async () => {
    const { pool, connector, clock } = make({ dialTimeout: 100 });
    connector.dial.next('hang');
    void follow(pool.acquire());
    await clock.advance(100);
    const signal = connector.dial.calls[0]?.context.signal;
    expect(signal?.reason).toMatchObject({ code: 'ERR_CALL_TIMEOUT', call: 'dial', timeout: 100 });
  });
});

describe('a call that answers twice', () => {
  it.each([
    ['failed and done', true],
    ['done and failed', false],
  ])('has answered with the first: %s', async (_how, failsFirst) => {
    const closed: unknown[] = [];
    const conn = {};
    const answers = {
      then: (done: (conn: object) => void, failed: (error: unknown) => void) => {
        if (failsFirst) failed(new Error('refused'));
        done(conn);
        failed(new Error('refused'));
        done({});
      },
    };
    const pool = new ConnPool<object>({
      dial: () => answers as unknown as Promise<object>,
      close: (one) => void closed.push(one),
    });
    const acquire = pool.acquire();
    if (failsFirst) expect(await rejection(acquire)).toMatchObject({ code: 'ERR_DIAL' });
    else expect((await acquire).conn).toBe(conn);
    await pool.close({ drain: 0 });
    expect(closed).toEqual(failsFirst ? [] : [conn]);
  });
});

describe('calls that set off others and are answered at once', () => {
  /** Each close kills the next connection, which is then closed from within that close. */
  async function chain(
    length: number,
    within: (serial: number, pool: ConnPool<{ serial: number }>) => void = () => undefined,
    min = 0,
  ) {
    const lost: (() => void)[] = [];
    const closed: number[] = [];
    let dials = 0;
    let depth = 0;
    let deepest = 0;
    const pool: ConnPool<{ serial: number }> = new ConnPool(
      {
        dial: () => ({ serial: dials++ }),
        watch: ({ serial }, tell) => void (lost[serial] = tell),
        close: ({ serial }) => {
          depth += 1;
          deepest = Math.max(deepest, depth);
          closed.push(serial);
          lost[serial + 1]?.();
          within(serial, pool);
          depth -= 1;
        },
      },
      { max: length, min, dialConcurrency: length },
    );
    await pool.start();
    const leases = await Promise.all(Array.from({ length }, () => pool.acquire()));
    for (const lease of leases) lease.release();
    return { pool, closed, kill: () => lost[0]?.(), deepest: () => deepest, dials: () => dials };
  }

  it.each([33, 34, 100])('are made in their turn, but not all %i one within the other', async (length) => {
    const { pool, closed, kill, deepest } = await chain(length);
    kill();
    expect(closed).toEqual(Array.from({ length }, (_, serial) => serial));
    expect(deepest()).toBe(32);
    expect(pool.stats()).toMatchObject({ size: 0, totals: { lost: length } });
    await pool.close();
  });

  it('are not made any more when they have been given up meanwhile', async () => {
    let given = { up: 0, afterDials: NaN };
    const { pool, kill, dials } = await chain(
      40,
      (serial, own) => {
        // On the way back out of the chain, when a dial that keeps `min` has had to wait its turn.
        if (serial !== 10) return;
        given = { up: own.stats().dialing, afterDials: dials() };
        void own.close({ drain: 0 });
      },
      40,
    );
    kill();
    await pool.close();
    expect(given.up).toBeGreaterThan(0);
    expect(dials()).toBe(given.afterDials);
    expect(pool.stats()).toMatchObject({ state: 'closed', size: 0 });
  });
});
